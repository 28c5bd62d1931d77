//! The pump: takes messages from the queue to a worker, as Lambda's event-source mapping does.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use invitation_worker::InvitationWorker;
use shared::{
    process::Holder,
    queue::{Received, RecordsQueue},
    sqs::{self, Deadline, Limits},
};
use tokio::sync::Notify;

use super::{Stopping, lambda, long_told, say_failure};

/// How long to wait for a message that this process has not sent itself.
const POLL_EVERY: Duration = Duration::from_millis(250);

/// How many times a worker's time-out a message stays invisible, as AWS advises.
const VISIBILITY_TIMES: u32 = 6;

/// One worker's pump.
pub struct Pump {
    pub(super) queue: Arc<RecordsQueue>,
    pub(super) worker: Arc<InvitationWorker>,
    pub(super) holder: Holder,
    pub(super) messages_at_once: usize,
    pub(super) worker_timeout: Duration,
    pub(super) changed: Arc<Notify>,
    pub(super) stop: Stopping,
}

impl Pump {
    /// Pumps until it is told to stop; what was received is handled first.
    pub async fn run(mut self) {
        while !*self.stop.borrow() {
            let received = tokio::select! {
                received = self.queue.receive(&self.holder, self.messages_at_once, VISIBILITY_TIMES * self.worker_timeout) => received,
                () = long_told(&self.stop) => return,
            };
            match received {
                Ok(messages) if messages.is_empty() => tokio::select! {
                    () = self.queue.wait_for_arrivals(POLL_EVERY) => {}
                    _ = self.stop.changed() => {}
                },
                Ok(messages) => {
                    self.deliver(messages).await;
                    self.changed.notify_one();
                }
                Err(error) => {
                    tracing::error!(error = %error, "the queue does not answer");
                    tokio::time::sleep(POLL_EVERY).await;
                }
            }
        }
    }

    pub(super) async fn deliver(&self, messages: Vec<Received>) {
        let event = lambda::sqs_event(&messages, chrono::Utc::now().timestamp_millis());
        let answer = self.invoke(event).await;
        let failed = lambda::failed(&messages, answer.as_deref().ok());
        let (failed, done): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| failed.iter().any(|failed| failed.id == message.id));
        say_failure("handing messages to the worker", answer);
        let note = async {
            say_failure("deleting messages that are done", self.queue.delete(done).await);
            say_failure("giving messages back", self.queue.retry_later(failed).await);
        };
        tokio::select! {
            () = note => {}
            // What is done has been recorded: when its message comes again, nothing is left to do.
            () = long_told(&self.stop) => {}
        }
    }

    /// Hands the event to the worker's own code, and gives its answer as the JSON that Lambda would see.
    async fn invoke(&self, event: serde_json::Value) -> anyhow::Result<String> {
        let event = serde_json::from_value(event).context("the event")?;
        let deadline = Deadline::within(self.worker_timeout).or_when(self.stop.clone());
        // Whoever waits for the database may have results in hand, and this process does not end at the deadline.
        let limits = Limits { at_once: self.messages_at_once, record_timeout: Duration::MAX };
        let response = sqs::handle_event(self.worker.clone(), event, deadline, limits).await?;
        Ok(serde_json::to_string(&response)?)
    }
}
