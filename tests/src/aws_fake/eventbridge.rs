//! EventBridge: `PutEvents` in AWS JSON 1.1.

use serde_json::{Value, json};

use super::{
    Published, Service, State,
    server::{Asked, Reply, error},
};

const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 256 * 1024;

pub(super) fn put_events(state: &mut State, asked: &Asked, failing: &[(usize, &'static str, bool)]) -> Reply {
    let call: Value = serde_json::from_slice(&asked.body).expect("JSON");
    let entries = call["Entries"].as_array().expect("entries");
    let published: Vec<_> = entries.iter().map(published).collect();
    let size = |event: &Published| event.source.len() + event.subject.len() + event.body.len();
    if entries.len() > MOST_ENTRIES || published.iter().map(size).sum::<usize>() > MOST_BYTES {
        return error(Service::EventBridge, 400, "ValidationException");
    }
    let mut results = Vec::new();
    for (place, event) in published.into_iter().enumerate() {
        if let Some((_, code, _)) = failing.iter().find(|(at, ..)| *at == place) {
            results.push(json!({"ErrorCode": code, "ErrorMessage": "hunter2"}));
            continue;
        }
        results.push(json!({"EventId": format!("e-{place}")}));
        state.events.push(event);
    }
    let failed = results.iter().filter(|result| result["EventId"].is_null()).count();
    let reply = json!({"FailedEntryCount": failed, "Entries": results});
    Reply::of("application/x-amz-json-1.1", reply.to_string())
}

fn published(entry: &Value) -> Published {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    Published { to: text("EventBusName"), source: text("Source"), subject: text("DetailType"), body: text("Detail") }
}
