//! How the schema on a server stands to this program, which may be of another release than what else works there.

use futures_util::FutureExt;
use shared::records::{Migrated, Records, Result, Tx};

/// A schema, by its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// There is none.
    Missing,
    /// Of an earlier release: it lacks what this program needs.
    Earlier(i64),
    /// The one that this program knows.
    Ours,
    /// Of a later release. Every release runs on the schema of the next.
    Later(i64),
}

/// Looks at the schema on a server, and changes nothing.
pub async fn on_server(records: &Records) -> Result<Schema> {
    Ok(match records.read(|tx| version(tx).boxed()).await? {
        0 => Schema::Missing,
        version if is_later(version) => Schema::Later(version),
        // Who knows the version after it has come further.
        version if !is_later(version + 1) => Schema::Earlier(version),
        _ => Schema::Ours,
    })
}

/// Whether a schema of that version belongs to a later release than this program.
fn is_later(version: i64) -> bool {
    Migrated { applied: Vec::new(), version }.is_newer()
}

/// The newest version that was applied whole; 0 where none was.
async fn version(tx: &mut Tx) -> Result<i64> {
    let history = "SELECT 1 FROM information_schema.tables \
                   WHERE table_schema = DATABASE() AND table_name = '_sqlx_migrations'";
    if tx.row(history, &[]).await?.is_none() {
        return Ok(0);
    }
    let newest = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success = 1";
    tx.row(newest, &[]).await?.map_or(Ok(0), |row| row.int(0))
}
