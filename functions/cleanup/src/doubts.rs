//! Letters in doubt that were not taken, as their provider's silence says: some batches at a time.

use shared::{
    claims::silence,
    letters::LetterKind,
    records::{RecordsError, Result, Tx},
    run::{Run, State, alerts},
};

use crate::{Parameters, progress::Page};

/// How many batches one page looks at.
const BATCHES: usize = 50;

/// Concludes from silence about the next batches of closed runs that may have letters in doubt. A batch that has none any
/// more is not looked at again.
pub(crate) async fn settle(tx: &mut Tx, after: i64, parameters: Parameters) -> Result<Page> {
    let sql = "SELECT b.id, b.letters, b.run_id FROM batches b JOIN runs r ON r.id = b.run_id AND r.state <> 'open' \
               WHERE b.heard_out = 0 AND b.redriven_as = 0 AND b.id > ? ORDER BY b.id LIMIT ?";
    let rows = tx.rows(sql, &[after.into(), BATCHES.into()]).await?;
    let (mut next, mut settled) = (None, 0);
    for row in rows {
        let (batch, kind, run) = (row.int(0)?, row.parsed::<LetterKind>(1)?, row.int(2)?);
        let concluded = silence::conclude(tx, batch, kind, parameters.silent_since()).await?;
        if concluded.in_doubt == 0 {
            tx.execute("UPDATE batches SET heard_out = 1 WHERE id = ?", &[batch.into()]).await?;
        }
        if concluded.not_taken > 0 {
            tell(tx, run).await?;
        }
        (next, settled) = (Some(batch), settled + concluded.not_taken);
    }
    Ok(Page { next, done: vec![("doubts_settled", settled)] })
}

/// Tells people that a redrive would send what was not taken; not of a run that a person ended.
async fn tell(tx: &mut Tx, run: i64) -> Result<()> {
    let run = Run::find(tx, run).await?.ok_or(RecordsError::Fenced)?;
    if run.state != State::Cancelled {
        alerts::not_taken(tx, &run).await?;
    }
    Ok(())
}
