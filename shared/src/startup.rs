//! What every Lambda function does first, once per cold start: log as Lambda is told to, read the settings, open the
//! records.

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

/// How long a query waits for a database that went away: within every function's time-out.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a function starts with.
#[derive(Debug)]
pub struct Started {
    /// The settings, for the function's own part of them.
    pub values: Values,
    /// Where the records are, and where one machine keeps what is its own.
    pub engine: EngineSettings,
    /// The records.
    pub records: Records,
    /// Where the function's clients of AWS come from.
    pub aws: Aws,
}

/// Starts a function.
///
/// # Errors
/// When a setting is missing or wrong (all are named), or the records cannot be opened. The function must not start
/// then: Lambda reports it, and nothing is half done.
pub async fn start() -> anyhow::Result<Started> {
    lambda_runtime::tracing::init_default_subscriber();
    let started = open().await;
    if let Err(error) = &started {
        tracing::error!(error = format!("{error:#}"), "the function cannot start");
    }
    started
}

async fn open() -> anyhow::Result<Started> {
    let started = connect().await?;
    // An embedded database is this function's own to make; a server's schema is brought up to date at deploy time.
    if let RecordsAt::Url(Database::Sqlite(_)) = &started.engine.records {
        started.records.migrate().await?;
    }
    Ok(started)
}

/// Reads the settings and opens the records, whatever their schema is: for what brings it up to date.
///
/// # Errors
/// As [`start`], but nothing is logged: the caller has its own way to say it.
pub async fn connect() -> anyhow::Result<Started> {
    let values = Values::from_process();
    for notice in values.notices() {
        tracing::warn!("{notice}");
    }
    let engine: EngineSettings = values.read()?;
    let aws = Aws::from_environment();
    if let RecordsAt::Url(Database::Sqlite(path)) = &engine.records
        && let Some(folder) = path.parent()
    {
        fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    let options = ConnectOptions { connections: CONNECTIONS, patience: PATIENCE };
    let records = open_records(&engine.records, &aws, options).await.context("opening the records")?;
    Ok(Started { values, engine, records, aws })
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
