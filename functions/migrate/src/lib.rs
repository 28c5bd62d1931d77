//! Brings the records' schema up to date: when a release is deployed, and whenever somebody asks.
//!
//! A deployment asks as CloudFormation asks a custom resource: the answer goes to an address that the event brings,
//! and without one CloudFormation waits for an hour. So every request is answered, whatever went wrong. Any other event
//! is answered like a call.

mod cloudformation;
mod door;

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use shared::{config::Values, panics::caught, records::Migrated, sqs::Deadline, startup};

pub use self::{cloudformation::MOST_BYTES, door::Door};

use self::cloudformation::{Outcome, Request, RequestType};

/// The function's name.
pub const JOB: &str = "migrate";

/// What is kept back of the function's time to answer CloudFormation: as long as the [`Door`] tries.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Does what the event asks for; `migrate` is only begun when that is a migration. One that CloudFormation waits for has
/// until [`ANSWER_TIME`] before `deadline`.
///
/// # Errors
/// When the event is not understood, or a migration that nobody waits for at an address fails. A migration that failed
/// and was answered to CloudFormation is no error: asking again would answer again.
pub async fn handle(
    event: Value,
    door: &Door,
    migrate: impl Future<Output = anyhow::Result<Migrated>>,
    deadline: &Deadline,
) -> anyhow::Result<Value> {
    match Request::from_event(event)? {
        None => Ok(serde_json::to_value(migrate.await?)?),
        Some(request) => Ok(answer(&request, door, migrate, deadline).await),
    }
}

/// Opens the records of the settings and brings their schema up to date.
///
/// # Errors
/// When a setting is missing or wrong, the records cannot be opened, or a migration fails.
pub async fn migrate() -> anyhow::Result<Migrated> {
    let records = startup::connect(&Values::from_process()).await?.records;
    let migrated = records.migrate().await.context("bringing the schema up to date")?;
    tracing::info!(applied = migrated.applied.join(" "), version = migrated.version, "the schema is up to date");
    Ok(migrated)
}

async fn answer(
    request: &Request,
    door: &Door,
    migrate: impl Future<Output = anyhow::Result<Migrated>>,
    deadline: &Deadline,
) -> Value {
    let outcome = match request.request_type {
        // The schema outlives its stack, as the data does.
        RequestType::Delete => Outcome::Nothing,
        RequestType::Create | RequestType::Update => match in_time(migrate, deadline).await {
            Ok(migrated) => Outcome::Migrated(migrated),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the schema could not be brought up to date");
                Outcome::Failed(format!("{error:#}"))
            }
        },
    };
    let told = door.put(&request.response_url, request.response(&outcome)).await;
    if let Err(error) = &told {
        // Lambda would only try the whole again, with the same address.
        tracing::error!(error = format!("{error:#}"), "CloudFormation could not be told");
    }
    json!({"status": outcome.status(), "told": told.is_ok()})
}

/// Migrates until the end, a panic, or as long as there is time left to say so.
async fn in_time(
    migrate: impl Future<Output = anyhow::Result<Migrated>>,
    deadline: &Deadline,
) -> anyhow::Result<Migrated> {
    tokio::select! {
        biased;
        ended = caught(migrate) => ended?,
        () = deadline.near(ANSWER_TIME) => bail!("not done in time; it may go on in the database"),
    }
}
