//! Short ways to look into a database and to change it, for tests.

use std::borrow::Cow;

use futures_util::FutureExt;
use shared::records::{Records, Row, Value};

/// Runs one statement in a transaction of its own; gives how many rows it matched.
pub async fn execute(records: &Records, sql: impl Into<Cow<'static, str>>, values: Vec<Value<'static>>) -> u64 {
    let sql = sql.into();
    records
        .transaction(move |tx| {
            let (sql, values) = (sql.clone(), values.clone());
            async move { tx.execute(sql, &values).await }.boxed()
        })
        .await
        .expect("a statement that the database takes")
}

/// Inserts one row; gives the id that the database chose.
pub async fn insert(records: &Records, sql: &'static str, values: Vec<Value<'static>>) -> i64 {
    records
        .transaction(move |tx| {
            let values = values.clone();
            async move { tx.insert(sql, &values).await }.boxed()
        })
        .await
        .expect("a row that the database takes")
}

/// The rows of a query, each read by `read`.
pub async fn all<T: Send>(
    records: &Records,
    sql: &'static str,
    values: Vec<Value<'static>>,
    read: impl Fn(&Row) -> shared::records::Result<T> + Send + Sync,
) -> Vec<T> {
    let rows = records
        .read(move |tx| {
            let values = values.clone();
            async move { tx.rows(sql, &values).await }.boxed()
        })
        .await
        .expect("a query that the database takes");
    rows.iter().map(read).collect::<Result<_, _>>().expect("columns of the expected types")
}

/// The one whole number that a query gives.
pub async fn number(records: &Records, sql: &'static str, values: Vec<Value<'static>>) -> i64 {
    let numbers = all(records, sql, values, |row| row.int(0)).await;
    assert_eq!(numbers.len(), 1, "one row: {sql}");
    numbers[0]
}

/// The whole numbers of a query's first column.
pub async fn numbers(records: &Records, sql: &'static str, values: Vec<Value<'static>>) -> Vec<i64> {
    all(records, sql, values, |row| row.int(0)).await
}

/// The texts of a query's first column.
pub async fn texts(records: &Records, sql: &'static str, values: Vec<Value<'static>>) -> Vec<String> {
    all(records, sql, values, |row| row.text(0)).await
}
