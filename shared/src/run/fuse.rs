//! The planner's fuse: a planner that was started again and came no further is not started a third time by itself, so
//! that no loop runs away. Then the run waits for a person.
//!
//! The run remembers at which checkpoint its planner was last started again. Only the checkpoint tells progress: a count
//! that grows while the checkpoint stands is just such a loop.

use std::time::Duration;

use futures_util::FutureExt;

use super::{Run, State, alerts};
use crate::{
    random,
    records::{Records, RecordsError, Result, Tx, never},
};

/// How many times as long as for a start a planner's silence lasts before a start is taken for vain: the request waits in
/// Lambda's queue while its function is throttled.
const LATE: i64 = 5;

/// What a keeper may do about a run's planner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It works, was started again a moment ago, or waits for a person already.
    Wait,
    /// This keeper, and no other, is to start it again.
    Resume(Permit),
    /// It has come no further since it was last started again: it waits for a person, who is told.
    Refuse,
}

/// The right to start a planner again once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    run_id: i64,
    token: String,
}

impl Run {
    /// Whether the planner came no further when it was started again, and only a person can have it go on.
    pub fn waits_for_person(&self) -> bool {
        let stands = self.vain_resumes > 0 && self.checkpoint == self.resumed_checkpoint;
        stands && self.state == State::Open && !self.plan_complete
    }
}

/// Asks whether a run's planner is to be started again: when its checkpoint has stood still for `silence`, and nobody
/// has started it in that time. A start that brought it no further for five times as long is refused the next.
///
/// Of keepers that ask at once one is told to. One that dies before it does leaves a start that counts: the run then
/// waits for a person too early, and never starts planners for ever.
pub async fn ask(records: &Records, run_id: i64, silence: Duration) -> Result<Verdict> {
    let silence = i64::try_from(silence.as_micros()).unwrap_or(i64::MAX);
    // Most planners work or have ended; that needs no lock.
    if !records.read(move |tx| stands_still(tx, run_id, silence).boxed()).await? {
        return Ok(Verdict::Wait);
    }
    let token = random::token();
    records
        .transaction(move |tx| {
            let permit = Permit { run_id, token: token.clone() };
            async move {
                if grant(tx, &permit, silence).await? {
                    // Whoever waited for a person has come further by itself.
                    alerts::goes_on(tx, run_id).await?;
                    return Ok(Verdict::Resume(permit));
                }
                if refuse(tx, run_id, silence.saturating_mul(LATE)).await? {
                    let run = Run::find(tx, run_id).await?.ok_or(RecordsError::Fenced)?;
                    alerts::refused(tx, &run).await?;
                    return Ok(Verdict::Refuse);
                }
                Ok(Verdict::Wait)
            }
            .boxed()
        })
        .await
}

/// Gives a permit back that could not be used, so that it does not count.
pub async fn give_back(records: &Records, permit: &Permit) -> Result<()> {
    let permit = permit.clone();
    records
        .transaction(move |tx| {
            let permit = permit.clone();
            async move {
                let sql = "UPDATE runs SET resumed_checkpoint = -1, resumed_at = ? WHERE id = ? AND resumed_by = ?";
                tx.execute(sql, &[never().into(), permit.run_id.into(), (&permit.token).into()]).await?;
                Ok(())
            }
            .boxed()
        })
        .await
}

/// Forgets earlier starts, because a person has the run go on.
pub async fn reset(tx: &mut Tx, run_id: i64) -> Result<()> {
    let sql = "UPDATE runs SET resumed_checkpoint = -1, resumed_at = ?, vain_resumes = 0 WHERE id = ? \
               AND state = 'open'";
    tx.execute(sql, &[never().into(), run_id.into()]).await?;
    alerts::goes_on(tx, run_id).await?;
    Ok(())
}

async fn stands_still(tx: &mut Tx, run_id: i64, silence: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM runs WHERE id = ? AND plan_complete = 0 AND checkpoint_at < {now+?} \
               AND resumed_at < {now+?} AND (vain_resumes = 0 OR checkpoint <> resumed_checkpoint)";
    Ok(tx.row(sql, &[run_id.into(), (-silence).into(), (-silence).into()]).await?.is_some())
}

/// Notes a start where the checkpoint has moved since the last one. Who won is known by reading the token back.
async fn grant(tx: &mut Tx, permit: &Permit, silence: i64) -> Result<bool> {
    let sql = "UPDATE runs SET resumed_checkpoint = checkpoint, resumed_at = {now}, resumed_by = ?, vain_resumes = 0 \
               WHERE id = ? AND state = 'open' AND control = 'run' AND plan_complete = 0 \
               AND checkpoint <> resumed_checkpoint AND checkpoint_at < {now+?} AND resumed_at < {now+?}";
    let values = [(&permit.token).into(), permit.run_id.into(), (-silence).into(), (-silence).into()];
    tx.execute(sql, &values).await?;
    let winner = tx.row("SELECT resumed_by FROM runs WHERE id = ?", &[permit.run_id.into()]).await?;
    Ok(winner.map(|row| row.text(0)).transpose()?.is_some_and(|token| token == permit.token))
}

/// Notes a refusal where the checkpoint stands where it stood at the last start.
async fn refuse(tx: &mut Tx, run_id: i64, silence: i64) -> Result<bool> {
    let sql = "UPDATE runs SET vain_resumes = vain_resumes + 1 WHERE id = ? AND state = 'open' AND control = 'run' \
               AND plan_complete = 0 AND vain_resumes = 0 AND checkpoint = resumed_checkpoint \
               AND checkpoint_at < {now+?} AND resumed_at < {now+?}";
    Ok(tx.execute(sql, &[run_id.into(), (-silence).into(), (-silence).into()]).await? == 1)
}
