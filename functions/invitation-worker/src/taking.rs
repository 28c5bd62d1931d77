//! Taking a planned batch: of several workers that have its message, one prepares it.

use shared::{
    records::{RecordsError, Result, Tx},
    run::batch,
};

/// Makes a planned batch this worker's, as part of the transaction that prepares it. Gives false when it already is,
/// through a commit whose answer was lost.
///
/// # Errors
/// [`RecordsError::Fenced`] when another worker was first, or is about to be.
pub(crate) async fn take(tx: &mut Tx, batch_id: i64, worker: &str) -> Result<bool> {
    if !batch::lock_if_free(tx, batch_id).await? {
        return Err(RecordsError::Fenced);
    }
    let sql = "UPDATE batches SET state = 'open', prepared_by = ? WHERE id = ? AND state = 'planned'";
    if tx.execute(sql, &[worker.into(), batch_id.into()]).await? == 1 {
        return Ok(true);
    }
    let row = tx.row("SELECT prepared_by FROM batches WHERE id = ?", &[batch_id.into()]).await?;
    match row {
        Some(row) if row.text(0)? == worker => Ok(false),
        _ => Err(RecordsError::Fenced),
    }
}
