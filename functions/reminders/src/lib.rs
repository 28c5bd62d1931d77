//! The reminders' planner: every hour it finds the invitations of which a first or a second reminder has come due since
//! the run before, and divides them into batches for `invitation-worker`, which decides about each and sends.
//!
//! Each due moment belongs to one run, whatever becomes of that run. One that is cancelled has had its hours: what it had
//! not sent will not be, as of every cancelled run. The first run there ever is looks back four days
//! ([`shared::reminders::MOST_LATE`]) and not over all that was ever sent.

mod subjects;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shared::{
    clock::Clock,
    firing::Firing,
    queue::Queue,
    records::{Records, Result, Row, Tx},
    reminders::{ReminderDays, ReminderParameters},
    run::{
        Run,
        doubt::WhenInDoubt,
        job::{Job, parameters_of},
        missed::MissedPolicy,
        plan::{self, PlanEnd},
    },
    sqs::Deadline,
};

pub use subjects::ReminderSubjects;

/// The job's name: its folder, its binary, its event and its runs are called so.
pub const JOB: &str = shared::reminders::JOB;

/// What becomes of hours that were missed: each run takes what came due since the one before.
pub const WHEN_MISSED: MissedPolicy = MissedPolicy::RunOnceForAll;

/// How much earlier than its time a run may be opened and still have seen whatever was due until then: clocks differ.
const EARLY: TimeDelta = TimeDelta::minutes(1);

/// How many earlier runs are looked at together.
const EARLIER_RUNS: usize = 24;

/// The planner and what it stands on.
#[derive(Clone)]
pub struct Planner {
    /// Where runs and invitations are.
    pub records: Records,
    /// Where the batches' messages go.
    pub queue: Arc<dyn Queue>,
    /// The business clock.
    pub clock: Clock,
    /// After how many days reminders are due.
    pub days: ReminderDays,
    /// What becomes of letters in doubt.
    pub when_in_doubt: WhenInDoubt,
}

impl Planner {
    /// The invitations whose reminders a firing at that time would look at.
    pub async fn subjects(&self, scheduled_at: DateTime<Utc>) -> anyhow::Result<ReminderSubjects> {
        let before = self.records.read(move |tx| last_in_time(tx, scheduled_at).boxed()).await?;
        Ok(ReminderSubjects(match before {
            Some(before) => {
                let before: ReminderParameters = parameters_of(before.id, &before.parameters)?;
                before.next(scheduled_at, self.days)
            }
            None => ReminderParameters::of_first_run(scheduled_at, self.days),
        }))
    }
}

/// The last run of an earlier hour that was opened in its time, whatever became of it.
///
/// One that a person asked for ahead of its time could not see what was to come: it does not count.
async fn last_in_time(tx: &mut Tx, scheduled_at: DateTime<Utc>) -> Result<Option<Earlier>> {
    let mut key = run_key(scheduled_at);
    loop {
        let runs = runs_before(tx, &key).await?;
        let Some(earliest) = runs.last() else { return Ok(None) };
        key.clone_from(&earliest.key);
        if let Some(run) = runs.into_iter().find(Earlier::was_in_time) {
            return Ok(Some(run));
        }
    }
}

/// A run of an earlier hour.
struct Earlier {
    id: i64,
    key: String,
    scheduled_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
    parameters: String,
}

impl Earlier {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            key: row.text(1)?,
            scheduled_at: row.time(2)?,
            started_at: row.time(3)?,
            parameters: row.text(4)?,
        })
    }

    fn was_in_time(&self) -> bool {
        self.started_at >= self.scheduled_at - EARLY
    }
}

/// The last runs of earlier hours, the latest first: keys are in the order of time.
async fn runs_before(tx: &mut Tx, key: &str) -> Result<Vec<Earlier>> {
    let sql = "SELECT id, run_key, scheduled_at, started_at, parameters FROM runs \
               WHERE job = ? AND run_key < ? AND parent_id = 0 ORDER BY run_key DESC LIMIT ?";
    let rows = tx.rows(sql, &[JOB.into(), key.into(), EARLIER_RUNS.into()]).await?;
    rows.iter().map(Earlier::read).collect()
}

#[async_trait]
impl Job for Planner {
    fn name(&self) -> &'static str {
        JOB
    }

    fn records(&self) -> &Records {
        &self.records
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn key(&self, scheduled_at: DateTime<Utc>) -> String {
        run_key(scheduled_at)
    }

    fn when_missed(&self) -> MissedPolicy {
        WHEN_MISSED
    }

    fn when_in_doubt(&self) -> WhenInDoubt {
        self.when_in_doubt
    }

    async fn parameters(&self, firing: Firing) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&self.subjects(firing.scheduled_at).await?.0)?)
    }

    async fn go_on(&self, run: &Run, deadline: Deadline) -> anyhow::Result<PlanEnd> {
        let subjects = ReminderSubjects(parameters_of(run.id, &run.parameters)?);
        plan::plan(&self.records, self.queue.as_ref(), &self.clock, run, &subjects, &deadline).await
    }
}

/// A firing's key: its hour, as UTC counts it, so that the hour that comes twice in autumn is two hours.
pub fn run_key(scheduled_at: DateTime<Utc>) -> String {
    scheduled_at.format("%Y-%m-%dT%HZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::run_key;

    #[test]
    fn firings_of_one_hour_share_a_key_and_the_hour_that_comes_twice_has_two() {
        let key = |time: &str| run_key(time.parse().expect("a time"));
        assert_eq!(key("2026-11-08T17:00:00Z"), "2026-11-08T17Z");
        assert_eq!(key("2026-11-08T17:59:59Z"), "2026-11-08T17Z");
        assert_eq!(key("2026-11-08T18:00:00+01:00"), "2026-11-08T17Z");
        assert_ne!(key("2026-10-25T02:30:00+02:00"), key("2026-10-25T02:30:00+01:00"));
    }
}
