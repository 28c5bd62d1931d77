//! What a run of the clean-up has done, in numbers: added up in the transactions that do it, so that they are right
//! wherever a run was cut off.

use std::collections::BTreeMap;

use crate::records::{Result, Tx};

/// The job that cleans up.
pub const JOB: &str = "cleanup";

/// Rows, by what was done to them.
pub type Counts = BTreeMap<String, u64>;

/// Adds to what a run has done.
pub async fn add(tx: &mut Tx, run: i64, what: &'static str, rows: u64) -> Result<()> {
    if rows == 0 {
        return Ok(());
    }
    let sql = "INSERT INTO cleaned (run_id, what, rows_done) VALUES (?, ?, 0) {or ignore run_id}";
    tx.execute(sql, &[run.into(), what.into()]).await?;
    let sql = "UPDATE cleaned SET rows_done = rows_done + ? WHERE run_id = ? AND what = ?";
    tx.execute(sql, &[rows.into(), run.into(), what.into()]).await.map(drop)
}

/// What a run has done; empty where it is another job's.
pub async fn of_run(tx: &mut Tx, run: i64) -> Result<Counts> {
    let rows = tx.rows("SELECT what, rows_done FROM cleaned WHERE run_id = ?", &[run.into()]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.count(1)?))).collect()
}
