//! The pump: takes messages from the queue to a worker, as Lambda's event-source mapping does.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use invitation_worker::InvitationWorker;
use shared::{
    process::Holder,
    queue::{Received, RecordsQueue},
    sqs::{self, Deadline, Limits},
};
use tokio::sync::{Notify, watch};

use super::lambda;

/// How long to wait for a message that this process has not sent itself.
const POLL_EVERY: Duration = Duration::from_millis(250);

/// How long after its worker should have answered a message is given up.
const GRACE: Duration = Duration::from_secs(30);

/// One worker's pump.
pub struct Pump {
    pub(super) queue: Arc<RecordsQueue>,
    pub(super) worker: Arc<InvitationWorker>,
    pub(super) holder: Holder,
    pub(super) messages_at_once: usize,
    pub(super) worker_timeout: Duration,
    pub(super) changed: Arc<Notify>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Pump {
    /// Pumps until it is told to stop; what was received is handled first.
    pub async fn run(mut self) {
        while !*self.stop.borrow() {
            match self.queue.receive(&self.holder, self.messages_at_once).await {
                Ok(messages) if messages.is_empty() => tokio::select! {
                    () = self.queue.wait_for_arrivals(POLL_EVERY) => {}
                    _ = self.stop.changed() => {}
                },
                Ok(messages) => {
                    if let Err(error) = self.deliver(messages).await {
                        tracing::error!(error = format!("{error:#}"), "messages could not be handed over");
                    }
                    self.changed.notify_one();
                }
                Err(error) => {
                    tracing::error!(error = %error, "the queue does not answer");
                    tokio::time::sleep(POLL_EVERY).await;
                }
            }
        }
    }

    async fn deliver(&self, messages: Vec<Received>) -> anyhow::Result<()> {
        let event = lambda::sqs_event(&messages, chrono::Utc::now().timestamp_millis());
        let answer = self.invoke(event).await.ok();
        let failed = lambda::failed(&messages, answer.as_deref());
        let (failed, done): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| failed.iter().any(|failed| failed.id == message.id));
        self.queue.delete(done).await?;
        self.queue.retry_later(failed).await?;
        Ok(())
    }

    /// Hands the event to the worker's own code, and gives its answer as the JSON that Lambda would see.
    async fn invoke(&self, event: serde_json::Value) -> anyhow::Result<String> {
        let event = serde_json::from_value(event).context("the event")?;
        let deadline = Deadline::within(self.worker_timeout).or_when(self.stop.clone());
        let limits = Limits { at_once: self.messages_at_once, record_timeout: self.worker_timeout + GRACE };
        let response = sqs::handle_event(self.worker.clone(), event, deadline, limits).await?;
        Ok(serde_json::to_string(&response)?)
    }
}
