//! The monthly invitations' planner: at 18:00 on every day from the 5th to the 28th it takes the users whose day has
//! come and who are not yet in this month's cycle, and divides them into batches for `invitation-worker`.

mod subjects;

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use futures_util::FutureExt;
use serde::Serialize;
use shared::{
    clock::Clock,
    cycle::CycleParameters,
    firing::{Firing, Trigger},
    month::Month,
    queue::Queue,
    records::Records,
    run::{self, Opened, Run, ledger::Ledger, plan::PlanEnd},
    sqs::Deadline,
};

pub use subjects::CycleSubjects;

/// The job's name: its folder, its binary, its event and its runs are called so.
pub const JOB: &str = shared::cycle::JOB;

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
}

/// What a firing came to; the function's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The run.
    pub run: i64,
    /// Its key: `2026-11/05`.
    pub key: String,
    /// How this firing met the run: `opened`, `joined`, `closed`, or `refused` because it waits for a person.
    pub met: &'static str,
    /// Whether every user has been planned. When not, the keeper goes on with it.
    pub plan_complete: bool,
    /// The ledger, when the run is closed already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
}

impl Planner {
    /// Opens the firing's run, or joins it, and plans it to its end or until the deadline.
    ///
    /// Any number of firings for one scheduled time make one run, at once or one after the other.
    pub async fn fire(&self, firing: Firing, deadline: Deadline) -> anyhow::Result<Planned> {
        let opened = self.open(firing).await.context("opening the run")?;
        let run = opened.run();
        tracing::Span::current().record("run", run.id);
        tracing::info!(run = run.id, key = run.key, trigger = %firing.trigger, met = met(&opened), "fired");
        if firing.trigger == Trigger::Resume && run.waits_for_person() {
            tracing::warn!(run = run.id, checkpoint = run.checkpoint, "not started again: it waits for a person");
            return Ok(Planned { met: "refused", ..planned(&opened, PlanEnd::Stopped) });
        }
        let end = match &opened {
            Opened::Closed(_) => PlanEnd::Complete,
            Opened::New(run) | Opened::Joined(run) => self.plan(run, deadline).await.context("planning the run")?,
        };
        if end == PlanEnd::Complete && run.closing_ledger().is_none() {
            // A cycle in which nobody was due has no batch whose end would close it.
            run::close::try_close(&self.records, &self.clock, run.id).await?;
        }
        Ok(planned(&opened, end))
    }

    /// Opens or finds the run of a firing. People who come later than this moment belong to a later run.
    ///
    /// A person who joins an open run has it go on, also when the keeper no longer starts its planner again.
    pub async fn open(&self, firing: Firing) -> anyhow::Result<Opened> {
        let key = run_key(firing.scheduled_at, self.zone);
        let parameters = serde_json::to_string(&self.subjects(firing.scheduled_at).await?.parameters)?;
        let opened = run::open(&self.records, &self.clock, JOB, key, firing, parameters).await?;
        if let (Opened::Joined(run), Trigger::Manual) = (&opened, firing.trigger) {
            let run = run.id;
            self.records.transaction(move |tx| run::fuse::reset(tx, run).boxed()).await?;
        }
        Ok(opened)
    }

    /// The users that a firing at that time would take.
    pub async fn subjects(&self, scheduled_at: DateTime<Utc>) -> anyhow::Result<CycleSubjects> {
        let parameters = subjects::fix_parameters(&self.records, scheduled_at, self.zone).await?;
        Ok(CycleSubjects { parameters, batch_size: self.batch_size })
    }

    /// Plans an open run from its checkpoint.
    pub async fn plan(&self, run: &Run, deadline: Deadline) -> anyhow::Result<PlanEnd> {
        let parameters: CycleParameters =
            serde_json::from_str(&run.parameters).with_context(|| format!("the parameters of run {}", run.id))?;
        let subjects = CycleSubjects { parameters, batch_size: self.batch_size };
        run::plan::plan(&self.records, self.queue.as_ref(), &self.clock, run, &subjects, &deadline).await
    }
}

fn planned(opened: &Opened, end: PlanEnd) -> Planned {
    let run = opened.run();
    Planned {
        run: run.id,
        key: run.key.clone(),
        met: met(opened),
        plan_complete: end == PlanEnd::Complete,
        ledger: run.closing_ledger(),
    }
}

fn met(opened: &Opened) -> &'static str {
    match opened {
        Opened::New(_) => "opened",
        Opened::Joined(_) => "joined",
        Opened::Closed(_) => "closed",
    }
}

/// A firing's key: the cycle's month and the day in it, as the schedule's zone says them.
pub fn run_key(scheduled_at: DateTime<Utc>, zone: Tz) -> String {
    format!("{}/{:02}", Month::of(scheduled_at, zone), scheduled_at.with_timezone(&zone).day())
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
