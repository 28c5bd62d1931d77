//! SQLite's one writer: those who wait for it share a commit.
//!
//! A commit is a trip to the disk, and it costs the same for one transaction as for sixty. So transactions are handed
//! to one task that runs all that have come in, each behind its own savepoint, and commits them together. Each caller
//! hears of its success only after that commit.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::SqlitePool;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{RecordsError, Result, Tx};

/// The most transactions that share a commit.
const SHARE: usize = 64;

/// What a caller wants done.
pub(super) type Work<T> = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send>;

/// A caller's transaction with its result's type hidden.
trait Task: Send {
    /// Runs it; says whether its changes are to be kept.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;

    /// Answers the caller, now that the shared commit's outcome is known.
    fn reply(self: Box<Self>, commit: Result<()>);
}

struct Pending<T> {
    lease_offset: i64,
    work: Option<Work<T>>,
    result: Result<T>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send + 'static> Task for Pending<T> {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        async move {
            tx.lease_offset = self.lease_offset;
            if let Some(work) = self.work.take() {
                // A panic must not take the writer with it: other callers wait for the same commit.
                let result = AssertUnwindSafe(work(tx)).catch_unwind().await;
                self.result = result.unwrap_or(Err(RecordsError::Panicked));
            }
            self.result.is_ok()
        }
        .boxed()
    }

    fn reply(self: Box<Self>, commit: Result<()>) {
        let answer = match self.result {
            Ok(value) => commit.map(|()| value),
            // Work that never ran failed because the shared transaction did.
            Err(RecordsError::Closed) => Err(commit.err().unwrap_or(RecordsError::Closed)),
            Err(error) => Err(error),
        };
        // The caller may have stopped waiting; its work is done all the same.
        self.caller.send(answer).ok();
    }
}

/// A handle on the writing task.
pub(super) struct GroupCommit {
    pool: SqlitePool,
    queue: Mutex<Option<mpsc::Sender<Box<dyn Task>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for GroupCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupCommit")
    }
}

impl GroupCommit {
    /// Starts the writing task on the one connection of `pool`.
    pub(super) fn start(pool: SqlitePool, statements: Arc<AtomicU64>) -> Self {
        let (queue, tasks) = mpsc::channel(4 * SHARE);
        let writer = tokio::spawn(write(pool.clone(), statements, tasks));
        Self { pool, queue: Mutex::new(Some(queue)), writer: Mutex::new(Some(writer)) }
    }

    /// Runs `work` and waits until it is on the disk.
    pub(super) async fn submit<T: Send + 'static>(&self, lease_offset: i64, work: Work<T>) -> Result<T> {
        let (caller, outcome) = oneshot::channel();
        let queue = self.queue.lock().expect("nobody panics while holding it").clone();
        let pending = Pending { lease_offset, work: Some(work), result: Err(RecordsError::Closed), caller };
        let queue = queue.ok_or(RecordsError::Closed)?;
        queue.send(Box::new(pending)).await.map_err(|_| RecordsError::Closed)?;
        outcome.await.map_err(|_| RecordsError::Closed)?
    }

    /// The writing connection, for what must not share a transaction: migrations.
    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Lets the task finish what it has, and end.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().expect("nobody panics while holding it").take());
        let writer = self.writer.lock().expect("nobody panics while holding it").take();
        if let Some(writer) = writer {
            writer.await.ok();
        }
    }
}

async fn write(pool: SqlitePool, statements: Arc<AtomicU64>, mut tasks: mpsc::Receiver<Box<dyn Task>>) {
    while let Some(first) = tasks.recv().await {
        let mut sharing = vec![first];
        let outcome = match pool.acquire().await {
            Ok(connection) => {
                let mut tx = Tx::sqlite(connection, 0, statements.clone());
                let outcome = run_and_commit(&mut tx, &mut sharing, &mut tasks).await;
                if outcome.is_err() {
                    tx.command("ROLLBACK").await.ok();
                }
                outcome
            }
            Err(error) => Err(error.into()),
        };
        for task in sharing {
            task.reply(match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(RecordsError::shared_commit(error)),
            });
        }
    }
    pool.close().await;
}

/// Runs the first of `sharing` and all that have come in meanwhile, and commits them together.
async fn run_and_commit(
    tx: &mut Tx,
    sharing: &mut Vec<Box<dyn Task>>,
    tasks: &mut mpsc::Receiver<Box<dyn Task>>,
) -> Result<()> {
    tx.command("BEGIN IMMEDIATE").await?;
    let mut run = 0;
    while let Some(task) = sharing.get_mut(run) {
        tx.command("SAVEPOINT task").await?;
        if !task.run(tx).await {
            tx.command("ROLLBACK TO task").await?;
        }
        tx.command("RELEASE task").await?;
        run += 1;
        if run < SHARE
            && let Ok(next) = tasks.try_recv()
        {
            sharing.push(next);
        }
    }
    tx.command("COMMIT").await
}
