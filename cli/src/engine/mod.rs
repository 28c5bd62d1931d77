//! The engine of one machine: what SQS, Lambda and EventBridge do in AWS, with the same functions' code.

mod agenda;
mod lambda;
mod pump;
mod serve;
#[cfg(test)]
mod tests;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use dead_letters::DeadLetters;
use futures_util::FutureExt;
use invitation_worker::InvitationWorker;
use run_keeper::{Keeper, PlannerDoor};
use shared::{
    claims::Abandoned,
    memory::MemoryWatch,
    process::{self, Holder},
    queue::RecordsQueue,
    records::Records,
    run::{Run, State, job::Job, outbox, plan::PlanEnd},
    sqs::{Deadline, Message, Outcome},
};
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

pub use agenda::{Agenda, Entry};
pub use watch::Watch;

use crate::stop::{GRACE, Stopped};

/// What a process of this machine is called where a job's name is asked for.
const PROCESS: &str = "almanac";

/// How often the keeper's code runs here: so that what waits is seen soon.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Turns true when nothing more is to be begun.
type Stopping = tokio::sync::watch::Receiver<bool>;

/// The planner of the run at work.
type Planning = JoinHandle<anyhow::Result<PlanEnd>>;

/// Everything a run needs on one machine.
pub struct Engine {
    /// Where everything is kept.
    pub records: Records,
    /// The queue in the records.
    pub queue: Arc<RecordsQueue>,
    /// The jobs that can be fired.
    pub jobs: Jobs,
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
    /// Tells workers and planners of this engine to stop.
    pub stop: tokio::sync::watch::Sender<bool>,
}

/// The jobs that can be fired, each by its name.
#[derive(Clone)]
pub struct Jobs(pub Vec<Arc<dyn Job>>);

impl Jobs {
    /// The job of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> anyhow::Result<&Arc<dyn Job>> {
        let job = self.0.iter().find(|job| job.name() == name);
        job.with_context(|| format!("there is no job {name:?} that this release can run"))
    }
}

/// Starts planners in this process.
pub struct PlanHere {
    /// The jobs whose planners there are.
    pub jobs: Jobs,
    /// Whether this process is to begin nothing more.
    pub stop: Stopping,
}

impl PlanHere {
    /// Goes on until the plan is complete, or the page at which it is told to stop. A page that takes long then is given
    /// up: the next planner goes on from the checkpoint.
    async fn plan(&self, run: &Run) -> anyhow::Result<PlanEnd> {
        let job = self.jobs.find(&run.job)?;
        tokio::select! {
            planned = job.go_on(run, Deadline::none().or_when(self.stop.clone())) => planned,
            () = long_told(&self.stop) => Ok(PlanEnd::OutOfTime),
        }
    }
}

#[async_trait]
impl PlannerDoor for PlanHere {
    async fn resume(&self, run: &Run) -> anyhow::Result<()> {
        anyhow::ensure!(!*self.stop.borrow(), "this process is being ended");
        // How far one came that failed, the next keeping sees by itself.
        if let Err(error) = self.plan(run).await {
            tracing::error!(run = run.id, error = format!("{error:#}"), "its planner failed");
        }
        Ok(())
    }
}

