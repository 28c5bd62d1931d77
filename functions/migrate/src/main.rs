//! Wires the migrations to Lambda. Nothing that may be missing is needed before the first event: it is answered with
//! what is missing.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use migrate::Door;
use serde_json::Value;

/// How long to wait before an answer to CloudFormation is tried again; twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let door = Door::new(FIRST_WAIT)?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        migrate::handle(event.payload, &door, migrate::migrate()).await
    }))
    .await
}
