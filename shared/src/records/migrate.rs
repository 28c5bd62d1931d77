//! Bringing the schema up to date.

use sqlx::{
    Connection, MySqlPool, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Records, Result, Store};

/// One change of the schema, in both dialects.
struct Change {
    version: i64,
    name: &'static str,
    mysql: &'static str,
    sqlite: &'static str,
}

/// A migration's two files, by their common name.
macro_rules! change {
    ($version:literal, $name:literal) => {
        Change {
            version: $version,
            name: $name,
            mysql: include_str!(concat!("../../../infra/migrations/mysql/", $name, ".sql")),
            sqlite: include_str!(concat!("../../../infra/migrations/sqlite/", $name, ".sql")),
        }
    };
}

/// Every change there ever was, in order. A change that has been released is never edited: a new one follows it.
const CHANGES: &[Change] = &[
    change!(1, "0001_people"),
    change!(2, "0002_runs"),
    change!(3, "0003_invitations"),
    change!(4, "0004_deaths"),
    change!(5, "0005_trace"),
];

impl Records {
    /// Applies the migrations that these records have not seen yet. Several may do so at once: each waits for the
    /// other.
    pub async fn migrate(&self) -> Result<()> {
        match &self.shared.store {
            Store::MySql(pool) => migrate_mysql(pool).await,
            Store::Sqlite { writer, .. } => migrate_sqlite(writer.pool()).await,
        }
    }
}

/// For how many seconds to wait for another's migration.
const WAIT: i64 = 600;

async fn migrate_mysql(pool: &MySqlPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    // The lock goes with the connection, however this ends.
    connection.close_on_drop();
    // sqlx waits for its own lock with a time-out of -1, which is none at all to MariaDB.
    let lock: Option<i64> = sqlx::query_scalar("SELECT GET_LOCK(CONCAT('almanac ', MD5(DATABASE())), ?)")
        .bind(WAIT)
        .fetch_one(&mut *connection)
        .await?;
    if lock != Some(1) {
        let busy = sqlx::Error::Protocol(format!("another migration has been under way for {WAIT} seconds"));
        return Err(MigrateError::Execute(busy).into());
    }
    migrator(|change| change.mysql).run_direct(None, &mut *connection, false).await?;
    Ok(connection.close().await?)
}

async fn migrate_sqlite(pool: &SqlitePool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    // sqlx has no lock for SQLite, so one transaction holds every change: who comes second waits for its end.
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrator(|change| change.sqlite).run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

fn migrator(sql: impl Fn(&Change) -> &'static str) -> Migrator {
    let migration = |change: &Change| {
        let text = sqlx::SqlSafeStr::into_sql_str(sql(change));
        Migration::new(change.version, change.name.into(), MigrationType::Simple, text, false)
    };
    let mut migrator = Migrator::with_migrations(CHANGES.iter().map(migration).collect());
    migrator.set_locking(false);
    migrator
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::CHANGES;

    #[test]
    fn every_migration_file_is_listed_in_both_dialects() {
        let listed: BTreeSet<_> = CHANGES.iter().map(|change| format!("{}.sql", change.name)).collect();
        for dialect in ["mysql", "sqlite"] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/migrations/").to_owned() + dialect;
            let files: BTreeSet<_> = std::fs::read_dir(folder)
                .expect("the migrations are in the repository")
                .map(|file| file.expect("readable").file_name().into_string().expect("ASCII"))
                .collect();
            assert_eq!(files, listed, "{dialect}");
        }
    }
}
