//! The reminders' planner: every hour it finds the invitations of which a first or a second reminder has come due since
//! the run before, and divides them into batches for `invitation-worker`, which decides about each and sends.

mod subjects;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shared::{
    clock::Clock,
    queue::Queue,
    records::{Records, Result, Row, Tx},
    reminders::ReminderParameters,
    run::{
        Run,
        job::{Job, parameters_of},
        plan::{self, PlanEnd},
    },
    sqs::Deadline,
};

pub use subjects::ReminderSubjects;

/// The job's name: its folder, its binary, its event and its runs are called so.
pub const JOB: &str = shared::reminders::JOB;

/// How far a run looks back where none came before it: as long as an invitation can be answered at most.
const LOOK_BACK: TimeDelta = TimeDelta::days(365);

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
    /// How many days after its invitation the first reminder is due.
    pub first_days: u32,
    /// How many days after its invitation the second reminder is due.
    pub second_days: u32,
}

impl Planner {
    /// The invitations whose reminders a firing at that time would look at.
    pub async fn subjects(&self, scheduled_at: DateTime<Utc>) -> Result<ReminderSubjects> {
        let after = self.records.read(move |tx| taken_until(tx, scheduled_at).boxed()).await?;
        let (first_days, second_days) = (self.first_days, self.second_days);
        Ok(ReminderSubjects(ReminderParameters { scheduled_at, after, first_days, second_days }))
    }
}

/// What was due until then an earlier run has taken.
///
/// A run that a person asked for ahead of its time could not see what was to come: it does not count.
async fn taken_until(tx: &mut Tx, scheduled_at: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let earliest = scheduled_at - LOOK_BACK;
    let mut before = run_key(scheduled_at);
    loop {
        let runs = runs_before(tx, &before).await?;
        let in_time = |run: &&Earlier| run.started_at >= run.scheduled_at - EARLY;
        match (runs.iter().find(in_time), runs.last()) {
            (Some(run), _) => return Ok(run.scheduled_at.max(earliest)),
            (None, Some(last)) if last.scheduled_at > earliest => before.clone_from(&last.key),
            (None, _) => return Ok(earliest),
        }
    }
}

/// A run of an earlier hour.
struct Earlier {
    key: String,
    scheduled_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
}

/// The last runs of earlier hours, the latest first: keys are in the order of time.
async fn runs_before(tx: &mut Tx, key: &str) -> Result<Vec<Earlier>> {
    let sql = "SELECT run_key, scheduled_at, started_at FROM runs WHERE job = ? AND run_key < ? AND parent_id = 0 \
               ORDER BY run_key DESC LIMIT ?";
    let rows = tx.rows(sql, &[JOB.into(), key.into(), EARLIER_RUNS.into()]).await?;
    let earlier = |row: &Row| Ok(Earlier { key: row.text(0)?, scheduled_at: row.time(1)?, started_at: row.time(2)? });
    rows.iter().map(earlier).collect()
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

    async fn parameters(&self, scheduled_at: DateTime<Utc>) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&self.subjects(scheduled_at).await?.0)?)
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
