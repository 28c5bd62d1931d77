//! Bringing the schema up to date.

use sqlx::migrate::{Migration, MigrationType, Migrator};

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
const CHANGES: &[Change] = &[change!(1, "0001_people"), change!(2, "0002_runs"), change!(3, "0003_invitations")];

impl Records {
    /// Applies the migrations that these records have not seen yet. Several may do so at once on one server: each
    /// waits for the other.
    pub async fn migrate(&self) -> Result<()> {
        match &self.shared.store {
            Store::MySql(pool) => migrator(|change| change.mysql).run(pool).await?,
            Store::Sqlite { writer, .. } => migrator(|change| change.sqlite).run(writer.pool()).await?,
        }
        Ok(())
    }
}

fn migrator(sql: impl Fn(&Change) -> &'static str) -> Migrator {
    let migration = |change: &Change| {
        let text = sqlx::SqlSafeStr::into_sql_str(sql(change));
        Migration::new(change.version, change.name.into(), MigrationType::Simple, text, false)
    };
    Migrator::with_migrations(CHANGES.iter().map(migration).collect())
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
