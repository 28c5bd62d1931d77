//! The monthly invitations' planner: at 18:00 on every day from the 5th to the 28th it takes the users whose day has
//! come and who are not yet in this month's cycle, and divides them into batches for `invitation-worker`.

mod subjects;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use shared::{
    clock::Clock,
    cycle,
    firing::Firing,
    month::Month,
    queue::Queue,
    records::{Records, Result},
    run::{
        Run,
        doubt::WhenInDoubt,
        job::{Job, parameters_of},
        missed::MissedPolicy,
        plan::{self, PlanEnd},
    },
    sqs::Deadline,
};

pub use subjects::CycleSubjects;

/// The job's name: its folder, its binary, its event and its runs are called so.
pub const JOB: &str = cycle::JOB;

/// The planner and what it stands on.
#[derive(Clone)]
pub struct Planner {
    /// Where runs and people are.
    pub records: Records,
    /// Where the batches' messages go.
    pub queue: Arc<dyn Queue>,
    /// The business clock.
    pub clock: Clock,
    /// The zone in which days and months are meant.
    pub zone: Tz,
    /// How many users a batch takes.
    pub batch_size: usize,
    /// How late its schedule may fire it before a person is asked: people are not written to in the night.
    pub deadline: TimeDelta,
    /// What becomes of letters in doubt.
    pub when_in_doubt: WhenInDoubt,
}

/// What becomes of evenings that were missed. Each takes everybody whose day has come, so the last of a month makes up
/// for those before it.
pub const WHEN_MISSED: MissedPolicy = MissedPolicy::Ask;

impl Planner {
    /// The users that a firing would take.
    pub async fn subjects(&self, firing: Firing) -> Result<CycleSubjects> {
        let parameters = subjects::fix_parameters(&self.records, firing, self.zone).await?;
        Ok(CycleSubjects { parameters, batch_size: self.batch_size })
    }
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
        run_key(scheduled_at, self.zone)
    }

    fn when_missed(&self) -> MissedPolicy {
        WHEN_MISSED
    }

    fn deadline(&self) -> TimeDelta {
        self.deadline
    }

    fn when_in_doubt(&self) -> WhenInDoubt {
        self.when_in_doubt
    }

    fn period(&self, scheduled_at: DateTime<Utc>) -> String {
        cycle::period(Month::of(scheduled_at, self.zone))
    }

    async fn parameters(&self, firing: Firing) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&self.subjects(firing).await?.parameters)?)
    }

    async fn go_on(&self, run: &Run, deadline: Deadline) -> anyhow::Result<PlanEnd> {
        let parameters = parameters_of(run.id, &run.parameters)?;
        let subjects = CycleSubjects { parameters, batch_size: self.batch_size };
        plan::plan(&self.records, self.queue.as_ref(), &self.clock, run, &subjects, &deadline).await
    }
}

/// A firing's key: the cycle's month and the day in it, as the schedule's zone says them.
pub fn run_key(scheduled_at: DateTime<Utc>, zone: Tz) -> String {
    format!("{}{:02}", cycle::period(Month::of(scheduled_at, zone)), scheduled_at.with_timezone(&zone).day())
}

#[cfg(test)]
mod tests {
    use super::run_key;
    use chrono_tz::Europe::Paris;

    #[test]
    fn firings_of_one_local_day_share_a_key_and_those_of_another_do_not() {
        let key = |time: &str| run_key(time.parse().expect("a time"), Paris);
        assert_eq!(key("2026-11-05T17:00:00Z"), "2026-11/05");
        assert_eq!(key("2026-11-05T17:00:59Z"), "2026-11/05");
        assert_eq!(key("2026-11-05T23:30:00Z"), "2026-11/06");
        assert_eq!(key("2026-07-05T16:00:00Z"), "2026-07/05");
    }
}
