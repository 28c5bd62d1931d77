//! The arithmetic of queues, and that nothing that dies is lost.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::queue::MAX_RECEIVES;

use crate::template::{Event, Given, Template, list, target, worker_timeouts};

const DAY: u64 = 86_400;

/// Where dead letters go that the function dead-letters cannot record. Only people empty it.
const PARKING: &str = "Parking";

/// Where alerts go that people could not be told. The function dead-letters would alert of them, by the same way.
const UNDELIVERED: &str = "UndeliveredAlerts";

fn mappings(template: &Template) -> Vec<Event<'_>> {
    template.events().into_iter().filter(|event| event.kind == "SQS").collect()
}

fn dead_letters_of(queue: &Value) -> Option<&str> {
    queue.pointer("/RedrivePolicy/deadLetterTargetArn").map(target)
}

/// Whether a queue's policy lets a topic send to it.
fn admits(template: &Template, id: &str, topic: &str) -> bool {
    template.of_type("AWS::SQS::QueuePolicy").filter(|(_, policy)| target(&policy["Queues"][0]) == id).any(
        |(_, policy)| {
            let may = &policy["PolicyDocument"]["Statement"][0];
            may["Principal"]["Service"] == "sns.amazonaws.com"
                && target(&may["Condition"]["ArnEquals"]["aws:SourceArn"]) == topic
        },
    )
}

fn queue<'t>(template: &'t Template, id: &str) -> &'t Value {
    let block = template.resource(id);
    assert_eq!(block["Type"], "AWS::SQS::Queue", "{id}");
    &block["Properties"]
}

/// How long a mapping gathers messages, in seconds.
fn window(template: &Template, mapping: &Event<'_>, given: &Given) -> u64 {
    mapping.properties.get("MaximumBatchingWindowInSeconds").map_or(0, |window| template.number(window, given))
}

#[test]
fn a_message_stays_invisible_for_six_time_outs_of_its_function_and_the_window() {
    let template = Template::main();
    for given in worker_timeouts(&template) {
        for mapping in mappings(&template) {
            let id = target(&mapping.properties["Queue"]);
            let visibility = template.number(&queue(&template, id)["VisibilityTimeout"], &given);
            let timeout = template.number(&mapping.function.block["Properties"]["Timeout"], &given);
            let least = 6 * timeout + window(&template, &mapping, &given);
            assert!(visibility >= least, "{id}: {visibility} s, but {} wants {least} s", mapping.function.id);
            assert!(visibility <= 12 * 3_600, "{id}: more than SQS allows");
        }
    }
}

#[test]
fn every_mapping_reports_single_failures_and_is_bounded() {
    let template = Template::main();
    let given = Given::new();
    for mapping in mappings(&template) {
        let (id, of) = (mapping.function.id, mapping.properties);
        assert_eq!(of["FunctionResponseTypes"], serde_json::json!(["ReportBatchItemFailures"]), "{id}");
        let concurrency = template.number(&of["ScalingConfig"]["MaximumConcurrency"], &given);
        assert!((2..=1_000).contains(&concurrency), "{id}: {concurrency}");
        let gathers = window(&template, &mapping, &given) > 0;
        assert!(template.number(&of["BatchSize"], &given) <= 10 || gathers, "{id}: SQS wants a window for more");
    }
}

#[test]
fn whatever_dies_comes_to_the_function_dead_letters_and_from_there_to_parking() {
    let template = Template::main();
    let mut dead = BTreeSet::new();
    for (id, properties) in template.of_type("AWS::SQS::Queue") {
        match dead_letters_of(properties) {
            Some(PARKING) => assert!(id.ends_with("DeadLetters"), "{id} goes to parking unrecorded"),
            Some(next) => drop(dead.insert(next)),
            None => assert!([PARKING, UNDELIVERED].contains(&id), "{id} has no dead letters"),
        }
    }
    for event in template.events() {
        dead.extend(event.properties.pointer("/DeadLetterConfig/Arn").map(target));
    }
    for function in template.functions() {
        let place = "/Properties/EventInvokeConfig/DestinationConfig/OnFailure/Destination";
        dead.extend(function.block.pointer(place).map(target));
    }
    for (id, subscription) in template.of_type("AWS::SNS::Subscription") {
        let letters = dead_letters_of(subscription).unwrap_or_else(|| panic!("{id} loses what it cannot deliver"));
        assert!(admits(&template, letters, target(&subscription["TopicArn"])), "{letters} does not admit {id}");
        dead.insert(letters);
    }
    assert!(dead.remove(UNDELIVERED));
    let emptied: BTreeSet<_> = mappings(&template)
        .iter()
        .filter(|mapping| mapping.function.binary == "dead-letters")
        .map(|mapping| target(&mapping.properties["Queue"]))
        .collect();
    assert_eq!(dead, emptied);
}

#[test]
fn a_message_is_tried_often_enough_and_its_dead_letter_outlives_it() {
    let template = Template::main();
    let given = Given::new();
    for (id, properties) in template.of_type("AWS::SQS::Queue") {
        let retention = template.number(&properties["MessageRetentionPeriod"], &given);
        let Some(next) = dead_letters_of(properties) else {
            assert_eq!(retention, 14 * DAY, "{id}: as long as SQS keeps anything");
            continue;
        };
        let receives = template.number(&properties["RedrivePolicy"]["maxReceiveCount"], &given);
        assert!(receives >= 5 && receives >= u64::from(MAX_RECEIVES), "{id}: {receives}");
        let tries = receives * template.number(&properties["VisibilityTimeout"], &given);
        assert!(tries <= retention, "{id}: it is gone before its last try");
        let kept = template.number(&queue(&template, next)["MessageRetentionPeriod"], &given);
        assert_eq!(kept, 14 * DAY, "{next}");
        // From one dead-letter queue to the next a message's time goes on, so longer than the longest is not possible.
        assert!(retention < kept || next == PARKING, "{id}: a message dies of age in {next} as soon as it comes");
    }
}

#[test]
fn whatever_rests_is_encrypted_with_the_stacks_key() {
    let template = Template::main();
    let keys = [
        ("AWS::SQS::Queue", "/KmsMasterKeyId"),
        ("AWS::SNS::Topic", "/KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "/KmsKeyId"),
        ("AWS::Events::EventBus", "/KmsKeyIdentifier"),
        (
            "AWS::S3::Bucket",
            "/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/KMSMasterKeyID",
        ),
    ];
    for (kind, place) in keys {
        let mut found = 0;
        for (id, properties) in template.of_type(kind) {
            let key = list(properties.pointer(place).unwrap_or(&Value::Null));
            assert_eq!(key.first().map(|key| target(key)), Some("Key"), "{id}");
            found += 1;
        }
        assert!(found > 0, "no {kind}");
    }
}
