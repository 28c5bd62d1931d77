//! SQS: `SendMessageBatch` in AWS JSON 1.0.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{
    Message, Service, State,
    server::{Asked, Reply, error},
};

const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 1_048_576;

pub(super) fn send_message_batch(state: &mut State, asked: &Asked, failing: &[(usize, &'static str, bool)]) -> Reply {
    let call: Value = serde_json::from_slice(&asked.body).expect("JSON");
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
        successful.push(json!({"Id": entry["Id"], "MessageId": format!("m-{place}"), "MD5OfMessageBody": md5}));
        let attributes = entry["MessageAttributes"].as_object().into_iter().flatten();
        let attributes = attributes.filter(|(_, value)| value["DataType"] == "String");
        let attributes = attributes.map(|(name, value)| (name.clone(), text(&value["StringValue"]))).collect();
        state.messages.push(Message { body, attributes });
    }
    Reply::of("application/x-amz-json-1.0", json!({"Successful": successful, "Failed": failed}).to_string())
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
