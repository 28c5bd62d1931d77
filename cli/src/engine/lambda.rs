//! Lambda's side of a queue: the event it builds from messages, and how it reads the answer.

use md5::{Digest, Md5};
use serde_json::{Value, json};
use shared::{queue::Received, sqs::answer};

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

/// Which messages failed, by Lambda's rules for a function's answer.
pub fn failed(messages: &[Received], answer: Option<&str>) -> Vec<Received> {
    let ids: Vec<_> = messages.iter().map(message_id).collect();
    answer::failed(&ids, answer).into_iter().map(|place| messages[place].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Received> {
        let message = |id| Received { id, body: "{}".to_owned(), receive_count: 2, receipt: "r".to_owned() };
        vec![message(1), message(2), message(3)]
    }

    #[test]
    fn the_messages_that_an_answer_lists_failed_and_without_an_answer_all_did() {
        let ids = |failed: Vec<Received>| failed.into_iter().map(|message| message.id).collect::<Vec<_>>();
        assert_eq!(ids(failed(&messages(), Some(r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#))), [2]);
        assert_eq!(ids(failed(&messages(), None)), [1, 2, 3]);
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
