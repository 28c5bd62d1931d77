//! Events on an EventBridge bus.

use anyhow::anyhow;
use async_trait::async_trait;
use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{
    Aws,
    calls::divide,
    client::Patience,
    fault::{Fault, word},
};
use crate::{
    firing::OWN_SOURCE,
    news::{News, Notice},
};

/// The most events of one call.
const EVENTS_PER_CALL: usize = 10;

/// The most bytes of one call, as EventBridge counts them.
const BYTES_PER_CALL: usize = 256 * 1024;

/// Codes of single events that pass.
const PASSING: [&str; 4] = ["InternalException", "InternalFailure", "ServiceUnavailable", "ThrottlingException"];

/// An EventBridge bus: a notice's subject is the event's `detail-type`, its body the `detail`.
#[derive(Debug, Clone)]
pub struct EventBridgeNews {
    client: Client,
    bus: String,
    setting: &'static str,
    patience: Patience,
}

impl EventBridgeNews {
    /// The bus of that name or ARN, which the setting of that name gave.
    pub async fn new(aws: &Aws, bus: &str, setting: &'static str, patience: Patience) -> anyhow::Result<Self> {
        let config = aws.config("EventBridge", patience).await?;
        Ok(Self { client: Client::new(&config), bus: bus.to_owned(), setting, patience })
    }

    fn entry(&self, notice: &Notice) -> PutEventsRequestEntry {
        let entry = PutEventsRequestEntry::builder().event_bus_name(&self.bus).source(OWN_SOURCE);
        entry.detail_type(&notice.subject).detail(&notice.body).build()
    }

    fn error(&self, what: impl std::fmt::Display) -> anyhow::Error {
        anyhow!("EventBridge, at the bus that {} names: {what}", self.setting)
    }

    /// One call for the events at these places, and again for those that failed for a reason that passes; gives those
    /// that were not taken.
    async fn put(&self, notices: &[Notice], mut left: Vec<usize>) -> Vec<(usize, anyhow::Error)> {
        let (mut failed, begun) = (Vec::new(), Instant::now());
        for tries in 1.. {
            let entries = left.iter().map(|&at| self.entry(&notices[at])).collect();
            let output = match self.client.put_events().set_entries(Some(entries)).send().await {
                Ok(output) => output,
                Err(error) => {
                    let fault = Fault::of(&error);
                    failed.extend(left.iter().map(|&at| (at, self.error(&fault))));
                    break;
                }
            };
            let wait = self.patience.wait(tries, begun);
            let mut again = Vec::new();
            for (place, &at) in left.iter().enumerate() {
                // Results come in the order of the events.
                let Some(code) = failure(output.entries().get(place)) else { continue };
                if PASSING.contains(&code.as_str()) && wait.is_some() {
                    again.push(at);
                } else {
                    failed.push((at, self.error(code)));
                }
            }
            left = again;
            match wait {
                Some(wait) if !left.is_empty() => tokio::time::sleep(wait).await,
                _ => break,
            }
        }
        failed
    }
}

/// Why an event was not taken; `None` when it was.
fn failure(result: Option<&PutEventsResultEntry>) -> Option<String> {
    match result {
        None => Some("NoResult".to_owned()),
        Some(result) if result.event_id().is_some() => None,
        Some(result) => Some(word(result.error_code().unwrap_or("NoResult"))),
    }
}

#[async_trait]
impl News for EventBridgeNews {
    async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>> {
        let size = |notice: &Notice| OWN_SOURCE.len() + notice.subject.len() + notice.body.len();
        let divided = divide(notices.iter().map(size), EVENTS_PER_CALL, BYTES_PER_CALL);
        let mut results: Vec<anyhow::Result<()>> = notices.iter().map(|_| Ok(())).collect();
        for at in divided.too_large {
            results[at] = Err(self.error("the event is larger than 256 KiB"));
        }
        let calls = divided.calls.into_iter().map(|call| self.put(notices, call));
        for (at, error) in join_all(calls).await.into_iter().flatten() {
            results[at] = Err(error);
        }
        results
    }
}
