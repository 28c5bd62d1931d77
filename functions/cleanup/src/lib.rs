//! The clean-up: once a night what has had its time is ended, archived and deleted, and what stands of contacts is brought
//! up to date.
//!
//! Each step is walked page by page. What a page does, what it counts and how far it came are one transaction, so a
//! clean-up may be cut off anywhere, come twice, or run beside itself; and each rule looks at what there is and not at
//! when it was looked at before, so a night that is missed is made good by the next.

mod archive;
mod contacts;
mod doubts;
mod invitations;
mod progress;
mod reminders;
mod said;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use shared::{
    clock::Clock,
    firing::Firing,
    month::Month,
    objects::Objects,
    records::{Records, RecordsError, Result},
    run::{
        Run, State,
        control::Control,
        job::{Job, parameters_of},
        missed::MissedPolicy,
        plan::PlanEnd,
    },
    sqs::Deadline,
};

use self::progress::{Page, Progress, Step};

pub use shared::cleaned::JOB;

/// What becomes of nights that were missed: each looks at what there is.
pub const WHEN_MISSED: MissedPolicy = MissedPolicy::RunOnceForAll;

/// The job and what it stands on.
#[derive(Clone)]
pub struct Cleanup {
    /// Where everything is that is cleaned up.
    pub records: Records,
    /// Where invitations are archived before they are deleted.
    pub objects: Arc<dyn Objects>,
    /// The business clock.
    pub clock: Clock,
    /// The schedule's zone, whose days the nights belong to.
    pub zone: Tz,
    /// For how many days an expired invitation is kept.
    pub retention_days: u32,
    /// After how many hours a provider's silence about a letter in doubt counts.
    pub silence_hours: u32,
    /// For how many hours events and alerts are kept that were delivered.
    pub history_hours: u32,
}

/// What a run of the clean-up must not see change under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The moment as of which everything is judged: that of the run's opening, whatever its scheduled time.
    pub as_of: DateTime<Utc>,
    /// The month of that moment, in the schedule's zone.
    pub month: Month,
    /// For how many days an expired invitation is kept.
    pub retention_days: u32,
    /// After how many hours a provider's silence about a letter in doubt counts.
    #[serde(default = "endless")]
    pub silence_hours: u32,
    /// For how many hours events and alerts are kept that were delivered.
    #[serde(default = "endless")]
    pub history_hours: u32,
}

/// What a run goes by that was opened by a release which did not know of these hours: nothing is that old.
fn endless() -> u32 {
    u32::MAX
}

impl Parameters {
    /// So long before the moment as of which everything is judged.
    fn before(&self, age: TimeDelta) -> DateTime<Utc> {
        self.as_of.checked_sub_signed(age).unwrap_or(shared::records::never())
    }

    /// What expired before this moment is deleted.
    fn delete_before(&self) -> DateTime<Utc> {
        self.before(TimeDelta::days(self.retention_days.into()))
    }

    /// What was handed over before this moment, and not spoken of since, has met with silence.
    fn silent_since(&self) -> DateTime<Utc> {
        self.before(TimeDelta::hours(self.silence_hours.into()))
    }

    /// For how long what was said is kept.
    fn history(&self) -> TimeDelta {
        TimeDelta::hours(self.history_hours.into())
    }
}

#[async_trait]
impl Job for Cleanup {
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
        scheduled_at.with_timezone(&self.zone).format("%Y-%m-%d").to_string()
    }

    fn when_missed(&self) -> MissedPolicy {
        WHEN_MISSED
    }

    async fn parameters(&self, _: Firing) -> anyhow::Result<String> {
        let as_of = self.clock.now();
        let parameters = Parameters {
            as_of,
            month: Month::of(as_of, self.zone),
            retention_days: self.retention_days,
            silence_hours: self.silence_hours,
            history_hours: self.history_hours,
        };
        Ok(serde_json::to_string(&parameters)?)
    }

    async fn go_on(&self, run: &Run, deadline: Deadline) -> anyhow::Result<PlanEnd> {
        let parameters: Parameters = parameters_of(run.id, &run.parameters)?;
        let mut run = run.clone();
        while !run.plan_complete {
            if deadline.is_within(Duration::ZERO) {
                return Ok(PlanEnd::OutOfTime);
            }
            self.clean_page(&run, parameters).await?;
            run = self.find(run.id).await?;
            if run.control != Control::Run || run.state != State::Open {
                return Ok(PlanEnd::Stopped);
            }
        }
        Ok(PlanEnd::Complete)
    }
}

impl Cleanup {
    /// Cleans the page after the run's checkpoint; nothing, when another process was here first or the run is stopped.
    async fn clean_page(&self, run: &Run, parameters: Parameters) -> anyhow::Result<()> {
        let progress = Progress::of(run);
        if progress.step == Step::DeleteInvitations {
            // What is deleted must be in the archive first; put there twice, it is one file.
            let due = self.records.read(move |tx| invitations::due(tx, progress.after, parameters).boxed()).await?;
            if !due.invitations.is_empty() {
                archive::put(self.objects.as_ref(), &due.invitations).await?;
            }
            let due = Arc::new(due);
            return self.write(progress, move |tx| invitations::delete(tx, due.clone(), parameters).boxed()).await;
        }
        self.write(progress, move |tx| match progress.step {
            Step::ExpireInvitations => invitations::expire(tx, progress.after, parameters).boxed(),
            Step::ForgetReminders => reminders::forget(tx, progress.after, parameters).boxed(),
            Step::Doubts => doubts::settle(tx, progress.after, parameters).boxed(),
            Step::Delivered => said::forget_delivered(tx, progress.after, parameters).boxed(),
            Step::News => said::forget_news(tx, progress.after, parameters).boxed(),
            Step::DeleteInvitations | Step::Contacts => contacts::look_after(tx, progress.after, parameters).boxed(),
        })
        .await
    }

    /// Does a page's work, and moves on, in one transaction.
    async fn write<W>(&self, progress: Progress, work: W) -> anyhow::Result<()>
    where
        W: Fn(&mut shared::records::Tx) -> futures_util::future::BoxFuture<'_, Result<Page>> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let written = self.records.transaction(move |tx| {
            let work = work.clone();
            async move {
                let page = work(tx).await?;
                progress.move_on(tx, page).await
            }
            .boxed()
        });
        match written.await {
            Err(RecordsError::Fenced) => Ok(()),
            written => Ok(written?),
        }
    }

    async fn find(&self, run: i64) -> Result<Run> {
        self.records.read(move |tx| async move { Run::find(tx, run).await?.ok_or(RecordsError::Fenced) }.boxed()).await
    }
}
