//! The events that Almanac puts on the bus: each is the `detail` that `infra/events/NAME.schema.json` describes.

pub mod alerts;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    cleaned::Counts,
    month::Month,
    run::{Run, ledger::Ledger, outbox::Kind},
};

/// The version of every event here: raised when a field changes its sense or goes away.
pub const VERSION: u32 = 1;

/// What can be put into the outbox, to be published.
pub trait Event: Serialize + Send + Sync {
    /// What it is; its name on the bus.
    const KIND: Kind;
}

/// Which run an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AboutRun {
    version: u32,
    /// The run's number.
    pub run: i64,
    /// The job's name.
    pub job: String,
    /// The job's own key for the run.
    pub key: String,
    /// Names the run without its number: job and key, joined by a slash.
    pub job_id: String,
}

impl AboutRun {
    /// About this run.
    pub fn new(run: &Run) -> Self {
        Self {
            version: VERSION,
            run: run.id,
            job: run.job.clone(),
            key: run.key.clone(),
            job_id: format!("{}/{}", run.job, run.key),
        }
    }
}

/// `job-started`: a run was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStarted {
    /// Which run.
    #[serde(flatten)]
    pub about: AboutRun,
    /// The job again, by the name that this event has always had for it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What fired it.
    pub trigger: String,
    /// When the job was to run.
    pub scheduled_at: DateTime<Utc>,
}

impl JobStarted {
    /// This run was opened.
    pub fn new(run: &Run) -> Self {
        Self {
            about: AboutRun::new(run),
            kind: run.job.clone(),
            trigger: run.trigger.clone(),
            scheduled_at: run.scheduled_at,
        }
    }
}

impl Event for JobStarted {
    const KIND: Kind = Kind::JobStarted;
}

/// `job-completed`: a run was closed, and its ledger balances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobCompleted {
    /// Which run.
    #[serde(flatten)]
    pub about: AboutRun,
    /// `completed` or `cancelled`.
    pub status: &'static str,
    /// The run's ledger.
    pub stats: Ledger,
    /// Milliseconds from the run's opening to its closing.
    pub duration: u64,
}

impl Event for JobCompleted {
    const KIND: Kind = Kind::JobCompleted;
}

/// `monthly-job-completed`: the same of the monthly invitations; follows its `job-completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthlyJobCompleted {
    /// Which run.
    #[serde(flatten)]
    pub about: AboutRun,
    /// The cycle's month, in the schedule's zone.
    pub month: Month,
    /// The run's ledger.
    pub stats: Ledger,
    /// Milliseconds from the run's opening to its closing.
    pub duration: u64,
}

impl Event for MonthlyJobCompleted {
    const KIND: Kind = Kind::MonthlyJobCompleted;
}

/// `reminder-job-completed`: the same of the reminders; follows its `job-completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReminderJobCompleted {
    /// Which run.
    #[serde(flatten)]
    pub about: AboutRun,
    /// The firing's scheduled time: what came due until then was looked at.
    pub scheduled_at: DateTime<Utc>,
    /// The run's ledger.
    pub stats: Ledger,
    /// Milliseconds from the run's opening to its closing.
    pub duration: u64,
}

impl Event for ReminderJobCompleted {
    const KIND: Kind = Kind::ReminderJobCompleted;
}

/// `cleanup-job-completed`: the same of the clean-up; follows its `job-completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CleanupJobCompleted {
    /// Which run.
    #[serde(flatten)]
    pub about: AboutRun,
    /// What it did to how many rows.
    pub stats: Counts,
    /// Milliseconds from the run's opening to its closing.
    pub duration: u64,
}

impl Event for CleanupJobCompleted {
    const KIND: Kind = Kind::CleanupJobCompleted;
}

/// `job-failed`: a run was closed as failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobFailed {
    /// Which run.
    #[serde(flatten)]
    pub about: AboutRun,
    /// The job again, by the name that this event has always had for it.
    pub job_type: String,
    /// What went wrong, without personal data.
    pub error: String,
    /// The run's ledger.
    pub stats: Ledger,
    /// Milliseconds from the run's opening to its closing.
    pub duration: u64,
}

impl Event for JobFailed {
    const KIND: Kind = Kind::JobFailed;
}

/// `high-memory-usage`: a process uses more memory than it should.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HighMemoryUsage {
    version: u32,
    /// The job whose process it is.
    pub job: &'static str,
    /// What it uses.
    pub mem_usage: MemoryUsage,
    /// What it uses of what it may, in per cent, to a tenth.
    pub usage_percent: f64,
}

/// A process's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryUsage {
    /// What it uses now.
    pub rss_bytes: u64,
    /// The most it has used.
    pub peak_rss_bytes: u64,
    /// What it may use, at least 1.
    pub limit_bytes: u64,
}

impl HighMemoryUsage {
    /// This job's process uses so much.
    pub fn new(job: &'static str, mem_usage: MemoryUsage) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
        let share = mem_usage.rss_bytes as f64 / mem_usage.limit_bytes as f64;
        Self { version: VERSION, job, mem_usage, usage_percent: (share * 1_000.0).round() / 10.0 }
    }
}

impl Event for HighMemoryUsage {
    const KIND: Kind = Kind::HighMemoryUsage;
}
