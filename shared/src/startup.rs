//! What a Lambda function needs before its first event: the settings are read and the records opened, once per cold
//! start.

use std::{fs, time::Duration};

use anyhow::Context as _;

use crate::{
    aws::{
        Aws, Patience,
        secrets::{Secrets, TIME_TO_LIVE},
    },
    config::{Database, DatabaseSecret, EngineSettings, RecordsAt, Values},
    records::{ConnectOptions, Records, SecretLogin},
};

/// How many connections a function's instance holds: there are many instances, and each does one thing at a time.
const CONNECTIONS: u32 = 2;

/// How long a query waits for a database that went away; with the last wait for a connection that is half as long again,
/// within every function's time-out.
const PATIENCE: Duration = Duration::from_secs(16);

/// What a function starts with.
#[derive(Debug)]
pub struct Started {
    /// Where the records are, and where one machine keeps what is its own.
    pub engine: EngineSettings,
    /// The records.
    pub records: Records,
    /// Where the function's clients of AWS come from.
    pub aws: Aws,
}

/// Reads the settings that every function needs, opens the records, and makes those that are embedded: a server's schema
/// is brought up to date at deploy time.
pub(crate) async fn open(values: &Values) -> anyhow::Result<Started> {
    let started = connect(values).await?;
    if let RecordsAt::Url(Database::Sqlite(_)) = &started.engine.records {
        started.records.migrate().await?;
    }
    Ok(started)
}

/// Opens the records, whatever their schema is: for what brings it up to date.
///
/// # Errors
/// When a setting is missing or wrong (all are named), or the records cannot be opened.
pub async fn connect(values: &Values) -> anyhow::Result<Started> {
    let engine: EngineSettings = values.read()?;
    let aws = Aws::from_environment();
    if let RecordsAt::Url(Database::Sqlite(path)) = &engine.records
        && let Some(folder) = path.parent()
    {
        fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    let options = ConnectOptions { connections: CONNECTIONS, patience: PATIENCE };
    let records = open_records(&engine.records, &aws, options).await.context("opening the records")?;
    Ok(Started { engine, records, aws })
}

/// Opens the records where the settings say that they are.
pub async fn open_records(at: &RecordsAt, aws: &Aws, options: ConnectOptions) -> anyhow::Result<Records> {
    match at {
        RecordsAt::Url(database) => Ok(Records::connect(database, options).await?),
        // Boxed, because a client of AWS is a large future, and most callers have none.
        RecordsAt::Secret(secret) => Box::pin(connect_by_secret(secret.clone(), aws, options)).await,
    }
}

async fn connect_by_secret(secret: DatabaseSecret, aws: &Aws, options: ConnectOptions) -> anyhow::Result<Records> {
    let secrets = Secrets::new(aws, Patience::SMALL, TIME_TO_LIVE).await?;
    Ok(Records::connect_by_secret(SecretLogin::new(secrets, secret), options).await?)
}
