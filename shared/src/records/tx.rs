//! A connection with queries to run on it, inside a transaction or not.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{TryStreamExt, future::BoxFuture};
use sqlx::{AssertSqlSafe, Executor, MySql, Sqlite, pool::PoolConnection};

use super::{
    Dialect, Result, Row, Script, Value, dialect,
    value::{mysql_arguments, sqlite_arguments},
};

/// The most rows that one INSERT statement carries, where nothing else is said.
const ROWS_PER_INSERT: usize = 256;

/// A connection, and how to speak on it.
#[derive(Debug)]
pub struct Tx {
    connection: Connection,
    pub(super) lease_offset: i64,
    statements: Arc<AtomicU64>,
    /// Between BEGIN and the end of COMMIT or ROLLBACK.
    unfinished: bool,
}

/// A transaction that nobody ends, because its code panicked or its caller went away, must not go back to the pool with
/// its connection: the next BEGIN there would commit it. The server rolls it back when the connection closes.
impl Drop for Tx {
    fn drop(&mut self) {
        if let (true, Connection::MySql(connection)) = (self.unfinished, &mut self.connection) {
            connection.close_on_drop();
        }
    }
}

#[derive(Debug)]
enum Connection {
    MySql(PoolConnection<MySql>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Tx {
    pub(super) fn mysql(connection: PoolConnection<MySql>, lease_offset: i64, statements: Arc<AtomicU64>) -> Self {
        Self { connection: Connection::MySql(connection), lease_offset, statements, unfinished: false }
    }

    pub(super) fn sqlite(connection: PoolConnection<Sqlite>, lease_offset: i64, statements: Arc<AtomicU64>) -> Self {
        Self { connection: Connection::Sqlite(connection), lease_offset, statements, unfinished: false }
    }

    /// Which SQL this connection speaks.
    pub fn dialect(&self) -> Dialect {
        match self.connection {
            Connection::MySql(_) => Dialect::MySql,
            Connection::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Runs a statement; gives the number of rows that it matched.
    pub async fn execute(&mut self, sql: impl Into<Cow<'static, str>>, values: &[Value<'_>]) -> Result<u64> {
        Ok(self.run(sql.into(), values).await?.0)
    }

    /// Runs an INSERT of one row; gives the id that the database chose.
    pub async fn insert(&mut self, sql: impl Into<Cow<'static, str>>, values: &[Value<'_>]) -> Result<i64> {
        Ok(self.run(sql.into(), values).await?.1)
    }

    /// The rows of a query.
    pub async fn rows(&mut self, sql: impl Into<Cow<'static, str>>, values: &[Value<'_>]) -> Result<Vec<Row>> {
        let sql = self.prepare(sql.into());
        Ok(match &mut self.connection {
            Connection::MySql(connection) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.into_owned()), mysql_arguments(values)?);
                query.fetch_all(&mut **connection).await?.into_iter().map(Row::MySql).collect()
            }
            Connection::Sqlite(connection) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.into_owned()), sqlite_arguments(values)?);
                query.fetch_all(&mut **connection).await?.into_iter().map(Row::Sqlite).collect()
            }
        })
    }

    /// The first row of a query, if there is one.
    pub async fn row(&mut self, sql: impl Into<Cow<'static, str>>, values: &[Value<'_>]) -> Result<Option<Row>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Inserts many rows of `columns` values each: `head` ends before `VALUES`' first bracket, `tail` follows the last.
    ///
    /// The rows go out in statements of a few fixed sizes, so that a server prepares each size only once.
    pub async fn insert_rows(
        &mut self,
        head: &'static str,
        columns: usize,
        tail: &'static str,
        values: &[Value<'_>],
    ) -> Result<()> {
        self.insert_rows_by(ROWS_PER_INSERT, head, columns, tail, values).await
    }

    /// The same, with at most `most` rows in one statement.
    pub async fn insert_rows_by(
        &mut self,
        most: usize,
        head: &'static str,
        columns: usize,
        tail: &'static str,
        values: &[Value<'_>],
    ) -> Result<()> {
        let mut rest = values;
        while !rest.is_empty() {
            let rows = rest.len() / columns;
            let chunk = if rows >= most { most } else { 1 << rows.ilog2() };
            let (now, later) = rest.split_at(chunk * columns);
            self.execute(dialect::insert_text(head, chunk, columns, tail), now).await?;
            rest = later;
        }
        Ok(())
    }

    /// Runs a script's statements one after the other, as part of this transaction.
    pub async fn run_one_by_one(&mut self, script: &Script) -> Result<Vec<u64>> {
        let mut matched = Vec::with_capacity(script.statements.len());
        for (sql, values) in &script.statements {
            matched.push(self.execute(sql.clone(), values).await?);
        }
        Ok(matched)
    }

    /// Runs a script as one text, BEGIN and COMMIT included.
    pub(super) async fn run_as_text(&mut self, script: &Script) -> Result<Vec<u64>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let Connection::MySql(connection) = &mut self.connection else { return self.run_one_by_one(script).await };
        let text = script.as_mysql_text(self.lease_offset);
        self.unfinished = true;
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute_many(&mut **connection);
        let results: std::result::Result<Vec<_>, _> = done.try_collect().await;
        match results {
            // The first result is that of BEGIN, the last that of COMMIT.
            Ok(results) => {
                self.unfinished = false;
                let matched = results.iter().skip(1).take(script.statements.len());
                Ok(matched.map(sqlx::mysql::MySqlQueryResult::rows_affected).collect())
            }
            Err(error) => {
                self.unfinished = self.command("ROLLBACK").await.is_err();
                Err(error.into())
            }
        }
    }

    /// Runs `work` between BEGIN and COMMIT.
    pub(super) async fn within_transaction<T, F>(&mut self, work: &F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T>>,
    {
        self.unfinished = true;
        self.command("BEGIN").await?;
        match work(self).await {
            Ok(value) => {
                self.command("COMMIT").await?;
                self.unfinished = false;
                Ok(value)
            }
            Err(error) => {
                // A connection that cannot roll back is closed, and its server rolls back for it.
                self.unfinished = self.command("ROLLBACK").await.is_err();
                Err(error)
            }
        }
    }

    /// Runs a word of transaction control, unprepared.
    pub(super) async fn command(&mut self, sql: &'static str) -> Result<()> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        match &mut self.connection {
            Connection::MySql(connection) => connection.execute(sql).await.map(drop)?,
            Connection::Sqlite(connection) => connection.execute(sql).await.map(drop)?,
        }
        Ok(())
    }

    async fn run(&mut self, sql: Cow<'static, str>, values: &[Value<'_>]) -> Result<(u64, i64)> {
        let sql = self.prepare(sql);
        Ok(match &mut self.connection {
            Connection::MySql(connection) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.into_owned()), mysql_arguments(values)?);
                let done = query.execute(&mut **connection).await?;
                (done.rows_affected(), i64::try_from(done.last_insert_id()).unwrap_or(i64::MAX))
            }
            Connection::Sqlite(connection) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.into_owned()), sqlite_arguments(values)?);
                let done = query.execute(&mut **connection).await?;
                (done.rows_affected(), done.last_insert_rowid())
            }
        })
    }

    fn prepare(&self, sql: Cow<'static, str>) -> Cow<'static, str> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.dialect().expand(sql, self.lease_offset)
    }
}
