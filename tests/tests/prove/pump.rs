//! The pump keeps Lambda's rules, against a queue that keeps SQS's.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{
        MessageAttributeValue, MessageSystemAttributeNameForSends as SentAttribute, MessageSystemAttributeValue,
        QueueAttributeName,
    },
};
use serde_json::{Value, json};
use tests::{
    lambda_host::Answer,
    sqs_pump::{Function, Mapping, SqsPump},
};
use tokio::sync::Barrier;

use crate::stack::Stack;

const TRACE_HEADER: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700";

/// A queue of a test's own, in which a message that was received stays invisible for longer than any test.
struct Queue {
    client: Client,
    mapping: Mapping,
}

impl Queue {
    async fn new(batch_size: usize, most_at_once: usize) -> Self {
        let client = Stack::of_the_environment().sqs();
        let made = client.create_queue().queue_name(format!("pump-{}", shared::random::token()));
        let made = made.attributes(QueueAttributeName::VisibilityTimeout, "3600").send().await.expect("a queue");
        let queue_url = made.queue_url.expect("its URL");
        let queue_arn = "arn:aws:sqs:eu-west-3:123456789012:pump".to_owned();
        let mapping = Mapping { queue_url, queue_arn, batch_size, window: Duration::from_secs(30), most_at_once };
        Self { client, mapping }
    }

    async fn send(&self, bodies: &[&str]) {
        for body in bodies {
            let send = self.client.send_message().queue_url(&self.mapping.queue_url).message_body(*body);
            send.send().await.expect("a queue that answers");
        }
    }

    fn pump(&self) -> SqsPump {
        SqsPump::new(self.client.clone(), self.mapping.clone())
    }
}

/// A function that keeps its events and answers by a script.
struct Scripted<F> {
    answer: F,
    events: Mutex<Vec<Value>>,
}

impl<F: Fn(&Value) -> Answer> Scripted<F> {
    fn new(answer: F) -> Self {
        Self { answer, events: Mutex::default() }
    }

    fn record(&self, event: usize, record: usize) -> Value {
        self.events.lock().expect("no test panics here")[event]["Records"][record].clone()
    }
}

#[async_trait]
impl<F: Fn(&Value) -> Answer + Send + Sync + 'static> Function for Scripted<F> {
    async fn invoke(&self, event: Value) -> Answer {
        let answer = (self.answer)(&event);
        self.events.lock().expect("no test panics here").push(event);
        answer
    }
}

#[tokio::test]
#[ignore = "infra/prove runs it: it needs an emulator of AWS"]
async fn only_what_the_answer_lists_stays_and_comes_again_when_its_time_out_is_over() {
    let queue = Queue::new(3, 1).await;
    queue.send(&["a", "b", "c"]).await;
    let function = Scripted::new(|event| {
        let records = event["Records"].as_array().expect("records").iter();
        let failed =
            records.filter(|record| record["body"] == "b" && record["attributes"]["ApproximateReceiveCount"] == "1");
        let failed: Vec<_> = failed.map(|record| json!({"itemIdentifier": record["messageId"]})).collect();
        Answer::Response(json!({ "batchItemFailures": failed }))
    });
    let pump = queue.pump();
    let delivered = pump.deliver(pump.gather().await, &function).await;
    assert_eq!((delivered.done.len(), delivered.failed.len()), (2, 1));
    assert!(pump.gather().await.is_empty(), "it is invisible");
    pump.show_again(&delivered.failed).await;
    let again = Queue { mapping: Mapping { batch_size: 1, ..queue.mapping.clone() }, ..queue }.pump();
    let delivered = again.deliver(again.gather().await, &function).await;
    assert_eq!((delivered.done.len(), delivered.failed.len()), (1, 0));
    assert_eq!(function.record(1, 0)["attributes"]["ApproximateReceiveCount"], "2");
}

