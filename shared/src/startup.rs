//! What a Lambda function needs before its first event: the settings are read and the records opened, once per cold
//! start.

use std::{fs, time::Duration};

use anyhow::Context as _;

use crate::{
    config::{Database, EngineSettings, Values},
    records::{ConnectOptions, Records},
};

/// How many connections a function's instance holds: there are many instances, and each does one thing at a time.
const CONNECTIONS: u32 = 2;

/// How long a query waits for a database that went away: within every function's time-out.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a function starts with.
#[derive(Debug)]
pub struct Started {
    /// Where the records are, and where one machine keeps what is its own.
    pub engine: EngineSettings,
    /// The records.
    pub records: Records,
}

/// Reads the settings that every function needs, and opens the records.
pub(crate) async fn open(values: &Values) -> anyhow::Result<Started> {
    let engine: EngineSettings = values.read()?;
    let options = ConnectOptions { connections: CONNECTIONS, patience: PATIENCE };
    // An embedded database is this function's own to make; a server's schema is brought up to date at deploy time.
    if let Database::Sqlite(path) = &engine.database {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
        }
        let records = Records::connect(&engine.database, options).await.context("opening the embedded records")?;
        records.migrate().await?;
        return Ok(Started { engine, records });
    }
    let records = Records::connect(&engine.database, options).await.context("opening the records")?;
    Ok(Started { engine, records })
}
