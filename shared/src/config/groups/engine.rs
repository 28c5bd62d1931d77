//! What every job needs before it starts.

use std::path::PathBuf;

use super::super::host::Host;
use super::super::kinds::{Database, SecretArn};
use super::super::reader::{Group, Reader};
use super::super::table::{
    ALMANAC_HOME, DATABASE_HOST, DATABASE_NAME, DATABASE_SECRET, DATABASE_URL, SCHEDULER_MAX_WORKERS,
};

/// What every job needs before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Where this process runs.
    pub host: Host,
    /// The folder in which one machine keeps what is its own.
    pub home: PathBuf,
    /// Where the records are.
    pub records: RecordsAt,
    /// How many batches one machine works on at once.
    pub max_workers: usize,
}

/// Where the records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordsAt {
    /// In this database.
    Url(Database),
    /// In the MySQL or MariaDB database that a secret names.
    Secret(DatabaseSecret),
}

/// A secret with the login of a database, and what holds in place of its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSecret {
    /// Where the secret is.
    pub arn: SecretArn,
    /// A host in place of the secret's, such as a proxy's.
    pub host: Option<String>,
    /// A database in place of the secret's.
    pub name: Option<String>,
}

impl Group for EngineSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let host = reader.values().host();
        let home = reader.value(&ALMANAC_HOME);
        let records = RecordsAt::read(reader);
        let max_workers = reader.value(&SCHEDULER_MAX_WORKERS);
        Some(Self { host, home: home?, records: records?, max_workers: max_workers? as usize })
    }
}

impl Group for RecordsAt {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let secret = reader.optional(&DATABASE_SECRET);
        let (host, name) = (reader.optional(&DATABASE_HOST), reader.optional(&DATABASE_NAME));
        let Some(arn) = secret? else {
            if host?.is_some() {
                reader.misfit(&DATABASE_HOST, "is only read together with DATABASE_SECRET, which is not set");
            }
            if name?.is_some() {
                reader.misfit(&DATABASE_NAME, "is only read together with DATABASE_SECRET, which is not set");
            }
            return reader.value(&DATABASE_URL).map(Self::Url);
        };
        if reader.values().text(&DATABASE_URL.about).is_some() {
            reader.misfit(&DATABASE_SECRET, "DATABASE_URL is set too; one of the two names the records");
            return None;
        }
        Some(Self::Secret(DatabaseSecret { arn, host: host?, name: name? }))
    }
}
