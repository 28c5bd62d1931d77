//! How a run is shown: to people as a few lines, to machines as one.

use chrono_tz::Tz;
use futures_util::FutureExt;
use serde_json::{Value, json};
use shared::{
    cleaned::{self, Counts},
    records::{Never as _, Records},
    run::{
        Run, State,
        ledger::{self, Ledger},
    },
};

use crate::say::say;

/// A run's ledger: that of its closing, or as it stands now.
pub(super) async fn ledger_of(records: &Records, run: &Run) -> anyhow::Result<Ledger> {
    if let Some(ledger) = run.closing_ledger() {
        return Ok(ledger);
    }
    count(records, run).await
}

/// A run's ledger as it stands now: what was heard since its closing moves it. Of what is not there any more, that of the
/// closing is the last word.
pub(super) async fn ledger_now(records: &Records, run: &Run) -> anyhow::Result<Ledger> {
    let now = count(records, run).await?;
    Ok(run.closing_ledger().filter(|closing| closing.accounted() != now.accounted()).unwrap_or(now))
}

async fn count(records: &Records, run: &Run) -> anyhow::Result<Ledger> {
    let (id, planned) = (run.id, run.planned);
    Ok(records.read(move |tx| ledger::count(tx, id, planned).boxed()).await?)
}

/// What a run of the clean-up has done; empty where it is another job's.
pub(super) async fn cleaned_by(records: &Records, run: &Run) -> anyhow::Result<Counts> {
    let id = run.id;
    Ok(records.read(move |tx| cleaned::of_run(tx, id).boxed()).await?)
}

/// The one line for machines.
pub(super) fn as_json(run: &Run, ledger: &Ledger, cleaned: &Counts) -> Value {
    let mut line = json!({
        "run": run.id, "status": run.state.as_str(), "job": run.job, "key": run.key, "trigger": run.trigger,
        "parent": (run.parent != 0).then_some(run.parent),
        "control": run.control.as_str(), "balanced": ledger.is_balanced(),
        "planned": ledger.planned, "sent": ledger.sent, "failed": ledger.failed, "in_doubt": ledger.in_doubt,
        "skipped": ledger.skipped, "scheduled_at": run.scheduled_at, "started_at": run.started_at,
        "when_in_doubt": run.when_in_doubt.as_str(), "finished_at": run.finished_at.unless_never(),
        "peak_rss_bytes": run.peak_rss_bytes, "error": run.error,
        "waits_for_person": run.waits_for_person() || run.waits_for_approval(),
    });
    if !run.trace.is_empty() {
        line["trace"] = run.trace.as_str().into();
    }
    if !cleaned.is_empty() {
        line["cleaned"] = json!(cleaned);
    }
    line
}

/// The lines for people.
pub(super) fn print(run: &Run, ledger: &Ledger, cleaned: &Counts, zone: Tz) {
    let local = |time: chrono::DateTime<chrono::Utc>| time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z");
    say!("Run {} of {} for {}: {}", run.id, run.job, run.key, verdict(run, ledger));
    say!("  scheduled  {}   trigger: {}", local(run.scheduled_at), run.trigger);
    if run.parent != 0 {
        say!("  again      what run {} left behind", run.parent);
    }
    match run.finished_at.unless_never() {
        Some(end) => {
            let took = (end - run.started_at).as_seconds_f64();
            say!("  started    {}   took {took:.1} s", local(run.started_at));
        }
        None => say!("  started    {}   control: {}", local(run.started_at), run.control.as_str()),
    }
    if !run.trace.is_empty() {
        say!("  trace      {}", run.trace);
    }
    if run.job == cleaned::JOB {
        for (what, rows) in cleaned {
            say!("  {rows:>9}  {}", what.replace('_', " "));
        }
        return print_end(run);
    }
    say!("  planned    {:>9}", ledger.planned);
    say!("  sent       {:>9}", ledger.sent);
    say!("  skipped    {:>9}", ledger.skipped_total());
    for (reason, contacts) in &ledger.skipped {
        say!("             {contacts:>9}  {reason}");
    }
    say!("  failed     {:>9}", ledger.failed);
    say!("  in doubt   {:>9}  {}", ledger.in_doubt, run.when_in_doubt);
    if run.state == State::Open {
        say!("  to do      {:>9}", ledger.planned.saturating_sub(ledger.accounted()));
    }
    print_end(run);
}

fn print_end(run: &Run) {
    if run.waits_for_approval() {
        say!("  waits for  approval: it was fired later than its deadline;");
        say!("             `almanac approve {0}`, or `almanac cancel {0}`", run.id);
    }
    if run.waits_for_person() {
        say!("  waits for  a person: its planner was started again and came no further; see its log, mend the cause,");
        say!("             then `almanac resume {}`", run.id);
    }
    if !run.error.is_empty() {
        say!("  error      {}", run.error);
    }
}

fn verdict(run: &Run, ledger: &Ledger) -> &'static str {
    match (run.state, ledger.is_balanced()) {
        (State::Open, _) => "open",
        (State::Completed, true) => "completed, the ledger balances",
        (State::Cancelled, true) => "cancelled, the ledger balances",
        _ => "FAILED, the ledger does not balance",
    }
}
