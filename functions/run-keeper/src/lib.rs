//! The run keeper: every minute it mends what stands still. The engine of one machine runs the same code more often.
//!
//! Every step may be done by several keepers at once and again at any time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use chrono_tz::Tz;
use futures_util::{FutureExt, StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use shared::{
    claims::{self, Abandoned, InDoubt},
    clock::Clock,
    counters::{self, Counter},
    news::{self, News, Notice},
    objects::Objects,
    queue::Queue,
    records::Records,
    run::{
        self, Run, batch,
        control::Control,
        deliver,
        fuse::{self, Verdict},
        history, plan,
    },
    sqs::Deadline,
};

/// The function's name.
pub const JOB: &str = "run-keeper";

/// The most open runs that one keeping looks at.
const RUNS: usize = 100;

/// The most outbox items that one keeping delivers.
const ITEMS: usize = 50;

/// How many runs are looked at side by side, so that one that waits for a queue does not keep the others waiting.
const RUNS_AT_ONCE: usize = 4;

/// What of its time a keeping leaves, to answer in.
const RESERVE: Duration = Duration::from_secs(1);

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
    /// Mends whatever stands still and delivers what is to be said, side by side, until `deadline` is near; the next
    /// keeping goes on. What cannot be mended keeps nothing else from it; the first error is given in the end.
    pub async fn keep(&self, deadline: &Deadline) -> anyhow::Result<Kept> {
        let tally = Tally::default();
        let work = async {
            // Boxed, as futures this deep are too large for the compiler.
            let (mended, said) = tokio::join!(self.mend(&tally).boxed(), self.say(&tally).boxed());
            // What mending has to say need not wait for the next keeping.
            let after = self.say(&tally).boxed().await;
            mended.and(said).and(after)
        };
        tokio::select! {
            kept = work => kept?,
            () = deadline.near(RESERVE) => tracing::warn!("no time is left; the next keeping goes on"),
        }
        Ok(tally.kept())
    }

    async fn mend(&self, tally: &Tally) -> anyhow::Result<()> {
        let expired = self.expire_claims(tally).await;
        let lost = plan::requeue_lost(&self.records).await;
        let open = self.records.read(|tx| history::open(tx, RUNS).boxed()).await.context("listing open runs")?;
        stream::iter(open)
            .for_each_concurrent(RUNS_AT_ONCE, async |run| {
                if let Err(error) = self.keep_run(&run, tally).await {
                    counters::count(Counter::RecordFailures, 1);
                    tracing::error!(run = run.id, error = format!("{error:#}"), "the run could not be kept");
                }
            })
            .await;
        counters::count(Counter::StuckRuns, usize::try_from(tally.kept().stuck_runs)?);
        expired.and(lost)
    }

    /// Delivers what is due in the outbox; gives how many items went through.
    pub async fn deliver(&self) -> anyhow::Result<u64> {
        let zone = Some(self.zone);
        deliver::deliver(&self.records, self.objects.as_ref(), self.news.as_ref(), zone, ITEMS).await
    }

    async fn say(&self, tally: &Tally) -> anyhow::Result<()> {
        let delivered = self.deliver().await?;
        tally.add(|kept| kept.delivered += delivered);
        Ok(())
    }

    async fn expire_claims(&self, tally: &Tally) -> anyhow::Result<()> {
        let expired = abandon_all(&self.records, Abandoned::Expired).await.context("expiring leases")?;
        if expired.claims > 0 {
            counters::count(Counter::InDoubt, usize::try_from(expired.letters)?);
            tracing::warn!(
                claims = expired.claims,
                letters = expired.letters,
                "calls without a result when their lease ended: in doubt"
            );
        }
        tally.add(|kept| kept.expired_claims += expired.claims);
        Ok(())
    }

    /// Sets a run going again, then closes it or tells of it, whether it could be set going or not.
    async fn keep_run(&self, run: &Run, tally: &Tally) -> anyhow::Result<()> {
        let going = self.set_going(run, tally).await;
        let looked_at = self.close_or_tell(run, tally).await;
        going.and(looked_at)
    }

    async fn set_going(&self, run: &Run, tally: &Tally) -> anyhow::Result<()> {
        if run.control == Control::Cancel {
            return self.cancel_batches(run.id, tally).await.context("cancelling batches");
        }
        let planner = match run.control {
            Control::Run if !run.plan_complete => self.keep_planner(run, tally).await,
            _ => Ok(()),
        };
        let requeued = plan::dispatch(&self.records, self.queue.as_ref(), run.id).await?;
        tally.add(|kept| kept.requeued_batches += requeued);
        planner
    }

    async fn close_or_tell(&self, run: &Run, tally: &Tally) -> anyhow::Result<()> {
        if let Some(closed) = run::close::try_close(&self.records, &self.clock, run.id).await? {
            tracing::info!(run = closed.id, state = closed.state.as_str(), "the run is closed");
            tally.add(|kept| kept.closed_runs += 1);
        } else if run.waits_for_approval() {
            // It has not begun, and a person was told so.
        } else if let Some(age) = self.age(run).filter(|age| *age > self.longest_run) {
            tracing::warn!(run = run.id, "the run takes longer than it should");
            tally.add(|kept| kept.stuck_runs += 1);
            run::alerts::stuck(&self.records, run, age, self.longest_run).await.context("alerting")?;
        }
        Ok(())
    }

    /// How long a run has taken until now.
    fn age(&self, run: &Run) -> Option<Duration> {
        (self.clock.now() - run.started_at).to_std().ok()
    }

    /// Starts a planner again that stands still, unless that has been in vain before.
    async fn keep_planner(&self, run: &Run, tally: &Tally) -> anyhow::Result<()> {
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
                tally.add(|kept| kept.resumed_planners += 1);
            }
            Verdict::Refuse => {
                tracing::error!(
                    run = run.id,
                    checkpoint = run.checkpoint,
                    "its planner came no further; a person is told"
                );
                tally.add(|kept| kept.refused_planners += 1);
            }
        }
        Ok(())
    }

    /// Ends a cancelled run's batches, each in a transaction of its own: one may hold thousands of invitations.
    async fn cancel_batches(&self, run_id: i64, tally: &Tally) -> anyhow::Result<()> {
        for batch in self.records.read(move |tx| batch::unfinished(tx, run_id, CANCELS).boxed()).await? {
            let cancelled = self.records.transaction(move |tx| batch::cancel(tx, batch).boxed()).await?;
            tally.add(|kept| kept.cancelled_batches += u64::from(cancelled));
        }
        Ok(())
    }
}

/// What a keeping has done so far.
#[derive(Debug, Default)]
struct Tally(Mutex<Kept>);

impl Tally {
    fn add(&self, what: impl FnOnce(&mut Kept)) {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn kept(&self) -> Kept {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts in doubt everything that such claims cover, however many there are; gives how many claims and letters.
pub async fn abandon_all(records: &Records, which: Abandoned) -> shared::records::Result<InDoubt> {
    let mut all = InDoubt::default();
    loop {
        let which = which.clone();
        let page = records
            .transaction(move |tx| {
                let which = which.clone();
                async move { claims::abandon(tx, &which).await }.boxed()
            })
            .await?;
        if page.claims == 0 {
            return Ok(all);
        }
        all.claims += page.claims;
        all.letters += page.letters;
    }
}
