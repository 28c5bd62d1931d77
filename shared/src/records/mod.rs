//! The records: what Almanac knows, in SQLite on one machine or in MySQL/MariaDB.
//!
//! Both databases are spoken to through one [`Records`] value and one text per query. The few words in which they
//! differ are written as `{tokens}` (see [`dialect`]). A query is a named function that takes a [`Tx`]; whoever needs
//! several queries to happen together or not at all passes them to [`Records::transaction`].
//!
//! **A transaction may run more than once.** It is repeated after a deadlock, and after a connection that broke while
//! it was being committed, when nobody can know whether it took effect. So each one must either be harmless to repeat
//! or find out by an owner token that it has already happened.

mod connect;
pub mod dialect;
mod error;
mod group_commit;
mod login;
mod migrate;
mod row;
mod script;
mod tx;
mod value;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{MySqlPool, SqlitePool};
use tokio::time::Instant;

use self::group_commit::GroupCommit;
pub use self::{
    connect::ConnectOptions,
    dialect::Dialect,
    error::RecordsError,
    login::{LoginError, SecretLogin},
    migrate::Migrated,
    row::Row,
    script::Script,
    tx::Tx,
    value::{Never, Value, never},
};
use crate::random;

/// What a query gives back.
pub type Result<T> = std::result::Result<T, RecordsError>;

/// For how long a login may be refused that is being rotated: the server knows a new password before its secret does.
const ROTATION: Duration = Duration::from_secs(30);

/// How long to wait before the secret of a refused login is read once more.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(1);

/// How often a transaction is repeated when others hold what it needs.
const CONTENTION_TRIES: u32 = 40;

/// A handle on the records; clones share the connections.
#[derive(Clone, Debug)]
pub struct Records {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    patience: Duration,
    lease_offset: AtomicI64,
    statements: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Store {
    MySql {
        pool: MySqlPool,
        /// Where its login comes from, when a secret holds it.
        login: Option<Box<SecretLogin>>,
    },
    /// SQLite has one writer, so writes share a connection and, when several wait, a commit.
    Sqlite { readers: SqlitePool, writer: GroupCommit },
}

impl Records {
    /// Which SQL these records speak.
    pub fn dialect(&self) -> Dialect {
        match self.shared.store {
            Store::MySql { .. } => Dialect::MySql,
            Store::Sqlite { .. } => Dialect::Sqlite,
        }
    }

    /// How many statements have been sent through this handle and its clones.
    pub fn statements(&self) -> u64 {
        self.shared.statements.load(Ordering::Relaxed)
    }

    /// Moves the lease clock (the database's own time) for this handle and its clones: how tests let leases expire.
    pub fn shift_lease_clock(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.shared.lease_offset.fetch_add(micros, Ordering::Relaxed);
    }

    /// Runs `work` in one transaction, and again after a deadlock or a lost connection.
    ///
    /// A lost connection is waited out as long as these records' patience lasts; other errors come back at once and
    /// leave nothing behind.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        self.persist(|| async {
            match &self.shared.store {
                Store::MySql { pool, .. } => {
                    let mut tx = Tx::mysql(pool.acquire().await?, self.lease_offset(), self.counter());
                    tx.within_transaction(work.as_ref()).await
                }
                Store::Sqlite { writer, .. } => {
                    let work = work.clone();
                    writer.submit(self.lease_offset(), Box::new(move |tx| work(tx))).await
                }
            }
        })
        .await
    }

    /// Runs a script in one transaction, and again after a deadlock or a lost connection; gives how many rows each of
    /// its statements matched.
    pub async fn run_script(&self, script: Script) -> Result<Vec<u64>> {
        match &self.shared.store {
            Store::MySql { pool, .. } => {
                self.persist(|| async {
                    let mut tx = Tx::mysql(pool.acquire().await?, self.lease_offset(), self.counter());
                    tx.run_as_text(&script).await
                })
                .await
            }
            Store::Sqlite { .. } => {
                let script = Arc::new(script);
                self.transaction(move |tx| {
                    let script = script.clone();
                    async move { tx.run_one_by_one(&script).await }.boxed()
                })
                .await
            }
        }
    }

    /// Runs the queries of `work`, which only read, each in its own snapshot.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send,
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + Sync,
    {
        self.persist(|| async {
            let mut tx = match &self.shared.store {
                Store::MySql { pool, .. } => Tx::mysql(pool.acquire().await?, self.lease_offset(), self.counter()),
                Store::Sqlite { readers, .. } => {
                    Tx::sqlite(readers.acquire().await?, self.lease_offset(), self.counter())
                }
            };
            work(&mut tx).await
        })
        .await
    }

    /// Closes every connection, after what is under way.
    pub async fn close(&self) {
        match &self.shared.store {
            Store::MySql { pool, .. } => pool.close().await,
            Store::Sqlite { readers, writer } => {
                writer.close().await;
                readers.close().await;
            }
        }
    }

    fn lease_offset(&self) -> i64 {
        self.shared.lease_offset.load(Ordering::Relaxed)
    }

    fn counter(&self) -> Arc<AtomicU64> {
        self.shared.statements.clone()
    }

    /// Repeats `attempt` while it fails for a reason that passes.
    async fn persist<T, A, Fut>(&self, attempt: A) -> Result<T>
    where
        A: Fn() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let give_up = Instant::now() + self.shared.patience;
        let mut contended = 0;
        let mut lost = 0_u32;
        let mut refused = 0_u32;
        let rotated_by = Instant::now() + ROTATION.min(self.shared.patience);
        loop {
            match attempt().await {
                Err(error) if error.is_contention() && contended < CONTENTION_TRIES => {
                    contended += 1;
                    tokio::time::sleep(random::jitter(Duration::from_millis(2 * u64::from(contended.min(20))))).await;
                }
                Err(error) if error.is_unavailable() && Instant::now() < give_up => {
                    if lost == 0 {
                        tracing::warn!(error = %error, "the database does not answer; waiting for it");
                    }
                    lost += 1;
                    tokio::time::sleep(random::jitter(Duration::from_millis(100 * u64::from(lost.min(20))))).await;
                }
                Err(error)
                    if error.is_login_refused()
                        && (refused == 0 || Instant::now() < rotated_by)
                        && self.renew_login(refused).await? =>
                {
                    refused += 1;
                }
                outcome => {
                    if lost > 0 && outcome.is_ok() {
                        tracing::info!("the database answers again");
                    }
                    return outcome;
                }
            }
        }
    }
}

impl Records {
    /// Reads the login's secret anew, for connections to come, at once the first time; `false` when no secret holds the
    /// login.
    async fn renew_login(&self, times_before: u32) -> Result<bool> {
        let Store::MySql { pool, login: Some(login) } = &self.shared.store else { return Ok(false) };
        if times_before > 0 {
            tokio::time::sleep(random::jitter(BETWEEN_RENEWALS)).await;
        }
        match login.renewed().await {
            Ok(options) => pool.set_connect_options(options),
            Err(error) if error.is_unread_secret() => tracing::warn!(%error, "the login could not be read anew"),
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