#[tokio::test]
#[ignore = "infra/prove runs it: it needs an emulator of AWS"]
async fn of_an_invocation_that_fails_every_message_stays() {
    let queue = Queue::new(2, 1).await;
    queue.send(&["a", "b"]).await;
    let pump = queue.pump();
    let failing = Scripted::new(|_| Answer::Error(json!({"errorMessage": "as scripted"})));
    let delivered = pump.deliver(pump.gather().await, &failing).await;
    assert_eq!((delivered.done.len(), delivered.failed.len()), (0, 2));
    pump.show_again(&delivered.failed).await;
    assert_eq!(pump.gather().await.len(), 2);
}

#[tokio::test]
#[ignore = "infra/prove runs it: it needs an emulator of AWS"]
async fn an_event_takes_what_comes_within_the_window_and_no_more_than_a_batch() {
    let queue = Queue::new(3, 1).await;
    queue.send(&["a"]).await;
    let pump = queue.pump();
    let (gathered, ()) = tokio::join!(pump.gather(), queue.send(&["b", "c", "d", "e"]));
    assert_eq!(gathered.len(), 3);
}

#[tokio::test]
#[ignore = "infra/prove runs it: it needs an emulator of AWS"]
async fn as_many_events_are_under_way_as_the_mapping_allows_and_no_more() {
    /// Answers only when two events are there.
    struct InPairs {
        pair: Barrier,
        answered: AtomicUsize,
    }

    #[async_trait]
    impl Function for InPairs {
        async fn invoke(&self, _: Value) -> Answer {
            self.pair.wait().await;
            self.answered.fetch_add(1, Relaxed);
            Answer::Response(Value::Null)
        }
    }

    let queue = Queue::new(1, 2).await;
    queue.send(&["a", "b", "c", "d", "e", "f"]).await;
    let function = Arc::new(InPairs { pair: Barrier::new(2), answered: AtomicUsize::new(0) });
    let answered = || async { function.answered.load(Relaxed) == 6 };
    let seen = queue.pump().run(function.clone(), answered).await;
    assert_eq!((seen.events, seen.done, seen.largest, seen.most_at_once), (6, 6, 1, 2));
}

#[tokio::test]
#[ignore = "infra/prove runs it: it needs an emulator of AWS"]
async fn a_record_has_the_shape_that_lambda_gives_it() {
    let queue = Queue::new(1, 1).await;
    let string = |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build();
    let header = MessageSystemAttributeValue::builder().data_type("String").string_value(TRACE_HEADER).build();
    let send = queue.client.send_message().queue_url(&queue.mapping.queue_url).message_body("{}");
    let send = send.message_attributes("trace", string("1-2-3").expect("a type"));
    let send = send.message_system_attributes(SentAttribute::AwsTraceHeader, header.expect("a type"));
    let sent = send.send().await.expect("a queue that answers");

    let function = Scripted::new(|_| Answer::Response(json!({"batchItemFailures": []})));
    let pump = queue.pump();
    pump.deliver(pump.gather().await, &function).await;
    let record = function.record(0, 0);
    let kept: Value = serde_json::from_str(include_str!("../../../events/invitation-worker.json")).expect("an event");
    for (field, _) in kept["Records"][0].as_object().expect("a record") {
        assert!(record.get(field).is_some_and(|value| !value.is_null()), "{field}: {record}");
    }
    for (attribute, _) in kept["Records"][0]["attributes"].as_object().expect("attributes") {
        assert!(record["attributes"][attribute].is_string(), "{attribute}: {record}");
    }
    assert_eq!(record["messageId"], json!(sent.message_id));
    assert_eq!(record["attributes"]["AWSTraceHeader"], TRACE_HEADER);
    assert_eq!(record["messageAttributes"]["trace"]["stringValue"], "1-2-3");
    assert_eq!(record["messageAttributes"]["trace"]["dataType"], "String");
    assert_eq!((&record["eventSource"], &record["awsRegion"]), (&json!("aws:sqs"), &json!("eu-west-3")));
}
