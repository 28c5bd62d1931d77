//! Wires the function to Lambda.

use std::{sync::Arc, time::Duration};

use dead_letters::{DeadLetters, JOB};
use lambda_runtime::Error;
use shared::{clock::Clock, lambda::Function, sqs::Limits};

/// A letter is a few rows: one at a time keeps within the two connections, and the deadline bounds them all.
const LIMITS: Limits = Limits { at_once: 1, record_timeout: Duration::from_secs(25) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let letters = DeadLetters { records: started.records, clock: Clock::system() };
    function.serve_records(Arc::new(letters), LIMITS).await
}
