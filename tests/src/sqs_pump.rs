//! Lambda's event-source mapping for an SQS queue, by SQS's own API: what stands between a queue and a function.
//!
//! It keeps the mapping's rules: it polls long; a batch is handed over when it is full or its window is over; no more
//! batches are under way than the mapping allows; what succeeded is deleted, by the function's answer, and what failed
//! stays invisible until the queue's time-out shows it again. The receive counts are the queue's own.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{
        DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName as SystemAttribute,
    },
};
use serde_json::{Value, json};
use shared::{
    queue::{MESSAGES_PER_CALL, TRACE},
    sqs::answer,
};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

use crate::lambda_host::Answer;

/// How long a poll waits for a first message. Lambda waits for twenty; a test wants to see sooner that all is done.
const LONG_POLL: Duration = Duration::from_secs(1);

/// What a mapping says.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Where messages are received and deleted.
    pub queue_url: String,
    /// What the function is told that they come from.
    pub queue_arn: String,
    /// The most messages of one event.
    pub batch_size: usize,
    /// How long to wait for more of them after the first.
    pub window: Duration,
    /// The most events under way.
    pub most_at_once: usize,
}

/// What a mapping hands its events to.
#[async_trait]
pub trait Function: Send + Sync + 'static {
    /// Hands it an event; gives its answer.
    async fn invoke(&self, event: Value) -> Answer;
}

/// What became of the messages of one event.
#[derive(Debug, Default)]
pub struct Delivered {
    /// They are deleted.
    pub done: Vec<Message>,
    /// They are still in the queue, invisible.
    pub failed: Vec<Message>,
}

/// What was seen while a pump ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Events handed over.
    pub events: usize,
    /// Messages deleted.
    pub done: usize,
    /// Messages left in the queue.
    pub failed: usize,
    /// The most messages of one event.
    pub largest: usize,
    /// Messages whose sender said which trace they belong to.
    pub traced: usize,
    /// The most events under way at one time.
    pub most_at_once: usize,
}

/// A mapping at work.
#[derive(Debug, Clone)]
pub struct SqsPump {
    client: Client,
    mapping: Mapping,
}

impl SqsPump {
    /// A pump for that mapping.
    pub fn new(client: Client, mapping: Mapping) -> Self {
        Self { client, mapping }
    }

