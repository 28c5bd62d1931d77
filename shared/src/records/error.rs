//! What can go wrong with a query, sorted by what to do about it.

use super::LoginError;
use crate::aws::secrets::SecretError;

/// A failed query.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The database refused or lost the query.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// A stored value is not what the code that wrote it can have meant.
    #[error("database: column {column} of a result cannot be read: {fault}")]
    Unreadable {
        /// The column's number, from 0.
        column: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The transaction decided against itself: what it was about to change had been changed by another.
    #[error("another worker was first")]
    Fenced,
    /// The transaction shared a commit that failed.
    #[error("database: the commit failed: {fault}")]
    SharedCommit {
        /// What the database said.
        fault: String,
        /// Whether the same again can succeed.
        contended: bool,
    },
    /// The transaction's own code panicked; nothing of it was kept.
    #[error("a transaction panicked")]
    Panicked,
    /// The secret with the database's login gives none.
    #[error("{0}")]
    Login(LoginError),
    /// The records are closed.
    #[error("the records were closed")]
    Closed,
    /// The schema cannot be brought up to date.
    #[error("migrating the database: {0}")]
    Migrate(sqlx::migrate::MigrateError),
}

// Each says what is behind it in its own words already, so neither is a source that would be said again.
impl From<sqlx::Error> for RecordsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<sqlx::migrate::MigrateError> for RecordsError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migrate(error)
    }
}

/// MySQL: deadlock found; lock wait time-out.
const MYSQL_CONTENTION: [u16; 2] = [1213, 1205];

/// MySQL: too many connections, server shutdown, connection killed, read-only while failing over, aborted connection.
const MYSQL_UNAVAILABLE: [u16; 7] = [1040, 1053, 1152, 1159, 1290, 1836, 1927];

/// MySQL: access denied. The password is wrong, or no longer right.
const MYSQL_LOGIN_REFUSED: u16 = 1045;

/// SQLite: busy (5), locked (6).
const SQLITE_CONTENTION: [&str; 4] = ["5", "6", "261", "517"];

impl RecordsError {
    pub(crate) fn unreadable(column: usize, fault: &'static str) -> Self {
        Self::Unreadable { column, fault }
    }

    /// What each of those who shared a failed commit is told.
    pub(super) fn shared_commit(error: &Self) -> Self {
        Self::SharedCommit { fault: error.to_string(), contended: error.is_contention() }
    }

    /// Others held what this needed; the same again can succeed.
    pub fn is_contention(&self) -> bool {
        if let Self::SharedCommit { contended, .. } = self {
            return *contended;
        }
        match self.database() {
            Some(error) => match error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                Some(mysql) => MYSQL_CONTENTION.contains(&mysql.number()),
                None => error.code().is_some_and(|code| SQLITE_CONTENTION.contains(&code.as_ref())),
            },
            None => false,
        }
    }

    /// The database is not there just now.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_),
            ) => true,
            _ => self.mysql_number().is_some_and(|number| MYSQL_UNAVAILABLE.contains(&number)),
        }
    }

    /// The database refused user and password.
    pub fn is_login_refused(&self) -> bool {
        self.mysql_number() == Some(MYSQL_LOGIN_REFUSED)
    }

    /// The secret with the login could not be read just now.
    pub(super) fn is_unread_secret(&self) -> bool {
        matches!(self, Self::Login(LoginError::Secret(SecretError::Unread(..))))
    }

    /// A unique key has this row already.
    pub fn is_duplicate(&self) -> bool {
        self.database().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }

    fn mysql_number(&self) -> Option<u16> {
        let mysql = self.database()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
        mysql.map(sqlx::mysql::MySqlDatabaseError::number)
    }

    fn database(&self) -> Option<&dyn sqlx::error::DatabaseError> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => Some(error.as_ref()),
            _ => None,
        }
    }
}
