//! Opening the records.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, Executor,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Records, Result, Shared, Store, group_commit::GroupCommit};

/// How long to wait for a connection, or for SQLite's one writer in another process.
const WAIT: Duration = Duration::from_secs(30);

/// A connection idle for longer than this is tried before use: a frozen Lambda's sockets die silently.
const TRUSTED_IDLE: Duration = Duration::from_secs(5);

/// Where the records are: `sqlite:PATH` or `mysql://USER:PASSWORD@HOST:PORT/DATABASE`.
///
/// `Display` and `Debug` hide a password.
#[derive(Clone, PartialEq, Eq)]
pub enum RecordsUrl {
    /// A SQLite file, made when it is not there.
    Sqlite(PathBuf),
    /// A MySQL or MariaDB server, as sqlx's URL.
    MySql(String),
}

/// A text that names no records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct InvalidRecordsUrl;

impl FromStr for RecordsUrl {
    type Err = InvalidRecordsUrl;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(InvalidRecordsUrl) } else { Ok(Self::Sqlite(path.into())) };
        }
        let rest =
            text.strip_prefix("mysql://").or_else(|| text.strip_prefix("mariadb://")).ok_or(InvalidRecordsUrl)?;
        let options = MySqlConnectOptions::from_str(text).map_err(|_| InvalidRecordsUrl)?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(InvalidRecordsUrl);
        }
        Ok(Self::MySql(format!("mysql://{rest}")))
    }
}

impl fmt::Display for RecordsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::MySql(url) => match url.rsplit_once('@') {
                Some((_, place)) => write!(f, "mysql://…@{place}"),
                None => f.write_str(url),
            },
        }
    }
}

impl fmt::Debug for RecordsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the records are used by this process.
#[derive(Debug, Clone, Copy)]
pub struct ConnectOptions {
    /// The most connections at once (MySQL) or readers at once (SQLite).
    pub connections: u32,
    /// How long a query waits for a database that went away, once these records are open.
    pub patience: Duration,
}

impl Records {
    /// Opens the records. A database that is not there now is an error at once: patience begins afterwards.
    pub async fn connect(url: &RecordsUrl, options: ConnectOptions) -> Result<Self> {
        let statements = Arc::default();
        let store = match url {
            RecordsUrl::Sqlite(path) => {
                let file = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(WAIT)
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("journal_size_limit", "67108864");
                let writer = SqlitePoolOptions::new().max_connections(1).connect_with(file.clone()).await?;
                let readers = SqlitePoolOptions::new()
                    .max_connections(options.connections)
                    .test_before_acquire(false)
                    .connect_with(file.pragma("query_only", "on"))
                    .await?;
                Store::Sqlite { readers, writer: GroupCommit::start(writer, Arc::clone(&statements)) }
            }
            RecordsUrl::MySql(url) => {
                let server = MySqlConnectOptions::from_str(url)?;
                drop(sqlx::MySqlConnection::connect_with(&server).await?);
                let pool = MySqlPoolOptions::new()
                    .max_connections(options.connections)
                    .acquire_timeout(WAIT)
                    .test_before_acquire(false)
                    .before_acquire(|connection, meta| {
                        Box::pin(async move {
                            if meta.idle_for > TRUSTED_IDLE {
                                connection.ping().await?;
                            }
                            Ok(true)
                        })
                    })
                    .after_connect(|connection, _| {
                        Box::pin(async move {
                            connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await.map(drop)
                        })
                    })
                    .connect_with(server)
                    .await?;
                Store::MySql(pool)
            }
        };
        let shared = Shared { store, patience: options.patience, lease_offset: 0.into(), statements };
        Ok(Self { shared: Arc::new(shared) })
    }
}

#[cfg(test)]
mod tests {
    use super::RecordsUrl;

    #[test]
    fn a_url_is_read_and_its_password_is_never_shown() {
        let url: RecordsUrl = "mysql://root:s3cret@127.0.0.1:3306/almanac".parse().expect("a url");
        assert_eq!(url.to_string(), "mysql://…@127.0.0.1:3306/almanac");
        assert!(!format!("{url:?}").contains("s3cret"));
        assert_eq!("sqlite:/tmp/a.db".parse(), Ok(RecordsUrl::Sqlite("/tmp/a.db".into())));
        assert_eq!("sqlite://a.db".parse(), Ok(RecordsUrl::Sqlite("a.db".into())));
    }

    #[test]
    fn what_names_no_records_is_refused() {
        for text in ["", "sqlite:", "postgres://x/y", "mysql://root@127.0.0.1:3306", "almanac.db"] {
            assert!(text.parse::<RecordsUrl>().is_err(), "{text:?}");
        }
    }
}
