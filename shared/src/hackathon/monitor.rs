//! A monitor: the one skeleton of all of them, as a job.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Criterion, Verdict,
    health::{self, Execution},
    hub::Hub,
    page_worker::PagedJob,
    store::Team,
    work::{Parameters, Work},
};
use crate::{
    clock::Clock,
    firing::Firing,
    queue::Queue,
    records::Records,
    run::{Run, job::Job, missed::MissedPolicy, plan::PlanEnd},
    sqs::Deadline,
};

/// What becomes of firings that were missed: a team is judged as it is now, so the last says it all.
pub const WHEN_MISSED: MissedPolicy = MissedPolicy::RunOnceForAll;

/// What one monitor does differently from the others.
#[async_trait]
pub trait Measure: Send + Sync {
    /// What is measured of a team; it is kept in the records.
    type Measured: Serialize + DeserializeOwned + Send + Sync;

    /// What it judges by.
    fn criterion(&self) -> Criterion;

    /// The teams' variables that it reads; no others are kept.
    fn variables(&self) -> &'static [&'static str];

    /// Measures one team. What goes wrong is part of what is measured: no team's failure touches another.
    async fn measure(&self, team: &Team) -> Self::Measured;

    /// Judges all teams together, as of the run's scheduled time: a verdict for each, in their order.
    fn judge(&self, measured: &[Self::Measured], at: DateTime<Utc>) -> Vec<Verdict>;
}

/// A monitor and what it stands on.
#[derive(Clone)]
pub struct Monitor<M> {
    /// What is its own.
    pub measure: M,
    /// Where runs and verdicts are.
    pub records: Records,
    /// The business clock.
    pub clock: Clock,
    /// Whom verdicts are told to.
    pub hub: Arc<Hub>,
    /// Which hackathon, as the Hub names it.
    pub hackathon: String,
    /// How many teams are measured at once.
    pub teams_at_once: usize,
    /// How many runs in a row must say the same of a team whose status changes to and fro before the Hub is told.
    pub settles_after: usize,
    /// How many days verdicts are kept.
    pub kept_days: u32,
    /// By which queue workers are told of pages of a run's teams; none where one process measures them all.
    pub workers: Option<Arc<dyn Queue>>,
}

#[async_trait]
impl<M: Measure> Job for Monitor<M> {
    fn name(&self) -> &'static str {
        self.measure.criterion().job()
    }

    fn records(&self) -> &Records {
        &self.records
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn key(&self, scheduled_at: DateTime<Utc>) -> String {
        scheduled_at.format("%Y-%m-%dT%H:%M:%S").to_string()
    }

    fn when_missed(&self) -> MissedPolicy {
        WHEN_MISSED
    }

    async fn parameters(&self, _: Firing) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&Parameters { hackathon: self.hackathon.clone() })?)
    }

    async fn go_on(&self, run: &Run, deadline: Deadline) -> anyhow::Result<PlanEnd> {
        self.noted(run.id, self.work(run, &deadline), |end| end != PlanEnd::HandedOver).await
    }
}

#[async_trait]
impl<M: Measure> PagedJob for Monitor<M> {
    async fn go_on_with_page(&self, run: &Run, after: i64, deadline: Deadline) -> anyhow::Result<PlanEnd> {
        self.noted(run.id, self.work_on_page(run, after, &deadline), |end| end == PlanEnd::Complete).await
    }
}

impl<M: Measure> Monitor<M> {
    /// Does some of a run's work, and notes how it went. What several processes do of a run is one execution, which whoever
    /// ends the run notes; of the others only those at which something was wrong, and those that count all the same.
    async fn noted(
        &self,
        run: i64,
        work: impl Future<Output = anyhow::Result<Work>> + Send,
        counts: fn(PlanEnd) -> bool,
    ) -> anyhow::Result<PlanEnd> {
        let begun = Instant::now();
        let went = work.await;
        let (fault, teams) = match &went {
            Ok(Work { end, fault: None, .. }) if !counts(*end) => return Ok(*end),
            Ok(work) => (work.fault.clone(), work.teams),
            // What it says may name what nobody but the log may see.
            Err(_) => (Some("it failed: its log says why".to_owned()), 0),
        };
        let execution = Execution { took: begun.elapsed(), teams, fault };
        let (job, now) = (self.name(), self.clock.now());
        let noted = self.records.transaction(move |tx| {
            let execution = execution.clone();
            async move { health::note(tx, job, &execution, now).await }.boxed()
        });
        if let Err(error) = noted.await {
            tracing::warn!(run, %error, "how the execution went could not be noted");
        }
        went.map(|work| work.end)
    }
}
