//! Opening the records.

use std::{
    str::FromStr,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use sqlx::{
    Connection, Executor, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::timeout;

use crate::config::Database;

use super::{Records, RecordsError, Result, SecretLogin, Shared, Store, group_commit::GroupCommit};

/// How long to wait for SQLite's one writer in another process.
const WRITER_WAIT: Duration = Duration::from_secs(30);

/// How long to wait for a connection to a server at least, and at most: within the half of what a query waits.
const CONNECTION_WAIT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(30));

/// How long a server may take to greet and to log in at the start.
const LOGIN_TIME: Duration = Duration::from_secs(10);

/// How long a connection may take to answer that it is still there.
const PING_TIME: Duration = Duration::from_secs(2);

/// How much of a SQLite file the writer keeps in memory: 8 MiB, as SQLite writes kibibytes.
const SQLITE_CACHE: &str = "-8192";

/// How many connections read a SQLite file: each keeps a page cache and a thread of its own.
const SQLITE_READERS: u32 = 3;

/// A connection idle for longer than this is tried before use: a frozen Lambda's sockets die silently.
const TRUSTED_IDLE: Duration = Duration::from_secs(5);

/// How the records are used by this process.
#[derive(Debug, Clone, Copy)]
pub struct ConnectOptions {
    /// The most connections at once; SQLite uses a few at most.
    pub connections: u32,
    /// How long a query waits for a database that went away, once these records are open.
    pub patience: Duration,
}

impl Records {
    /// Opens the records. A database that is not there now is an error at once: patience begins afterwards.
    pub async fn connect(database: &Database, options: ConnectOptions) -> Result<Self> {
        let statements = Arc::default();
        let store = match database {
            Database::Sqlite(path) => {
                let file = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(WRITER_WAIT)
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("journal_size_limit", "67108864");
                let writer = SqlitePoolOptions::new()
                    .max_connections(1)
                    .connect_with(file.clone().pragma("cache_size", SQLITE_CACHE))
                    .await?;
                // Opened when something is read: the file is there, because the writer has opened it.
                let readers = SqlitePoolOptions::new()
                    .max_connections(options.connections.min(SQLITE_READERS))
                    .test_before_acquire(false)
                    .connect_lazy_with(file.pragma("query_only", "on"));
                Store::Sqlite { readers, writer: GroupCommit::start(writer, Arc::clone(&statements)) }
            }
            Database::MySql(url) => {
                let server = MySqlConnectOptions::from_str(url.expose())?;
                try_to_connect(&server).await?;
                Store::MySql { pool: mysql_pool(server, options), login: None }
            }
        };
        Ok(Self::on(store, options, statements))
    }

    /// Opens the records of a database whose login is in a secret. When the database refuses it, the secret is read
    /// anew: once here, and for some seconds whenever a connection is made later, because it may be in rotation.
    pub async fn connect_by_secret(login: SecretLogin, options: ConnectOptions) -> Result<Self> {
        let mut server = login.options().await?;
        match try_to_connect(&server).await {
            Err(error) if error.is_login_refused() => {
                server = login.renewed().await?;
                try_to_connect(&server).await?;
            }
            tried => tried?,
        }
        let pool = mysql_pool(server, options);
        Ok(Self::on(Store::MySql { pool, login: Some(Box::new(login)) }, options, Arc::default()))
    }

    fn on(store: Store, options: ConnectOptions, statements: Arc<AtomicU64>) -> Self {
        let shared = Shared { store, patience: options.patience, lease_offset: 0.into(), statements };
        Self { shared: Arc::new(shared) }
    }
}

/// Tells at once why a server cannot be used: the pool would try again and again until its time is up.
async fn try_to_connect(server: &MySqlConnectOptions) -> Result<()> {
    let trial = async { sqlx::MySqlConnection::connect_with(server).await?.close().await };
    timeout(LOGIN_TIME, trial).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(RecordsError::from)
}

fn mysql_pool(server: MySqlConnectOptions, options: ConnectOptions) -> MySqlPool {
    let (least, most) = CONNECTION_WAIT;
    MySqlPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout((options.patience / 2).clamp(least, most))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    // A frozen instance's connection may have died without a word, so the answer is not waited for long.
                    timeout(PING_TIME, connection.ping()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await.map(drop)
            })
        })
        .connect_lazy_with(server)
}
