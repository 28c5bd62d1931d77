//! The engine of one machine: what SQS, Lambda and EventBridge do in AWS, with the same functions' code.

mod lambda;
mod pump;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use dead_letters::DeadLetters;
use futures_util::FutureExt;
use invitation_worker::InvitationWorker;
use monthly_invitations::Planner;
use run_keeper::{Keeper, PlannerDoor};
use shared::{
    claims::Abandoned,
    memory::MemoryWatch,
    process::{self, Holder},
    queue::RecordsQueue,
    records::Records,
    run::{Run, State, outbox},
    sqs::{Deadline, Message, Outcome},
};
use tokio::{sync::Notify, task::JoinSet};

pub use watch::Watch;

/// What a process of this machine is called where a job's name is asked for.
const PROCESS: &str = "almanac";

/// How often the keeper's code runs here: so that what waits is seen soon.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Everything a run needs on one machine.
pub struct Engine {
    /// Where everything is kept.
    pub records: Records,
    /// The queue in the records.
    pub queue: Arc<RecordsQueue>,
    /// `monthly-invitations`.
    pub planner: Planner,
    /// `invitation-worker`.
    pub worker: Arc<InvitationWorker>,
    /// `run-keeper`.
    pub keeper: Keeper,
    /// `dead-letters`.
    pub dead_letters: DeadLetters,
    /// This process.
    pub holder: Holder,
    /// Where processes keep their locks.
    pub locks: PathBuf,
    /// Whether this process uses too much memory.
    pub memory: MemoryWatch,
    /// How many workers there are.
    pub workers: usize,
    /// How many messages one worker takes at once.
    pub messages_at_once: usize,
    /// How long a worker may take over its messages before it hands back what is left.
    pub worker_timeout: Duration,
}

/// Starts the planner in this process.
pub struct PlanHere(pub Planner);

#[async_trait]
impl PlannerDoor for PlanHere {
    async fn resume(&self, run: &Run) -> anyhow::Result<()> {
        // How far one came that failed, the next keeping sees by itself.
        if let Err(error) = self.0.plan(run, Deadline::none()).await {
            tracing::error!(run = run.id, error = format!("{error:#}"), "its planner failed");
        }
        Ok(())
    }
}

impl Engine {
    /// Works until the run is closed and what it has to say is said, and gives it as it was closed.
    ///
    /// Stops earlier, giving the open run, when `watch` says so: what was begun is finished first.
    pub async fn work_until_closed(&self, run: &Run, watch: &dyn Watch) -> anyhow::Result<Run> {
        self.bury_the_dead().await.context("releasing what dead processes held")?;
        let changed = Arc::new(Notify::new());
        let stop = Arc::new(tokio::sync::watch::Sender::new(false));
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            workers.spawn(self.pump(changed.clone(), stop.subscribe()).run());
        }
        let planning = {
            let (planner, run) = (self.planner.clone(), run.clone());
            let deadline = Deadline::none().or_when(stop.subscribe());
            tokio::spawn(async move { planner.plan(&run, deadline).await })
        };
        let mut planning = Some(planning);
        let mut keep = tokio::time::interval(KEEP_EVERY);
        keep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let closed = loop {
            tokio::select! {
                () = changed.notified() => {}
                _ = keep.tick() => self.keep().await,
                planned = async { planning.as_mut().expect("the branch is off without it").await }, if planning.is_some() => {
                    planning = None;
                    planned.context("the planner's task")?.context("planning")?;
                    shared::run::close::try_close(&self.records, &self.planner.clock, run.id).await?;
                }
                () = watch.stopped() => break None,
            }
            let now = self.find(run.id).await?;
            watch.progress(&self.records, &now).await;
            if now.state != State::Open {
                break Some(now);
            }
        };
        stop.send_replace(true);
        while let Some(worker) = workers.join_next().await {
            worker.context("a worker's task")?;
        }
        if let Some(planning) = planning {
            planning.await.context("the planner's task")?.context("planning")?;
        }
        match closed {
            Some(closed) => {
                self.say_all(closed.id).await?;
                Ok(closed)
            }
            None => self.find(run.id).await,
        }
    }

    fn pump(&self, changed: Arc<Notify>, stop: tokio::sync::watch::Receiver<bool>) -> pump::Pump {
        pump::Pump {
            queue: self.queue.clone(),
            worker: self.worker.clone(),
            holder: self.holder.clone(),
            messages_at_once: self.messages_at_once,
            worker_timeout: self.worker_timeout,
            changed,
            stop,
        }
    }

    /// Releases what dead processes held: their messages are visible again and their calls in doubt, at once.
    async fn bury_the_dead(&self) -> anyhow::Result<()> {
        let dead = process::dead(&self.locks)?;
        if dead.is_empty() {
            return Ok(());
        }
        let claims = run_keeper::abandon_all(&self.records, Abandoned::HeldBy(dead.clone())).await?;
        let messages = self.queue.release_held_by(dead.clone()).await?;
        tracing::info!(processes = dead.len(), claims, messages, "took over from processes that died");
        // What a process asked of a server just before its death may be carried out only now. So it is buried by a later
        // keeping, which finds nothing more of it.
        if claims == 0 && messages == 0 {
            for token in &dead {
                process::bury(&self.locks, token)?;
            }
        }
        Ok(())
    }

    /// One keeping. Its failure is not the run's: the next one comes in a second.
    async fn keep(&self) {
        let kept = async {
            self.bury_the_dead().await?;
            self.record_dead_letters().await?;
            self.memory.look(&self.records, PROCESS).await?;
            self.keeper.keep().await
        };
        if let Err(error) = kept.await {
            tracing::error!(error = format!("{error:#}"), "keeping failed");
        }
    }

    /// Records the messages that were received too often without success, as `dead-letters` does.
    async fn record_dead_letters(&self) -> anyhow::Result<()> {
        use shared::sqs::RecordHandler as _;
        for (id, body) in self.queue.new_dead_letters().await? {
            let queue = "invitations-dead-letters".to_owned();
            let message = Message { id: id.to_string(), queue, ..Message::saying(body) };
            // A batch with a call under way cannot be parked yet; a later keeping tries again.
            if self.dead_letters.handle(&message, Deadline::none()).await? == Outcome::Done {
                self.queue.dealt_with(id).await?;
            }
        }
        Ok(())
    }

    /// Delivers until nothing about the run is left to be said, or delivery fails and is left to a later keeping.
    pub async fn say_all(&self, run_id: i64) -> anyhow::Result<()> {
        loop {
            let delivered = self.keeper.deliver().await?;
            let left = self.records.read(move |tx| outbox::has_due(tx, run_id).boxed()).await?;
            if !left || delivered == 0 {
                return Ok(());
            }
        }
    }

    async fn find(&self, run_id: i64) -> anyhow::Result<Run> {
        let run = self.records.read(move |tx| Run::find(tx, run_id).boxed()).await?;
        run.with_context(|| format!("run {run_id} is gone"))
    }
}
