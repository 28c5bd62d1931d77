//! Closing a run: by whoever finishes last, in a transaction of its own.
//!
//! A run closes when it is open, its plan is complete (or it is cancelled), and no unfinished batch exists: a query on
//! the set, never a counter. What is to be said about it goes into the outbox in the same transaction.

use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use super::{
    Run, State, alerts,
    control::Control,
    ledger::{self, Ledger},
    outbox,
};
use crate::{
    cleaned,
    clock::Clock,
    cycle,
    events::{AboutRun, CleanupJobCompleted, JobCompleted, JobFailed, MonthlyJobCompleted, ReminderJobCompleted},
    memory,
    records::{Records, Result, Tx},
    reminders,
};

/// Closes the run if nothing of it is left to do; gives it as it was closed. Harmless to try at any time.
pub async fn try_close(records: &Records, clock: &Clock, run_id: i64) -> Result<Option<Run>> {
    let now = clock.now();
    // Most tries find unfinished batches; they need no lock.
    let unfinished = records.read(move |tx| has_unfinished_batches(tx, run_id).boxed()).await?;
    if unfinished {
        return Ok(None);
    }
    records.transaction(move |tx| close(tx, run_id, now).boxed()).await
}

async fn close(tx: &mut Tx, run_id: i64, now: DateTime<Utc>) -> Result<Option<Run>> {
    tx.row("SELECT id FROM runs WHERE id = ? {for update}", &[run_id.into()]).await?;
    let Some(run) = Run::find(tx, run_id).await? else { return Ok(None) };
    let cancelled = run.control == Control::Cancel;
    if run.state != State::Open || !(run.plan_complete || cancelled) || has_unfinished_batches(tx, run_id).await? {
        return Ok(None);
    }
    let ledger = ledger::count(tx, run_id, run.planned).await?;
    let (state, error) = match (ledger.is_balanced(), cancelled) {
        (true, false) => (State::Completed, String::new()),
        (true, true) => (State::Cancelled, String::new()),
        (false, _) => {
            let (planned, accounted) = (ledger.planned, ledger.accounted());
            (State::Failed, format!("the ledger does not balance: {planned} planned, {accounted} accounted for"))
        }
    };
    let written = serde_json::to_string(&ledger).expect("a ledger is JSON");
    tx.execute(
        "UPDATE runs SET state = ?, ledger = ?, error = ?, finished_at = ?, peak_rss_bytes = ? WHERE id = ?",
        &[
            state.as_str().into(),
            (&written).into(),
            (&error).into(),
            now.into(),
            memory::peak_rss_bytes().into(),
            run_id.into(),
        ],
    )
    .await?;
    outbox::put(tx, run_id, outbox::Kind::Report, "{}").await?;
    say(tx, &run, state, error.clone(), ledger, (now - run.started_at).num_milliseconds().max(0).unsigned_abs())
        .await?;
    if state == State::Failed {
        alerts::unbalanced(tx, &run, &error).await?;
    }
    alerts::is_closed(tx, &run).await?;
    Run::find(tx, run_id).await
}

/// Puts into the outbox what is to be said of a run that has come to this state after so many milliseconds.
async fn say(tx: &mut Tx, run: &Run, state: State, error: String, stats: Ledger, duration: u64) -> Result<()> {
    let about = AboutRun::new(run);
    if state == State::Failed {
        let failed = JobFailed { about, job_type: run.job.clone(), error, stats, duration };
        return outbox::put_event(tx, run.id, &failed).await;
    }
    let completed = JobCompleted { about: about.clone(), status: state.as_str(), stats: stats.clone(), duration };
    outbox::put_event(tx, run.id, &completed).await?;
    // A redrive is a part of the month, or hour, whose stats would be taken for the whole.
    if run.parent != 0 {
        return Ok(());
    }
    match (run.job.as_str(), cycle::month_of(run)) {
        (cycle::JOB, Some(month)) => {
            outbox::put_event(tx, run.id, &MonthlyJobCompleted { about, month, stats, duration }).await
        }
        (reminders::JOB, _) => {
            let scheduled_at = run.scheduled_at;
            outbox::put_event(tx, run.id, &ReminderJobCompleted { about, scheduled_at, stats, duration }).await
        }
        (cleaned::JOB, _) => {
            let stats = cleaned::of_run(tx, run.id).await?;
            outbox::put_event(tx, run.id, &CleanupJobCompleted { about, stats, duration }).await
        }
        _ => Ok(()),
    }
}

async fn has_unfinished_batches(tx: &mut Tx, run_id: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM batches WHERE run_id = ? AND state IN ('planned', 'open') LIMIT 1";
    Ok(tx.row(sql, &[run_id.into()]).await?.is_some())
}
