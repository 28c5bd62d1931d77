//! The queue in SQS.

use anyhow::Context as _;
use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{MessageAttributeValue, SendMessageBatchRequestEntry},
};

use tokio::time::Instant;

use super::{
    Aws,
    calls::divide,
    client::Patience,
    fault::{Fault, word},
};
use crate::queue::{MESSAGES_PER_CALL, Queue, TRACE};

/// The most bytes of one call, attributes included, and of one message.
const BYTES_PER_CALL: usize = 1_048_576;

/// The type of the trace's attribute.
const STRING: &str = "String";

/// A queue of SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    setting: &'static str,
    patience: Patience,
}

impl SqsQueue {
    /// The queue with that URL, which the setting of that name gave.
    pub async fn new(aws: &Aws, url: &str, setting: &'static str, patience: Patience) -> anyhow::Result<Self> {
        let config = aws.config("SQS", patience).await?;
        Ok(Self { client: Client::new(&config), url: url.to_owned(), setting, patience })
    }

    /// One call; gives the indexes of messages that it is worth to send again, and of those for which it is not.
    async fn call(&self, messages: &[Message<'_>], trace: Option<&str>) -> Result<Refused, Fault> {
        let mut call = self.client.send_message_batch().queue_url(&self.url);
        for message in messages {
            call = call.entries(message.entry(trace));
        }
        let output = call.send().await.map_err(|error| Fault::of(&error))?;
        let taken: Vec<&str> = output.successful().iter().map(|entry| entry.id()).collect();
        let mut refused = Refused::default();
        // What has no result of its own may not have been taken.
        for message in messages.iter().filter(|message| !taken.contains(&message.index.to_string().as_str())) {
            let failed = output.failed().iter().find(|entry| entry.id() == message.index.to_string());
            let code = failed.map_or_else(|| "NoResult".to_owned(), |entry| word(entry.code()));
            let for_good = failed.is_some_and(|entry| entry.sender_fault());
            let list = if for_good { &mut refused.for_good } else { &mut refused.for_now };
            list.indexes.push(message.index);
            list.code = code;
        }
        Ok(refused)
    }

    /// Sends one call's messages and sends again what is refused for a reason that passes; gives the indexes that
    /// remain.
    async fn send_group(&self, mut messages: Vec<Message<'_>>, trace: Option<&str>) -> Result<Vec<usize>, Fault> {
        let (mut remaining, begun) = (Vec::new(), Instant::now());
        for tries in 1.. {
            let refused = match self.call(&messages, trace).await {
                // What the tries before took has gone, and must be known to.
                Err(fault) if tries > 1 => {
                    tracing::warn!(setting = self.setting, error = %fault, "a call to SQS failed");
                    remaining.extend(messages.iter().map(|message| message.index));
                    break;
                }
                refused => refused?,
            };
            if !refused.for_good.indexes.is_empty() {
                tracing::error!(
                    setting = self.setting,
                    messages = refused.for_good.indexes.len(),
                    code = refused.for_good.code,
                    "SQS refuses messages as wrong"
                );
            }
            remaining.extend(&refused.for_good.indexes);
            messages.retain(|message| refused.for_now.indexes.contains(&message.index));
            if messages.is_empty() {
                break;
            }
            let Some(wait) = self.patience.wait(tries, begun) else {
                tracing::warn!(
                    setting = self.setting,
                    messages = messages.len(),
                    code = refused.for_now.code,
                    tries,
                    "SQS did not take messages; they stay unsent"
                );
                remaining.extend(messages.iter().map(|message| message.index));
                break;
            };
            tokio::time::sleep(wait).await;
        }
        Ok(remaining)
    }
}

#[async_trait]
impl Queue for SqsQueue {
    /// A message that is too large for SQS is refused, and the others are sent, in as many calls as their size takes.
    async fn send(&self, bodies: Vec<String>, trace: Option<&str>) -> anyhow::Result<Vec<usize>> {
        let (groups, mut refused) = group(&bodies, trace);
        if !refused.is_empty() {
            tracing::error!(setting = self.setting, messages = refused.len(), "messages are larger than SQS takes");
        }
        let mut sent_any = false;
        for group in groups {
            let indexes: Vec<usize> = group.iter().map(|message| message.index).collect();
            match self.send_group(group, trace).await {
                Ok(remaining) => {
                    sent_any |= remaining.len() < indexes.len();
                    refused.extend(remaining);
                }
                // What went through must be known to have gone, so this call's messages are only refused.
                Err(fault) if sent_any => {
                    tracing::warn!(setting = self.setting, error = %fault, "a call to SQS failed");
                    refused.extend(indexes);
                }
                Err(fault) => {
                    return Err(fault).with_context(|| format!("SQS, at the queue that {} names", self.setting));
                }
            }
        }
        refused.sort_unstable();
        Ok(refused)
    }
}

/// The messages of a call that were not taken.
#[derive(Debug, Default)]
struct Refused {
    for_now: NotTaken,
    for_good: NotTaken,
}

/// Messages that were not taken, and the code of the last of them.
#[derive(Debug, Default)]
struct NotTaken {
    indexes: Vec<usize>,
    code: String,
}

#[derive(Debug, Clone, Copy)]
struct Message<'m> {
    index: usize,
    body: &'m str,
}

