//! SQS in AWS JSON 1.0: a queue that keeps what it is sent until it is deleted, shows each message again when its
//! visibility time-out is over, and takes those received too often for dead letters. Its clock stands still unless it is
//! moved; so a long poll has nothing to wait for.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use super::{
    Message, Service, State,
    server::{Asked, Reply, error},
};

const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 1_048_576;

/// For how long a message that was received is invisible, as the template has it for a worker's 300 seconds.
pub(super) const VISIBILITY: Duration = Duration::from_secs(1_800);

/// How often a message is received before it is a dead letter, as the template has it.
const MOST_RECEIVES: u32 = 5;

/// What of the messages is still there.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    now: Duration,
    messages: Vec<Queued>,
    dead: usize,
    sent: usize,
}

#[derive(Debug)]
struct Queued {
    id: String,
    body: String,
    attributes: Map<String, Value>,
    receives: u32,
    visible_at: Duration,
}

impl Waiting {
    /// Moves the clock.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// How many messages have not been deleted, whether they are visible or not.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// How many became dead letters.
    pub(super) fn dead(&self) -> usize {
        self.dead
    }

    fn put(&mut self, body: String, attributes: Map<String, Value>) -> String {
        let id = format!("m-{}", self.sent);
        self.sent += 1;
        self.messages.push(Queued { id: id.clone(), body, attributes, receives: 0, visible_at: Duration::ZERO });
        id
    }

    fn receive(&mut self, most: usize) -> Vec<Value> {
        let (now, before) = (self.now, self.messages.len());
        self.messages.retain(|message| message.visible_at > now || message.receives < MOST_RECEIVES);
        self.dead += before - self.messages.len();
        let visible = self.messages.iter_mut().filter(|message| message.visible_at <= now);
        let receive = |message: &mut Queued| {
            message.receives += 1;
            message.visible_at = now + VISIBILITY;
            json!({
                "MessageId": message.id,
                "ReceiptHandle": format!("{}/{}", message.id, message.receives),
                "MD5OfBody": HEXLOWER.encode(&[0; 16]),
                "Body": message.body,
                "Attributes": {
                    "ApproximateReceiveCount": message.receives.to_string(),
                    "ApproximateFirstReceiveTimestamp": "1793898000000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "SentTimestamp": "1793898000000",
                },
                "MessageAttributes": message.attributes,
            })
        };
        visible.take(most).map(receive).collect()
    }

    /// The message of a receipt that is still good.
    fn of_receipt(&mut self, receipt: &Value) -> Option<usize> {
        let of = |message: &Queued| *receipt == format!("{}/{}", message.id, message.receives);
        self.messages.iter().position(of)
    }
}

pub(super) fn answer(
    state: &mut State,
    operation: &str,
    asked: &Asked,
    failing: &[(usize, &'static str, bool)],
) -> Reply {
    match operation {
        "ReceiveMessage" => receive_message(state, asked),
        "DeleteMessageBatch" => delete_message_batch(state, asked),
        "ChangeMessageVisibility" => change_message_visibility(state, asked),
        _ => send_message_batch(state, asked, failing),
    }
}

fn receive_message(state: &mut State, asked: &Asked) -> Reply {
    let call = call_of(asked);
    let most = call["MaxNumberOfMessages"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(1);
    reply(&json!({"Messages": state.waiting.receive(most)}))
}

fn delete_message_batch(state: &mut State, asked: &Asked) -> Reply {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in call_of(asked)["Entries"].as_array().into_iter().flatten() {
        match state.waiting.of_receipt(&entry["ReceiptHandle"]) {
            Some(place) => {
                state.waiting.messages.remove(place);
                successful.push(json!({"Id": entry["Id"]}));
            }
            None => failed.push(json!({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": true})),
        }
    }
    reply(&json!({"Successful": successful, "Failed": failed}))
}

fn change_message_visibility(state: &mut State, asked: &Asked) -> Reply {
    let call = call_of(asked);
    let Some(place) = state.waiting.of_receipt(&call["ReceiptHandle"]) else {
        return error(Service::Sqs, 400, "ReceiptHandleIsInvalid");
    };
    let visible_at = state.waiting.now + Duration::from_secs(call["VisibilityTimeout"].as_u64().unwrap_or_default());
    state.waiting.messages[place].visible_at = visible_at;
    reply(&json!({}))
}

fn call_of(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).expect("JSON")
}

fn reply(body: &Value) -> Reply {
    Reply::of("application/x-amz-json-1.0", body.to_string())
}

fn send_message_batch(state: &mut State, asked: &Asked, failing: &[(usize, &'static str, bool)]) -> Reply {
    let call = call_of(asked);
    let entries = call["Entries"].as_array().expect("entries");
    if entries.len() > MOST_ENTRIES {
        return error(Service::Sqs, 400, "TooManyEntriesInBatchRequest");
    }
    if entries.iter().map(size).sum::<usize>() > MOST_BYTES {
        return error(Service::Sqs, 400, "BatchRequestTooLong");
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (place, entry) in entries.iter().enumerate() {
        if let Some((_, code, sender_fault)) = failing.iter().find(|(at, ..)| *at == place) {
            let failure = json!({"Id": entry["Id"], "Code": code, "SenderFault": sender_fault, "Message": "hunter2"});
            failed.push(failure);
            continue;
        }
        let body = text(&entry["MessageBody"]);
        let md5 = HEXLOWER.encode(&[0; 16]);
        let attributes = entry["MessageAttributes"].as_object().cloned().unwrap_or_default();
        let id = state.waiting.put(body.clone(), attributes.clone());
        successful.push(json!({"Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": md5}));
        let attributes = attributes.iter();
        let attributes = attributes.filter(|(_, value)| value["DataType"] == "String");
        let attributes = attributes.map(|(name, value)| (name.clone(), text(&value["StringValue"]))).collect();
        state.messages.push(Message { body, attributes });
    }
    reply(&json!({"Successful": successful, "Failed": failed}))
}

fn size(entry: &Value) -> usize {
    let attributes = entry["MessageAttributes"].as_object().into_iter().flatten();
    let attributes =
        attributes.map(|(name, value)| name.len() + text(&value["DataType"]).len() + text(&value["StringValue"]).len());
    text(&entry["MessageBody"]).len() + attributes.sum::<usize>()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
