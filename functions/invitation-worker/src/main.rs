//! Wires the worker to Lambda.

use std::sync::Arc;

use invitation_worker::{InvitationWorker, JOB};
use lambda_runtime::Error;
use shared::{clock::Clock, config::WorkerSettings, lambda::Function, process::Holder, sqs::Limits};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let settings: WorkerSettings = function.values().read()?;
    let worker =
        InvitationWorker::from_settings(started.records, &settings, Clock::system(), Holder::unwatched()).await?;
    let limits = Limits { at_once: worker.batches_at_once(), record_timeout: settings.worker_timeout };
    function.serve_records(Arc::new(worker), limits).await
}