impl Engine {
    /// Works until the run is closed and what it has to say is said, and gives it as it was closed.
    ///
    /// Stops earlier, giving the open run, when `watch` says so. However it stops, what was begun is finished first: also
    /// when it fails, for a call whose result nobody waits for leaves letters in doubt. What only waits for something
    /// that is away, and has no result in hand, is not waited for.
    ///
    /// # Errors
    /// [`Stopped`] when it stops and the run cannot be read, or what it has to say is not said.
    pub async fn work_until_closed(&self, run: &Run, watch: &dyn Watch) -> anyhow::Result<Run> {
        tokio::select! {
            buried = self.bury_the_dead() => buried.context("releasing what dead processes held")?,
            () = watch.stopped() => return Err(Stopped.into()),
        }
        self.stop.send_replace(false);
        let changed = Arc::new(Notify::new());
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            workers.spawn(self.pump(changed.clone()).run());
        }
        let mut planning = Some(self.start_planning(run));
        let closed = tokio::select! {
            closed = self.look_after(run, watch, &changed, &mut planning) => closed,
            () = self.stop_with(watch) => Ok(None),
        };
        self.stop.send_replace(true);
        let ended = end(workers, planning).await;
        let closed = match closed {
            Ok(closed) => ended.map(|()| closed)?,
            Err(error) => {
                say_failure("ending what was begun", ended);
                return Err(error);
            }
        };
        match closed {
            Some(closed) => tokio::select! {
                said = self.say_all(closed.id) => said.map(|()| closed),
                () = self.stop_with(watch) => Err(Stopped.into()),
            },
            None => tokio::time::timeout(GRACE, self.find(run.id)).await.unwrap_or(Err(Stopped.into())),
        }
    }

    fn start_planning(&self, run: &Run) -> Planning {
        let (planner, run) = (PlanHere { jobs: self.jobs.clone(), stop: self.stop.subscribe() }, run.clone());
        tokio::spawn(async move { planner.plan(&run).await })
    }

    /// Tells everybody to stop when `watch` says so, and ends when what takes no long time has ended.
    async fn stop_with(&self, watch: &dyn Watch) {
        watch.stopped().await;
        self.stop.send_replace(true);
        tokio::time::sleep(GRACE).await;
    }

    /// Keeps what stands still moving until the run is closed, and gives it then; nothing, when it is to stop earlier.
    async fn look_after(
        &self,
        run: &Run,
        watch: &dyn Watch,
        changed: &Notify,
        planning: &mut Option<Planning>,
    ) -> anyhow::Result<Option<Run>> {
        let mut keep = tokio::time::interval(KEEP_EVERY);
        keep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = changed.notified() => {}
                _ = keep.tick() => self.keep().await,
                planned = async { planning.as_mut().expect("the branch is off without it").await }, if planning.is_some() => {
                    *planning = None;
                    planned.context("the planner's task")?.context("planning")?;
                    shared::run::close::try_close(&self.records, &self.keeper.clock, run.id).await?;
                }
                () = watch.stopped() => return Ok(None),
            }
            let now = self.find(run.id).await?;
            watch.progress(&self.records, &now).await;
            if now.state != State::Open {
                return Ok(Some(now));
            }
        }
    }

    fn pump(&self, changed: Arc<Notify>) -> pump::Pump {
        pump::Pump {
            queue: self.queue.clone(),
            worker: self.worker.clone(),
            holder: self.holder.clone(),
            messages_at_once: self.messages_at_once,
            worker_timeout: self.worker_timeout,
            changed,
            stop: self.stop.subscribe(),
        }
    }

    /// Releases what dead processes held: their messages are visible again and their calls in doubt, at once.
    async fn bury_the_dead(&self) -> anyhow::Result<()> {
        let dead = process::dead(&self.locks)?;
        if dead.is_empty() {
            return Ok(());
        }
        let claims = run_keeper::abandon_all(&self.records, Abandoned::HeldBy(dead.clone())).await?.claims;
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

    /// One keeping. A step that fails keeps none of the others from their turn, and is not the run's failure: the next
    /// keeping comes in a second.
    async fn keep(&self) {
        say_failure("taking over from processes that died", self.bury_the_dead().await);
        say_failure("recording dead letters", self.record_dead_letters().await);
        say_failure("looking at memory", self.memory.look(&self.records, PROCESS).await);
        say_failure("keeping runs", self.keeper.keep(&Deadline::none()).await);
    }

    /// Records the messages that were received too often without success, as `dead-letters` does. One that cannot be
    /// recorded waits for a later keeping.
    async fn record_dead_letters(&self) -> anyhow::Result<()> {
        for (id, body) in self.queue.new_dead_letters().await? {
            say_failure("recording a dead letter", self.record_dead_letter(id, body).await);
        }
        Ok(())
    }

    async fn record_dead_letter(&self, id: i64, body: String) -> anyhow::Result<()> {
        use shared::sqs::RecordHandler as _;
        let queue = "invitations-dead-letters".to_owned();
        let message = Message { id: id.to_string(), queue, ..Message::saying(body) };
        // A batch with a call under way cannot be parked yet; a later keeping tries again.
        if self.dead_letters.handle(&message, Deadline::none()).await? == Outcome::Done {
            self.queue.dealt_with(id).await?;
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

/// Waits until whoever was told to stop would have, but for something that is away.
async fn long_told(stop: &Stopping) {
    Deadline::none().or_when(stop.clone()).near(Duration::ZERO).await;
    tokio::time::sleep(GRACE).await;
}

/// Waits until every worker has finished what it has begun, and the planner its page; gives the first fault of them.
async fn end(mut workers: JoinSet<()>, planning: Option<Planning>) -> anyhow::Result<()> {
    let mut ended = Ok(());
    while let Some(worker) = workers.join_next().await {
        ended = ended.and(worker.context("a worker's task"));
    }
    if let Some(planning) = planning {
        let planned = planning.await.context("the planner's task");
        ended = ended.and(planned.and_then(|planned| planned.context("planning").map(drop)));
    }
    ended
}

/// Logs the failure of a step after which others have their turn all the same.
fn say_failure<T>(step: &str, outcome: Result<T, impl Into<anyhow::Error>>) {
    if let Err(error) = outcome {
        tracing::error!(step, error = format!("{:#}", error.into()), "a step of the engine failed");
    }
}
