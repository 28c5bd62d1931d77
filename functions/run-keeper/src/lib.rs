//! The run keeper: every minute it mends what stands still. The engine of one machine runs the same code more often.
//!
//! Every step may be done by several keepers at once and again at any time.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use chrono_tz::Tz;
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::json;
use shared::{
    claims::{self, Abandoned},
    clock::Clock,
    counters::{self, Counter},
    news::{self, News, Notice},
    objects::Objects,
    queue::Queue,
    records::{Records, Tx},
    run::{
        self, Run, batch,
        control::Control,
        deliver,
        fuse::{self, Verdict},
        history, plan,
    },
};

/// The function's name.
pub const JOB: &str = "run-keeper";

/// The most open runs that one keeping looks at.
const RUNS: usize = 100;

/// The most outbox items that one keeping delivers.
const ITEMS: usize = 50;

/// The most batches of a cancelled run that one keeping ends.
const CANCELS: usize = 1_000;

/// For how long a plan's checkpoint may stand still before its planner is taken for dead.
const PLANNER_SILENCE: Duration = Duration::from_secs(120);

/// How a planner is started again: the same door as a manual trigger.
#[async_trait]
pub trait PlannerDoor: Send + Sync {
    /// Starts the planner of an open run again.
    ///
    /// # Errors
    /// When it was not started; one that was started and failed is no error here.
    async fn resume(&self, run: &Run) -> anyhow::Result<()>;
}

/// Asks for a planner by an event, `run-requested`: the door that a manual trigger takes too.
pub struct RequestRun(pub Arc<dyn News>);

#[async_trait]
impl PlannerDoor for RequestRun {
    async fn resume(&self, run: &Run) -> anyhow::Result<()> {
        let request = json!({"version": 1, "job": run.job, "scheduled_time": run.scheduled_at, "resume": true});
        let notice = Notice::new(news::Kind::Request, "run-requested", request.to_string());
        news::publish_one(self.0.as_ref(), notice).await
    }
}

/// The keeper and what it stands on.
#[derive(Clone)]
pub struct Keeper {
    /// Where runs are.
    pub records: Records,
    /// Where batches' messages go.
    pub queue: Arc<dyn Queue>,
    /// Where reports go.
    pub objects: Arc<dyn Objects>,
    /// Where events and alerts go.
    pub news: Arc<dyn News>,
    /// How planners are started again.
    pub door: Arc<dyn PlannerDoor>,
    /// The business clock.
    pub clock: Clock,
    /// The zone in which reports show times.
    pub zone: Tz,
    /// How long a run may take before it is reported as stuck.
    pub longest_run: Duration,
}

/// What a keeping did; the function's answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Claims whose lease had ended.
    pub expired_claims: u64,
    /// Batches queued again.
    pub requeued_batches: u64,
    /// Batches of cancelled runs that were ended.
    pub cancelled_batches: u64,
    /// Planners started again.
    pub resumed_planners: u64,
    /// Planners not started again, because they came no further since the last time.
    pub refused_planners: u64,
    /// Runs closed.
    pub closed_runs: u64,
    /// Outbox items delivered.
    pub delivered: u64,
    /// Runs that take longer than they should.
    pub stuck_runs: u64,
}

impl Keeper {
    /// Mends whatever stands still. A run that cannot be mended does not keep the others from it.
    pub async fn keep(&self) -> anyhow::Result<Kept> {
        let mut kept = Kept { expired_claims: self.expire_claims().await?, ..Kept::default() };
        let open = self.records.read(|tx| history::open(tx, RUNS).boxed()).await.context("listing open runs")?;
        for run in open {
            if let Err(error) = self.keep_run(&run, &mut kept).await {
                tracing::error!(run = run.id, error = format!("{error:#}"), "the run could not be kept");
            }
        }
        counters::count(Counter::StuckRuns, usize::try_from(kept.stuck_runs)?);
        kept.delivered = self.deliver().await?;
        Ok(kept)
    }

