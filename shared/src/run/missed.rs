//! What becomes of a firing that comes late, because its schedule could not fire in time or nobody was there to be fired.
//!
//! Only a schedule's firing can be late: a person who asks for a run wants it now, whatever its scheduled time, and what
//! the keeper resumes has begun in time. A firing whose run is there already was not missed: it joins.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;

use super::{Run, job::Job};
use crate::{
    firing::{Firing, Trigger},
    records::{Result, Tx},
};

/// From when on a firing counts as late: a schedule that is on time needs a minute, and a function's queue another.
pub const LATE: TimeDelta = TimeDelta::minutes(5);

/// What a job does about firings that it missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissedPolicy {
    /// Each of them has its run.
    Run,
    /// The last of a period makes up for all of them.
    RunOnceForAll,
    /// The same, and when it comes later than the job's deadline, its run waits for a person: `almanac approve RUN`.
    Ask,
}

/// A text that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no policy for missed firings; expected run, run-once-for-all or ask")]
pub struct UnknownMissedPolicy(String);

impl MissedPolicy {
    /// The word in a template's `MissedPolicy`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::RunOnceForAll => "run-once-for-all",
            Self::Ask => "ask",
        }
    }
}

impl fmt::Display for MissedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MissedPolicy {
    type Err = UnknownMissedPolicy;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        [Self::Run, Self::RunOnceForAll, Self::Ask]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| UnknownMissedPolicy(text.to_owned()))
    }
}

/// How a firing's run is to begin.
#[derive(Debug, Clone)]
pub(super) enum Beginning {
    /// At once.
    Now,
    /// When a person approves it.
    WhenApproved,
    /// Not at all: this run makes up for it.
    MadeUpFor(Box<Run>),
}

/// Decides how a firing's run is to begin.
pub(super) async fn decide<J: Job + ?Sized>(job: &J, firing: Firing) -> Result<Beginning> {
    let lateness = job.clock().now() - firing.scheduled_at;
    if firing.trigger != Trigger::Schedule || lateness < LATE || job.when_missed() == MissedPolicy::Run {
        return Ok(Beginning::Now);
    }
    let (name, key, period) = (job.name(), job.key(firing.scheduled_at), job.period(firing.scheduled_at));
    let next = job.records().read(move |tx| {
        let (key, period) = (key.clone(), period.clone());
        async move { next_of_period(tx, name, &key, &period).await }.boxed()
    });
    Ok(match next.await? {
        Some(run) if run.key == job.key(firing.scheduled_at) => Beginning::Now,
        Some(later) => Beginning::MadeUpFor(Box::new(later)),
        None if job.when_missed() == MissedPolicy::Ask && lateness > job.deadline() => Beginning::WhenApproved,
        None => Beginning::Now,
    })
}

/// The run of that key, else the first later one of its period that was not cancelled.
async fn next_of_period(tx: &mut Tx, job: &str, key: &str, period: &str) -> Result<Option<Run>> {
    // Keys are letters, digits and punctuation below the tilde.
    let end = format!("{period}~");
    let sql = format!(
        "{} WHERE job = ? AND run_key >= ? AND run_key < ? AND parent_id = 0 AND (run_key = ? OR state <> 'cancelled') \
         ORDER BY run_key LIMIT 1",
        super::COLUMNS
    );
    let row = tx.row(sql, &[job.into(), key.into(), (&end).into(), key.into()]).await?;
    row.as_ref().map(Run::read).transpose()
}

/// Of a schedule's firings that have come due, the oldest first, those that are to be fired: without the ones that a later
/// one makes up for. A job that asks is asked about what is late, and what is on time begins beside it.
pub fn to_fire(job: &dyn Job, due: impl IntoIterator<Item = DateTime<Utc>>) -> Vec<DateTime<Utc>> {
    let now = job.clock().now();
    let mut firings: Vec<DateTime<Utc>> = Vec::new();
    for firing in due {
        let makes_up = |earlier: &DateTime<Utc>| match job.when_missed() {
            MissedPolicy::Run => false,
            MissedPolicy::RunOnceForAll => job.period(*earlier) == job.period(firing),
            MissedPolicy::Ask => job.period(*earlier) == job.period(firing) && now - firing >= LATE,
        };
        firings.pop_if(|earlier| makes_up(earlier));
        firings.push(firing);
    }
    firings
}

/// From which moment on a job's firings have not been fired: that of its last run by schedule, but not before
/// `almanac serve` first fired it, which is now where it never did.
pub async fn fired_until(tx: &mut Tx, job: &'static str, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let sql = "INSERT INTO schedules (job, kept_since) VALUES (?, ?) {or ignore job}";
    tx.execute(sql, &[job.into(), now.into()]).await?;
    let kept_since = tx.row("SELECT kept_since FROM schedules WHERE job = ?", &[job.into()]).await?;
    let kept_since = kept_since.map_or(Ok(now), |row| row.time(0))?;
    let sql = "SELECT scheduled_at FROM runs WHERE job = ? AND trigger_kind = 'schedule' AND parent_id = 0 \
               ORDER BY run_key DESC LIMIT 1";
    let last = tx.row(sql, &[job.into()]).await?.map(|row| row.time(0)).transpose()?;
    Ok(last.map_or(kept_since, |last| last.max(kept_since)))
}
