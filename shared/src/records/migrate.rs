//! Bringing the schema up to date.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::{
    Connection, MySqlPool, SqlitePool,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
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
    change!(6, "0006_fuse"),
    change!(7, "0007_alerts"),
    change!(8, "0008_redrive"),
    change!(9, "0009_dead_letters"),
    change!(10, "0010_long_skips"),
    change!(11, "0011_batch_letters"),
    change!(12, "0012_sends_claimed"),
    change!(13, "0013_reminders"),
    change!(14, "0014_feedback"),
    change!(15, "0015_swept_batches"),
    change!(16, "0016_cleanup"),
    change!(17, "0017_send_quota"),
    change!(18, "0018_feedback_kind"),
    change!(19, "0019_schedules"),
    change!(20, "0020_when_in_doubt"),
    change!(21, "0021_hackathon"),
    change!(22, "0022_job_health"),
    change!(23, "0023_conditional_answers"),
    change!(24, "0024_costs"),
    change!(25, "0025_silence"),
];

/// What bringing the schema up to date came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// The migrations that were applied now, in order, such as `0002_runs`.
    pub applied: Vec<&'static str>,
    /// The version at which the schema is.
    pub version: i64,
}

impl Migrated {
    /// Whether the schema belongs to a later release than this code, as after a roll back.
    pub fn is_newer(&self) -> bool {
        self.version > newest()
    }
}

impl Records {
    /// Applies the migrations that these records have not seen yet; says which. Several may do so at once: each waits
    /// for the other. A schema of a later release is left alone, because every release runs on the schema of the next.
    ///
    /// # Errors
    /// When a migration fails, has failed before, or is not the one that was applied under its number.
    pub async fn migrate(&self) -> Result<Migrated> {
        match &self.shared.store {
            Store::MySql { pool, .. } => migrate_mysql(pool).await,
            Store::Sqlite { writer, .. } => migrate_sqlite(writer.pool()).await,
        }
    }
}

/// The table in which sqlx keeps what has been applied.
const HISTORY: &str = "_sqlx_migrations";

/// For how many seconds to wait for another's migration.
const WAIT: i64 = 600;

async fn migrate_mysql(pool: &MySqlPool) -> Result<Migrated> {
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
    let migrated = bring_up_to_date(&mut *connection, |change| change.mysql).await?;
    connection.close().await?;
    Ok(migrated)
}

async fn migrate_sqlite(pool: &SqlitePool) -> Result<Migrated> {
    let mut connection = pool.acquire().await?;
    // sqlx has no lock for SQLite, so one transaction holds every change: who comes second waits for its end.
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let migrated = bring_up_to_date(&mut *tx, |change| change.sqlite).await?;
    tx.commit().await?;
    Ok(migrated)
}

async fn bring_up_to_date<C: Migrate>(connection: &mut C, sql: impl Fn(&Change) -> &'static str) -> Result<Migrated> {
    let seen = seen(connection).await?;
    let is_ours = |version: &i64| CHANGES.iter().any(|change| change.version == *version);
    if let Some(gone) = seen.iter().find(|version| **version <= newest() && !is_ours(version)) {
        return Err(MigrateError::VersionMissing(*gone).into());
    }
    let new: Vec<_> = CHANGES.iter().filter(|change| !seen.contains(&change.version)).collect();
    // sqlx refuses while any migration is half applied, even one of a later release, which does not concern this code.
    let half = connection.dirty_version(HISTORY).await?;
    if !new.is_empty() || half.is_none_or(|version| version <= newest()) {
        migrator(sql).run_direct(None, connection, false).await?;
    }
    let migrated = Migrated {
        applied: new.iter().map(|change| change.name).collect(),
        version: seen.last().copied().unwrap_or_default().max(newest()),
    };
    if migrated.is_newer() {
        tracing::warn!(
            schema = migrated.version,
            code = newest(),
            "the schema is of a later release; it is left alone"
        );
    }
    Ok(migrated)
}

/// The versions that were applied before.
async fn seen<C: Migrate>(connection: &mut C) -> Result<BTreeSet<i64>> {
    connection.ensure_migrations_table(HISTORY).await?;
    let applied = connection.list_applied_migrations(HISTORY).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

/// The version of the newest change that this code knows.
fn newest() -> i64 {
    CHANGES.iter().map(|change| change.version).max().unwrap_or_default()
}

fn migrator(sql: impl Fn(&Change) -> &'static str) -> Migrator {
    let migration = |change: &Change| {
        let text = sqlx::SqlSafeStr::into_sql_str(sql(change));
        Migration::new(change.version, change.name.into(), MigrationType::Simple, text, false)
    };
    let mut migrator = Migrator::with_migrations(CHANGES.iter().map(migration).collect());
    migrator.set_locking(false);
    migrator.set_ignore_missing(true);
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
