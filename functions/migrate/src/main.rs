//! Wires the migrations to Lambda. Nothing that may be missing is needed before the first event: it is answered with
//! what is missing.

use std::time::Duration;

use lambda_runtime::Error;
use migrate::{Door, JOB};
use shared::lambda::{Function, Invocation};

/// How long to wait before an answer to CloudFormation is tried again; twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let function = Function::starting(JOB);
    let door = Door::new(FIRST_WAIT)?;
    let handle = async |event, invocation: Invocation| {
        migrate::handle(event, &door, migrate::migrate(), &invocation.deadline).await
    };
    function.serve(handle).await
}
