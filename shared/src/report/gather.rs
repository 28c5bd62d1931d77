//! Gathering a report from the records, page by page.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use super::{
    AsOf, Cause, InDoubt, LedgerFacts, ParkedBatch, Rate, RateBucket, Report, RunFacts, TeamVerdict, VERSION,
    mask::mask,
};
use crate::{
    claims::{self, Calls},
    cleaned,
    hackathon::{self, Past, Reported},
    invitation::SendState,
    records::{Never, Records, Result, Tx},
    run::{
        Run, history,
        ledger::{self, Ledger},
    },
};

/// The most letters in doubt that a report lists.
const MOST_IN_DOUBT: usize = 1_000;

/// The most parked batches that a report lists.
const MOST_PARKED: usize = 100;

/// The most verdicts on teams that a report lists.
const MOST_VERDICTS: usize = 1_000;

/// Failures that no call ended: a parked batch takes along what it had not sent, and a refusal that came after its
/// lease had ended, though only for the moment, is not tried again.
const WITHOUT_FINAL_REFUSAL: &str =
    "given up without a final refusal: its batch was parked, or the reply came too late";

pub(super) async fn gather(records: &Records, run: &Run) -> Result<Report> {
    let ledger = ledger_of(records, run).await?;
    let calls = calls_of(records, run.id).await?;
    let run_id = run.id;
    let batches = records.read(move |tx| batches_by_state(tx, run_id).boxed()).await?;
    let parked_batches = records.read(move |tx| parked_batches(tx, run_id).boxed()).await?;
    let cleaned = records.read(move |tx| cleaned::of_run(tx, run_id).boxed()).await?;
    let verdicts = records.read(move |tx| hackathon::verdicts_of(tx, run_id, MOST_VERDICTS).boxed()).await?;
    let mut listed =
        records.read(move |tx| history::letters_in(tx, run_id, SendState::InDoubt, MOST_IN_DOUBT + 1).boxed()).await?;
    let more = listed.len() > MOST_IN_DOUBT;
    listed.truncate(MOST_IN_DOUBT);
    Ok(Report {
        version: VERSION,
        run: facts(run),
        calls: calls.calls,
        rate: rate(run, &calls),
        failures: failures(&ledger, calls.failed, &verdicts),
        in_doubt: InDoubt { policy: run.when_in_doubt, causes: by_frequency(calls.in_doubt), letters: listed, more },
        ledger,
        batches,
        parked_batches,
        cleaned,
        verdicts: verdicts.into_iter().map(team_verdict).collect(),
    })
}

fn facts(run: &Run) -> RunFacts {
    let finished_at = run.finished_at.unless_never();
    RunFacts {
        id: run.id,
        job: run.job.clone(),
        key: run.key.clone(),
        trigger: run.trigger.clone(),
        trace: Some(run.trace.clone()).filter(|trace| !trace.is_empty()),
        state: run.state.as_str().to_owned(),
        error: run.error.clone(),
        plan_complete: run.plan_complete,
        scheduled_at: run.scheduled_at,
        started_at: run.started_at,
        finished_at,
        duration_ms: finished_at.map(|finished| (finished - run.started_at).num_milliseconds()),
        peak_memory_bytes: Some(run.peak_rss_bytes).filter(|&bytes| bytes > 0),
    }
}

async fn ledger_of(records: &Records, run: &Run) -> Result<LedgerFacts> {
    let (as_of, ledger) = match run.closing_ledger() {
        Some(ledger) => (AsOf::Closing, ledger),
        None => {
            let (id, planned) = (run.id, run.planned);
            (AsOf::Now, records.read(move |tx| ledger::count(tx, id, planned).boxed()).await?)
        }
    };
    Ok(ledger_facts(as_of, ledger))
}