    /// Delivers what is due in the outbox.
    pub async fn deliver(&self) -> anyhow::Result<u64> {
        let zone = Some(self.zone);
        deliver::deliver(&self.records, self.objects.as_ref(), self.news.as_ref(), zone, ITEMS).await
    }

    async fn expire_claims(&self) -> anyhow::Result<u64> {
        let expired = abandon_all(&self.records, Abandoned::Expired).await.context("expiring leases")?;
        if expired > 0 {
            tracing::warn!(claims = expired, "calls without a result when their lease ended: in doubt");
        }
        Ok(expired)
    }

    async fn keep_run(&self, run: &Run, kept: &mut Kept) -> anyhow::Result<()> {
        if run.control == Control::Cancel {
            kept.cancelled_batches += self.cancel_batches(run.id).await.context("cancelling batches")?;
        }
        if run.control == Control::Run && !run.plan_complete {
            self.keep_planner(run, kept).await?;
        }
        kept.requeued_batches += plan::dispatch(&self.records, self.queue.as_ref(), run.id).await?;
        if let Some(closed) = run::close::try_close(&self.records, &self.clock, run.id).await? {
            tracing::info!(run = closed.id, state = closed.state.as_str(), "the run is closed");
            kept.closed_runs += 1;
        } else if let Some(age) = self.age(run).filter(|age| *age > self.longest_run) {
            tracing::warn!(run = run.id, "the run takes longer than it should");
            run::alerts::stuck(&self.records, run, age, self.longest_run).await.context("alerting")?;
            kept.stuck_runs += 1;
        }
        Ok(())
    }

    /// How long a run has taken until now.
    fn age(&self, run: &Run) -> Option<Duration> {
        (self.clock.now() - run.started_at).to_std().ok()
    }

    /// Starts a planner again that stands still, unless that has been in vain before.
    async fn keep_planner(&self, run: &Run, kept: &mut Kept) -> anyhow::Result<()> {
        if run.parent != 0 {
            // A redrive has no planner: a firing of its time would join the run whose batches it does again.
            run::redrive::advance(&self.records, &self.clock, run).await.context("moving parked batches")?;
            return Ok(());
        }
        match fuse::ask(&self.records, run.id, PLANNER_SILENCE).await? {
            Verdict::Wait => {}
            Verdict::Resume(permit) => {
                tracing::warn!(run = run.id, checkpoint = run.checkpoint, "its planner stopped; started again");
                if let Err(error) = self.door.resume(run).await {
                    fuse::give_back(&self.records, &permit).await?;
                    return Err(error.context("starting the planner again"));
                }
                kept.resumed_planners += 1;
            }
            Verdict::Refuse => {
                tracing::error!(
                    run = run.id,
                    checkpoint = run.checkpoint,
                    "its planner came no further; a person is told"
                );
                kept.refused_planners += 1;
            }
        }
        Ok(())
    }

    async fn cancel_batches(&self, run_id: i64) -> anyhow::Result<u64> {
        Ok(self.records.transaction(move |tx| cancel_some(tx, run_id).boxed()).await?)
    }
}

async fn cancel_some(tx: &mut Tx, run_id: i64) -> shared::records::Result<u64> {
    let sql = "SELECT id FROM batches WHERE run_id = ? AND state IN ('planned', 'open') ORDER BY id LIMIT ?";
    let mut cancelled = 0;
    for row in tx.rows(sql, &[run_id.into(), CANCELS.into()]).await? {
        cancelled += u64::from(batch::cancel(tx, row.int(0)?).await?);
    }
    Ok(cancelled)
}
/// Puts in doubt everything that such claims cover, however many there are.
pub async fn abandon_all(records: &Records, which: Abandoned) -> shared::records::Result<u64> {
    let mut abandoned = 0;
    loop {
        let which = which.clone();
        let page = records
            .transaction(move |tx| {
                let which = which.clone();
                async move { claims::abandon(tx, &which).await }.boxed()
            })
            .await?;
        abandoned += page as u64;
        if page == 0 {
            return Ok(abandoned);
        }
    }
}