impl Message<'_> {
    fn size(self, trace: Option<&str>) -> usize {
        self.body.len() + trace.map_or(0, |trace| TRACE.len() + STRING.len() + trace.len())
    }

    fn entry(self, trace: Option<&str>) -> SendMessageBatchRequestEntry {
        let attribute = trace.map(|trace| {
            let value = MessageAttributeValue::builder().data_type(STRING).string_value(trace);
            value.build().expect("it has a type")
        });
        let mut entry = SendMessageBatchRequestEntry::builder().id(self.index.to_string()).message_body(self.body);
        if let Some(attribute) = attribute {
            entry = entry.message_attributes(TRACE, attribute);
        }
        entry.build().expect("it has an id and a body")
    }
}

/// Divides messages into calls that SQS takes, in their order; and gives those that no call can take.
fn group<'m>(bodies: &'m [String], trace: Option<&str>) -> (Vec<Vec<Message<'m>>>, Vec<usize>) {
    let message = |index: usize| Message { index, body: &bodies[index] };
    let sizes = (0..bodies.len()).map(|index| message(index).size(trace));
    let divided = divide(sizes, MESSAGES_PER_CALL, BYTES_PER_CALL);
    (divided.calls.into_iter().map(|call| call.into_iter().map(message).collect()).collect(), divided.too_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(sizes: &[usize], trace: Option<&str>) -> (Vec<Vec<usize>>, Vec<usize>) {
        let bodies: Vec<String> = sizes.iter().map(|&size| "x".repeat(size)).collect();
        let (groups, too_large) = group(&bodies, trace);
        (groups.iter().map(|group| group.iter().map(|message| message.index).collect()).collect(), too_large)
    }

    #[test]
    fn a_call_holds_ten_messages_and_one_mebibyte_with_their_attributes() {
        let whole = BYTES_PER_CALL;
        assert_eq!(divided(&[5; 11], None), (vec![(0..10).collect(), vec![10]], vec![]));
        assert_eq!(divided(&[whole / 2, whole / 2, 1], None), (vec![vec![0, 1], vec![2]], vec![]));
        assert_eq!(divided(&[whole / 2, whole / 2], Some("t")), (vec![vec![0], vec![1]], vec![]));
        assert_eq!(divided(&[1, whole + 1, whole, 1], None), (vec![vec![0], vec![2], vec![3]], vec![1]));
        assert_eq!(divided(&[whole], Some("t")), (vec![], vec![0]));
        assert_eq!(divided(&[], None), (vec![], vec![]));
    }
}