fn ledger_facts(as_of: AsOf, ledger: Ledger) -> LedgerFacts {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    LedgerFacts {
        as_of,
        planned: ledger.planned,
        sent: ledger.sent,
        skipped_total: ledger.skipped_total(),
        failed: ledger.failed,
        in_doubt: ledger.in_doubt,
        accounted: ledger.accounted(),
        unaccounted: whole(ledger.planned) - whole(ledger.accounted()),
        balanced: ledger.is_balanced(),
        skipped: ledger.skipped,
    }
}

async fn calls_of(records: &Records, run_id: i64) -> Result<Calls> {
    let mut calls = Calls::default();
    let mut next = Some((0, 0));
    while let Some(after) = next {
        let so_far = calls.clone();
        (calls, next) = records
            .read(move |tx| {
                let mut calls = so_far.clone();
                async move {
                    let next = claims::add_calls(tx, run_id, after, &mut calls).await?;
                    Ok((calls, next))
                }
                .boxed()
            })
            .await?;
    }
    Ok(calls)
}

fn rate(run: &Run, calls: &Calls) -> Rate {
    let buckets = calls.accepted.buckets();
    let width = calls.accepted.width();
    let last_accepted = buckets.last().map(|bucket| bucket.from + width);
    let end = run.finished_at.unless_never().or(last_accepted);
    let milliseconds = end.map(|end| (end - run.started_at).num_milliseconds()).filter(|&span| span > 0);
    let per_second = |span: i64| calls.accepted.total() as f64 * 1_000.0 / span as f64;
    Rate {
        average_per_second: milliseconds.map(|span| (per_second(span) * 100.0).round() / 100.0),
        bucket_seconds: width.num_seconds(),
        accepted: buckets.iter().map(|bucket| RateBucket { from: bucket.from, letters: bucket.letters }).collect(),
    }
}

fn team_verdict(past: Past) -> TeamVerdict {
    TeamVerdict {
        team: past.team,
        status: past.verdict.status.as_str(),
        score: past.verdict.score,
        reason: past.verdict.reason,
        metrics: past.verdict.metrics,
        reported: past.reported.as_str(),
        error: mask(&past.error),
    }
}

/// The causes that calls and the Hub gave, and what the ledger has failed beyond them.
fn failures(ledger: &LedgerFacts, mut by_call: BTreeMap<String, u64>, verdicts: &[Past]) -> Vec<Cause> {
    for refused in verdicts.iter().filter(|past| past.reported == Reported::Refused) {
        *by_call.entry(refused.error.clone()).or_default() += 1;
    }
    let others = ledger.failed.saturating_sub(by_call.values().sum());
    let mut causes = by_call;
    if others > 0 {
        causes.insert(WITHOUT_FINAL_REFUSAL.to_owned(), others);
    }
    by_frequency(causes)
}

fn by_frequency(causes: BTreeMap<String, u64>) -> Vec<Cause> {
    let mut masked = BTreeMap::<_, u64>::new();
    for (cause, letters) in causes {
        *masked.entry(mask(&cause)).or_default() += letters;
    }
    let mut causes: Vec<_> = masked.into_iter().map(|(cause, letters)| Cause { cause, letters }).collect();
    // The sort is stable: causes that are equally frequent stay in the order of their words.
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.letters));
    causes
}

async fn batches_by_state(tx: &mut Tx, run_id: i64) -> Result<BTreeMap<String, u64>> {
    let sql = "SELECT state, COUNT(*) FROM batches WHERE run_id = ? GROUP BY state";
    let rows = tx.rows(sql, &[run_id.into()]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.count(1)?))).collect()
}

async fn parked_batches(tx: &mut Tx, run_id: i64) -> Result<Vec<ParkedBatch>> {
    let sql = "SELECT id, planned, tries, cause FROM batches WHERE run_id = ? AND state = 'parked' ORDER BY id LIMIT ?";
    let rows = tx.rows(sql, &[run_id.into(), MOST_PARKED.into()]).await?;
    let batch = |row: &crate::records::Row| {
        Ok(ParkedBatch { batch: row.int(0)?, planned: row.count(1)?, tries: row.count(2)?, cause: mask(&row.text(3)?) })
    };
    rows.iter().map(batch).collect()
}
