//! Wires the function to Lambda.

use std::{sync::Arc, time::Duration};

use delivery_feedback::{DeliveryFeedback, JOB};
use lambda_runtime::Error;
use shared::{clock::Clock, lambda::Function, sqs::Limits};

/// An event is a few rows; two at once use the two connections that there are, and the deadline bounds them all.
const LIMITS: Limits = Limits { at_once: 2, record_timeout: Duration::from_secs(25) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let feedback = DeliveryFeedback { records: started.records, clock: Clock::system() };
    function.serve_records(Arc::new(feedback), LIMITS).await
}
