//! A run's report: what was planned, what became of it, how fast, and what went wrong, as JSON and as a page.
//!
//! The ledger is the one of the run's closing. Causes, rates and lists are read from the rows when the report is made,
//! so evidence that arrives after the closing shows in them and not in the ledger. A report holds ids, counts and
//! causes, never an address, a name or a token.

mod chart;
mod gather;
mod html;
mod ledger_html;
mod mask;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::FutureExt;
use serde::Serialize;

pub(crate) use self::chart::round_step;
pub use self::words::{count, span};
use crate::{
    objects::Objects,
    records::{Records, Result},
    run::{Run, doubt::WhenInDoubt},
};

/// The number of the JSON's shape: raised when a field changes its meaning or goes.
pub const VERSION: u32 = 2;

/// A run's report. Its JSON has these fields in this order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The run.
    pub run: RunFacts,
    /// What was planned, and what became of it.
    pub ledger: LedgerFacts,
    /// How many calls to a provider were begun.
    pub calls: u64,
    /// How fast letters were accepted.
    pub rate: Rate,
    /// Failures, by cause, the most frequent first.
    pub failures: Vec<Cause>,
    /// What is in doubt.
    pub in_doubt: InDoubt,
    /// How many batches there are in each state.
    pub batches: BTreeMap<String, u64>,
    /// The batches that were given up, at most a hundred.
    pub parked_batches: Vec<ParkedBatch>,
    /// What a run of the clean-up did to how many rows; left out of another job's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cleaned: BTreeMap<String, u64>,
    /// What a monitor says of teams, at most a thousand; left out of another job's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<TeamVerdict>,
}

/// The facts of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunFacts {
    /// Its number.
    pub id: i64,
    /// The job's name.
    pub job: String,
    /// The job's own key for this firing.
    pub key: String,
    /// What fired it first.
    pub trigger: String,
    /// The X-Ray trace of the firing that opened it; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Where it stands.
    pub state: String,
    /// Why it failed; empty otherwise.
    pub error: String,
    /// Whether every subject has been planned.
    pub plan_complete: bool,
    /// The firing's scheduled time.
    pub scheduled_at: DateTime<Utc>,
    /// When it was opened.
    pub started_at: DateTime<Utc>,
    /// When it was closed.
    pub finished_at: Option<DateTime<Utc>>,
    /// From its opening to its closing.
    pub duration_ms: Option<i64>,
    /// The most memory that the closing process had used, where that is known.
    pub peak_memory_bytes: Option<u64>,
}

/// Which moment a ledger speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AsOf {
    /// The run's closing.
    Closing,
    /// The report's own making: the run has no ledger of its closing.
    Now,
}

/// The two sides of a run, and whether they agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerFacts {
    /// Which moment it speaks of.
    pub as_of: AsOf,
    /// What the planner counted.
    pub planned: u64,
    /// Accepted by a provider.
    pub sent: u64,
    /// Not written to, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// All that was skipped.
    pub skipped_total: u64,
    /// Definitely not accepted, for good.
    pub failed: u64,
    /// Claimed, and nothing is known of the result.
    pub in_doubt: u64,
    /// All that has an outcome.
    pub accounted: u64,
    /// Planned less accounted: to do while the run is open; lost, or counted twice when negative, once it is closed.
    pub unaccounted: i64,
    /// Whether everything planned has exactly one outcome.
    pub balanced: bool,
}

/// How fast letters were accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// Letters accepted over the run's duration; up to the last accepted one while it is open. None without either.
    pub average_per_second: Option<f64>,
    /// How wide each bucket is.
    pub bucket_seconds: i64,
    /// Letters by bucket, without gaps, in order of time.
    pub accepted: Vec<RateBucket>,
}

/// The letters accepted in one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RateBucket {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// How many were accepted.
    pub letters: u64,
}

/// A cause, and for how many letters it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The cause.
    pub cause: String,
    /// How many letters.
    pub letters: u64,
}

/// What is in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InDoubt {
    /// What becomes of it.
    pub policy: WhenInDoubt,
    /// Why, the most frequent first.
    pub causes: Vec<Cause>,
    /// What the first thousand are called: `42` for an invitation, `42/first` for a reminder of it.
    pub letters: Vec<String>,
    /// Whether there are more than these.
    pub more: bool,
}

/// What a monitor says of a team.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TeamVerdict {
    /// The team's slug.
    pub team: String,
    /// `PASSED`, `FAILED` or `NO_DATA`.
    pub status: &'static str,
    /// The points, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u32>,
    /// Why.
    pub reason: String,
    /// What it was judged by.
    pub metrics: serde_json::Value,
    /// Whether the Hub has it: `sent`, `refused`, `kept`, `superseded` or `waiting`.
    pub reported: &'static str,
    /// Why the Hub refused it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// A batch that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParkedBatch {
    /// Its number.
    pub batch: i64,
    /// What the planner counted for it.
    pub planned: u64,
    /// How often it was tried.
    pub tries: u64,
    /// Why it was given up.
    pub cause: String,
}

impl Report {
    /// Gathers the report of a run, closed or open. It reads page by page, so its memory does not grow with the run.
    pub async fn gather(records: &Records, run: &Run) -> Result<Self> {
        gather::gather(records, run).await
    }

    /// The report as JSON, for programs.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report is texts, numbers and lists");
        text.push('\n');
        text
    }

    /// The report as one page that needs nothing else, for people. Times are shown in UTC and in `zone`.
    pub fn to_html(&self, zone: Option<Tz>) -> String {
        html::page(self, zone).into_string()
    }
}

/// Gathers the report of a run and puts it among the objects, as JSON and as a page; gives where both are.
pub async fn store(
    records: &Records,
    objects: &dyn Objects,
    run_id: i64,
    zone: Option<Tz>,
) -> anyhow::Result<Vec<String>> {
    let run = records.read(move |tx| async move { Run::find(tx, run_id).await }.boxed()).await?;
    let run = run.with_context(|| format!("there is no run {run_id}"))?;
    let report =
        Report::gather(records, &run).await.with_context(|| format!("gathering the report of run {run_id}"))?;
    let json = objects.put(&key(&run, "json"), "application/json", report.to_json().into_bytes()).await?;
    let html = report.to_html(zone).into_bytes();
    Ok(vec![json, objects.put(&key(&run, "html"), "text/html; charset=utf-8", html).await?])
}

/// The key of a run's report among the objects, as `json` or `html`: `reports/JOB/2026-11-05/run-7.html`.
pub fn key(run: &Run, extension: &str) -> String {
    let folder = run.key.replace(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)), "-");
    format!("reports/{}/{folder}/run-{}.{extension}", run.job, run.id)
}
