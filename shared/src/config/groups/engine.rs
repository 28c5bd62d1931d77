//! What every job needs before it starts.

use std::path::PathBuf;

use super::super::host::Host;
use super::super::kinds::Database;
use super::super::reader::{Group, Reader};
use super::super::table::{ALMANAC_HOME, DATABASE_URL, SCHEDULER_MAX_WORKERS};

/// What every job needs before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Where this process runs.
    pub host: Host,
    /// The folder in which one machine keeps what is its own.
    pub home: PathBuf,
    /// The database that holds the records.
    pub database: Database,
    /// How many batches one machine works on at once.
    pub max_workers: usize,
}

impl Group for EngineSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let host = reader.values().host();
        let home = reader.value(&ALMANAC_HOME);
        let database = reader.value(&DATABASE_URL);
        let max_workers = reader.value(&SCHEDULER_MAX_WORKERS);
        Some(Self { host, home: home?, database: database?, max_workers: max_workers? as usize })
    }
}