    /// Pumps until `done`, which is asked between two polls; what was received then is handed over first.
    pub async fn run<D: Future<Output = bool>>(&self, function: Arc<dyn Function>, done: impl Fn() -> D) -> Seen {
        let permits = Arc::new(Semaphore::new(self.mapping.most_at_once));
        let (under_way, most_at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut deliveries = JoinSet::new();
        while !done().await {
            // Before the poll: a message that nobody is free for would only use up its visibility.
            let permit = Arc::clone(&permits).acquire_owned().await.expect("nobody closes it");
            let messages = self.gather().await;
            if messages.is_empty() {
                continue;
            }
            let (pump, function) = (self.clone(), Arc::clone(&function));
            let (under_way, most_at_once) = (Arc::clone(&under_way), Arc::clone(&most_at_once));
            deliveries.spawn(async move {
                most_at_once.fetch_max(under_way.fetch_add(1, Relaxed) + 1, Relaxed);
                let delivered = pump.deliver(messages, function.as_ref()).await;
                under_way.fetch_sub(1, Relaxed);
                drop(permit);
                delivered
            });
        }
        let mut seen = Seen::default();
        while let Some(delivered) = deliveries.join_next().await {
            let Delivered { done, failed } = delivered.expect("a delivery that does not panic");
            seen.events += 1;
            seen.largest = seen.largest.max(done.len() + failed.len());
            seen.done += done.len();
            seen.failed += failed.len();
            seen.traced += done.iter().chain(&failed).filter(|message| is_traced(message)).count();
        }
        Seen { most_at_once: most_at_once.load(Relaxed), ..seen }
    }

    /// Receives messages until there are enough for an event or the window is over; none, if none came.
    pub async fn gather(&self) -> Vec<Message> {
        let mut messages = self.receive(self.mapping.batch_size, LONG_POLL).await;
        let over = Instant::now() + self.mapping.window;
        while !messages.is_empty() && messages.len() < self.mapping.batch_size && Instant::now() < over {
            let missing = self.mapping.batch_size - messages.len();
            messages.extend(self.receive(missing, over - Instant::now()).await);
        }
        messages
    }

    /// Hands messages to the function in one event, and deletes those that succeeded.
    pub async fn deliver(&self, messages: Vec<Message>, function: &dyn Function) -> Delivered {
        let answer = function.invoke(self.event(&messages)).await;
        let answer = match answer {
            Answer::Response(response) => Some(response.to_string()),
            Answer::Error(_) => None,
        };
        let ids: Vec<_> = messages.iter().map(|message| message.message_id().unwrap_or_default()).collect();
        let places = answer::failed(&ids, answer.as_deref());
        let mut delivered = Delivered::default();
        for (place, message) in messages.into_iter().enumerate() {
            if places.contains(&place) { &mut delivered.failed } else { &mut delivered.done }.push(message);
        }
        self.delete(&delivered.done).await;
        delivered
    }

    /// Shows messages again now, as if the queue's visibility time-out had passed.
    pub async fn show_again(&self, messages: &[Message]) {
        for message in messages {
            let change = self.client.change_message_visibility().queue_url(&self.mapping.queue_url);
            let change = change.set_receipt_handle(message.receipt_handle.clone()).visibility_timeout(0);
            change.send().await.expect("a queue that answers");
        }
    }

    async fn receive(&self, most: usize, wait: Duration) -> Vec<Message> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.mapping.queue_url)
            .max_number_of_messages(i32::try_from(most.min(MESSAGES_PER_CALL)).expect("ten at most"))
            .wait_time_seconds(seconds(wait))
            .message_system_attribute_names(SystemAttribute::All)
            .message_attribute_names("All")
            .send()
            .await;
        received.expect("a queue that answers").messages.unwrap_or_default()
    }

    async fn delete(&self, done: &[Message]) {
        for call in done.chunks(MESSAGES_PER_CALL) {
            let entry = |(at, message): (usize, &Message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(at.to_string());
                entry.set_receipt_handle(message.receipt_handle.clone()).build().expect("an id and a receipt")
            };
            let entries = call.iter().enumerate().map(entry).collect();
            let deleted =
                self.client.delete_message_batch().queue_url(&self.mapping.queue_url).set_entries(Some(entries));
            let deleted = deleted.send().await.expect("a queue that answers");
            assert!(deleted.failed.is_empty(), "receipts that are still good: {:?}", deleted.failed);
        }
    }

    /// The event in Lambda's own shape.
    fn event(&self, messages: &[Message]) -> Value {
        let region = self.mapping.queue_arn.split(':').nth(3).unwrap_or_default();
        let record = |message: &Message| {
            let attributes = message.attributes.iter().flatten();
            let attributes: BTreeMap<_, _> = attributes.map(|(name, value)| (name.as_str(), value)).collect();
            let said = message.message_attributes.iter().flatten();
            let said: BTreeMap<_, _> = said.map(|(name, value)| (name.as_str(), attribute(value))).collect();
            let mut record = json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": attributes,
                "messageAttributes": said,
                "md5OfBody": message.md5_of_body,
                "eventSource": "aws:sqs",
                "eventSourceARN": self.mapping.queue_arn,
                "awsRegion": region,
            });
            if let Some(md5) = &message.md5_of_message_attributes {
                record["md5OfMessageAttributes"] = md5.as_str().into();
            }
            record
        };
        json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
    }
}

/// How often a message has been received, this time included.
pub fn receives(message: &Message) -> u32 {
    let count = message.attributes.as_ref().and_then(|attributes| attributes.get(&RECEIVES));
    count.and_then(|count| count.parse().ok()).unwrap_or_default()
}

const RECEIVES: SystemAttribute = SystemAttribute::ApproximateReceiveCount;

fn is_traced(message: &Message) -> bool {
    message.message_attributes.as_ref().is_some_and(|attributes| attributes.contains_key(TRACE))
}

/// Whole seconds, as many as SQS takes, and never none: that would be a short poll, which asks only some of its servers.
fn seconds(wait: Duration) -> i32 {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    i32::try_from(whole.clamp(1, 20)).expect("20 at most")
}

fn attribute(value: &MessageAttributeValue) -> Value {
    let mut attribute = json!({"dataType": value.data_type, "stringListValues": [], "binaryListValues": []});
    if let Some(text) = &value.string_value {
        attribute["stringValue"] = text.as_str().into();
    }
    if let Some(bytes) = &value.binary_value {
        attribute["binaryValue"] = data_encoding::BASE64.encode(bytes.as_ref()).into();
    }
    attribute
}
