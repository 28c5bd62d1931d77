//! The alerts about a run that needs a person.

use std::time::Duration;

use futures_util::FutureExt;

use super::Run;
use crate::{
    alerts::{self, Alert, Severity},
    cleaned,
    records::{Records, Result, Tx},
};

/// The job that finds what stands still.
const KEEPER: &str = "run-keeper";

/// A closed run's ledger does not balance.
const UNBALANCED: &str = "ledger-unbalanced";

/// A run takes longer than it should.
const STUCK: &str = "run-stuck";

/// A planner was started again and came no further.
const REFUSED: &str = "planner-refused";

/// Letters of a run were not taken by their provider.
const NOT_TAKEN: &str = "letters-not-taken";

/// A run was fired later than its job's deadline.
const LATE: &str = "run-late";

/// Says that an open run takes longer than `longest`; once, until it is closed. `age` is how long it has taken.
pub async fn stuck(records: &Records, run: &Run, age: Duration, longest: Duration) -> Result<bool> {
    let hours = |duration: Duration| duration.as_secs_f64() / 3_600.0;
    let message = format!("{} takes longer than {} h", named(run), hours(longest));
    let (run_id, subject, value, threshold) = (run.id, subject(run.id), hours(age), hours(longest));
    let raised = records.transaction(move |tx| {
        let (message, subject) = (message.clone(), subject.clone());
        async move {
            // Not of a run that is being closed: nothing would clear it.
            if !lock_open(tx, run_id).await? {
                return Ok(false);
            }
            let alert = Alert {
                value: Some(value),
                threshold: Some(threshold),
                ..about(KEEPER, STUCK, &subject, Severity::High, message, run_id)
            };
            alerts::raise(tx, &alert).await
        }
        .boxed()
    });
    raised.await
}

/// Says that a run was fired later than its job's deadline, and waits for a person's approval.
pub(super) async fn waits_for_approval(tx: &mut Tx, run: &Run) -> Result<bool> {
    let message = format!("{} was fired too late to begin by itself: almanac approve {}", named(run), run.id);
    alerts::raise(tx, &about(&run.job, LATE, &subject(run.id), Severity::High, message, run.id)).await
}

/// Says that it has it.
pub(super) async fn is_approved(tx: &mut Tx, run: &Run) -> Result<bool> {
    alerts::clear(tx, &run.job, LATE, &subject(run.id)).await
}

/// Says that a run is closed as failed, and why.
pub(super) async fn unbalanced(tx: &mut Tx, run: &Run, error: &str) -> Result<bool> {
    let message = format!("{}: {error}", named(run));
    alerts::raise(tx, &about(&run.job, UNBALANCED, &subject(run.id), Severity::Critical, message, run.id)).await
}

/// Says that a run waits for a person to have its planner go on.
pub(super) async fn refused(tx: &mut Tx, run: &Run) -> Result<bool> {
    let message = format!("{}: its planner was started again and came no further; it waits for a person", named(run));
    alerts::raise(tx, &about(KEEPER, REFUSED, &subject(run.id), Severity::High, message, run.id)).await
}

/// Says that it no longer does, where it did.
pub(super) async fn goes_on(tx: &mut Tx, run_id: i64) -> Result<bool> {
    alerts::clear(tx, KEEPER, REFUSED, &subject(run_id)).await
}

/// Says that letters of a closed run were not taken by their provider, and what sends them; once, until that is done.
pub async fn not_taken(tx: &mut Tx, run: &Run) -> Result<bool> {
    let message = format!(
        "{}: letters that had been in doubt were not taken by their provider, which never spoke of them: almanac redrive {}",
        named(run),
        run.id
    );
    alerts::raise(tx, &about(cleaned::JOB, NOT_TAKEN, &subject(run.id), Severity::Medium, message, run.id)).await
}

/// Says that what a run left behind is being done again, where somebody was told of it.
pub(super) async fn is_redriven(tx: &mut Tx, run_id: i64) -> Result<bool> {
    alerts::clear(tx, cleaned::JOB, NOT_TAKEN, &subject(run_id)).await
}

/// Says that what stood still is over with the run, where something did.
pub(super) async fn is_closed(tx: &mut Tx, run: &Run) -> Result<()> {
    alerts::clear(tx, KEEPER, STUCK, &subject(run.id)).await?;
    goes_on(tx, run.id).await?;
    is_approved(tx, run).await?;
    Ok(())
}

async fn lock_open(tx: &mut Tx, run_id: i64) -> Result<bool> {
    let sql = "SELECT id FROM runs WHERE id = ? AND state = 'open' {for update}";
    Ok(tx.row(sql, &[run_id.into()]).await?.is_some())
}

fn about<'a>(
    job: &'a str,
    cause: &'a str,
    subject: &'a str,
    severity: Severity,
    message: String,
    run_id: i64,
) -> Alert<'a> {
    Alert { job, cause, subject, severity, message, run: Some(run_id), value: None, threshold: None }
}

fn named(run: &Run) -> String {
    format!("run {} of {} ({})", run.id, run.job, run.key)
}

fn subject(run_id: i64) -> String {
    format!("run-{run_id}")
}
