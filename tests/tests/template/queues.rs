//! The arithmetic of queues, and that nothing that dies is lost.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::queue::MAX_RECEIVES;

use crate::template::{Event, Given, Template, list, target, worker_timeouts};

const DAY: u64 = 86_400;

/// Where dead letters go that the function dead-letters cannot record. Only people empty it.
const PARKING: &str = "Parking";

fn mappings(template: &Template) -> Vec<Event<'_>> {
    template.events().into_iter().filter(|event| event.kind == "SQS").collect()
}

fn dead_letters_of(queue: &Value) -> Option<&str> {
    queue.pointer("/RedrivePolicy/deadLetterTargetArn").map(target)
}

fn queue<'t>(template: &'t Template, id: &str) -> &'t Value {
    let block = template.resource(id);
    assert_eq!(block["Type"], "AWS::SQS::Queue", "{id}");
    &block["Properties"]
}

#[test]
fn a_message_stays_invisible_for_six_time_outs_of_its_function() {
    let template = Template::main();
    for given in worker_timeouts(&template) {
        for mapping in mappings(&template) {
            let id = target(&mapping.properties["Queue"]);
            let visibility = template.number(&queue(&template, id)["VisibilityTimeout"], &given);
            let timeout = template.number(&mapping.function.block["Properties"]["Timeout"], &given);
            assert!(visibility >= 6 * timeout, "{id}: {visibility} s, but {} takes {timeout} s", mapping.function.id);
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
        let window = of.get("MaximumBatchingWindowInSeconds").map_or(0, |window| template.number(window, &given));
        assert!(template.number(&of["BatchSize"], &given) <= 10 || window > 0, "{id}: SQS wants a window for more");
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
            None => assert_eq!(id, PARKING, "it has no dead letters"),
        }
    }
    for event in template.events() {
        dead.extend(event.properties.pointer("/DeadLetterConfig/Arn").map(target));
    }
    for function in template.functions() {
        let place = "/Properties/EventInvokeConfig/DestinationConfig/OnFailure/Destination";
        dead.extend(function.block.pointer(place).map(target));
    }
    for (_, subscription) in template.of_type("AWS::SNS::Subscription") {
        dead.extend(dead_letters_of(subscription));
    }
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
