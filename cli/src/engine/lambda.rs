//! Lambda's side of a queue: the event it builds from messages, and how it reads the answer.

use md5::{Digest, Md5};
use serde_json::{Value, json};
use shared::queue::Received;

/// The event that Lambda would send for these messages, as JSON.
pub fn sqs_event(messages: &[Received], sent_at_ms: i64) -> Value {
    let record = |message: &Received| {
        json!({
            "messageId": message_id(message),
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receive_count.to_string(),
                "SentTimestamp": sent_at_ms.to_string(),
                "SenderId": "almanac",
                "ApproximateFirstReceiveTimestamp": sent_at_ms.to_string(),
            },
            "messageAttributes": {},
            "md5OfBody": data_encoding::HEXLOWER.encode(&Md5::digest(&message.body)),
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:local:000000000000:invitations",
            "awsRegion": "local",
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// How a message is called in the event and in the answer.
pub fn message_id(message: &Received) -> String {
    message.id.to_string()
}

/// Which messages failed, by Lambda's rules for a function's answer (AWS Lambda developer guide, "Handling errors for
/// an SQS event source"): an error, an answer that is not JSON or has a wrong key, and an empty or unknown id all mean
/// that the whole batch failed; no list, or an empty one, means that all succeeded.
pub fn failed(messages: &[Received], answer: Result<&str, &anyhow::Error>) -> Vec<Received> {
    let Some(ids) = answer.ok().and_then(failed_ids) else { return messages.to_vec() };
    let known = |id: &String| messages.iter().any(|message| message_id(message) == *id);
    if !ids.iter().all(known) {
        return messages.to_vec();
    }
    messages.iter().filter(|message| ids.contains(&message_id(message))).cloned().collect()
}

/// The ids that an answer lists; `None` when the answer breaks the rules.
fn failed_ids(answer: &str) -> Option<Vec<String>> {
    if answer.is_empty() {
        return Some(Vec::new());
    }
    let answer: Value = serde_json::from_str(answer).ok()?;
    let items = match &answer {
        Value::Null => return Some(Vec::new()),
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None if fields.is_empty() => return Some(Vec::new()),
            Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(items)) => items,
            _ => return None,
        },
        _ => return None,
    };
    items.iter().map(|item| item.get("itemIdentifier")?.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Received> {
        let message = |id| Received { id, body: "{}".to_owned(), receive_count: 2, receipt: "r".to_owned() };
        vec![message(1), message(2), message(3)]
    }

    fn failed_ids_of(answer: &str) -> Vec<i64> {
        failed(&messages(), Ok(answer)).into_iter().map(|message| message.id).collect()
    }

    #[test]
    fn listed_messages_failed_and_the_others_did_not() {
        assert_eq!(failed_ids_of(r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#), [2]);
        for all_well in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert!(failed_ids_of(all_well).is_empty(), "{all_well}");
        }
    }

    #[test]
    fn an_answer_that_breaks_the_rules_fails_the_whole_batch() {
        for wrong in [
            "oops",
            "[]",
            r#"{"batchItemFailure":[]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"9"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"id":"1"}]}"#,
        ] {
            assert_eq!(failed_ids_of(wrong), [1, 2, 3], "{wrong}");
        }
        assert_eq!(failed(&messages(), Err(&anyhow::anyhow!("the function failed"))).len(), 3);
    }

    #[test]
    fn the_event_is_read_by_lambdas_own_type() {
        let event = sqs_event(&messages(), 1_793_898_000_000);
        let event: aws_lambda_events::sqs::SqsEvent = serde_json::from_value(event).expect("an SQS event");
        let first = &event.records[0];
        assert_eq!(first.message_id.as_deref(), Some("1"));
        assert_eq!(first.attributes["ApproximateReceiveCount"], "2");
        assert_eq!(first.md5_of_body.as_deref(), Some("99914b932bd37a50b983c5e7c90ae93b"));
    }
}
