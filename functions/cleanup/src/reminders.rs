//! Batches of reminders, whose letters are deleted with their invitations: what was kept about their calls and skips.

use shared::{
    invitation::POSITIONS,
    records::{Result, Tx},
};

use crate::{Parameters, invitations::forget_old, progress::Page};

/// How many batches one page looks at.
const BATCHES: usize = 50;

/// Forgets batches of which no reminder is left.
pub(crate) async fn forget(tx: &mut Tx, after: i64, parameters: Parameters) -> Result<Page> {
    let sql = "SELECT id FROM batches WHERE swept = 0 AND id > ? AND letters <> 'invitation' \
               AND state IN ('done', 'parked', 'cancelled') ORDER BY id LIMIT ?";
    let rows = tx.rows(sql, &[after.into(), BATCHES.into()]).await?;
    let found: Vec<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    for &batch in &found {
        let sql = "SELECT 1 FROM reminders WHERE id BETWEEN ? AND ? LIMIT 1";
        let range = [(batch * POSITIONS).into(), (batch * POSITIONS + POSITIONS - 1).into()];
        if tx.row(sql, &range).await?.is_none() {
            forget_old(tx, batch, parameters).await?;
        }
    }
    Ok(Page { next: found.last().copied(), done: Vec::new() })
}
