//! Wires the function to Lambda.

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::SqsEvent;
use dead_letters::DeadLetters;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::{
    clock::Clock,
    sqs::{self, Deadline, Limits},
    startup,
};

/// A letter is a few rows: one at a time keeps within the two connections, and the deadline bounds them all.
const LIMITS: Limits = Limits { at_once: 1, record_timeout: Duration::from_secs(25) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    let started = startup::start().await?;
    let letters = Arc::new(DeadLetters { records: started.records, clock: Clock::system() });
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        sqs::handle_event(letters.clone(), event.payload, Deadline::of(&event.context), LIMITS).await
    }))
    .await
}
