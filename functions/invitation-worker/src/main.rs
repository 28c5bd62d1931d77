//! Wires the worker to Lambda.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use invitation_worker::InvitationWorker;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::{
    clock::Clock,
    config::WorkerSettings,
    process::Holder,
    sqs::{self, Deadline, Limits},
    startup,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let started = startup::start().await?;
    let settings: WorkerSettings = started.values.read()?;
    let worker =
        InvitationWorker::from_settings(started.records, &settings, Clock::system(), Holder::unwatched()).await?;
    let limits = Limits { at_once: worker.batches_at_once(), record_timeout: settings.worker_timeout };
    let worker = Arc::new(worker);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        sqs::handle_event(worker.clone(), event.payload, Deadline::of(&event.context), limits).await
    }))
    .await
}
