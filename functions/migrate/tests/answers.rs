//! What CloudFormation hears of a migration that does not end as it should, or is not begun.

use std::time::Duration;

use migrate::{ANSWER_TIME, Door, MOST_BYTES};
use serde_json::{Value, json};
use shared::{records::Migrated, sqs::Deadline};
use tests::response_bucket::ResponseBucket;

const EVENT: &str = include_str!("../../../events/migrate.json");

/// What CloudFormation is told of a request, and what the function says itself.
async fn told(kind: &str, migrate: impl Future<Output = anyhow::Result<Migrated>>) -> (Value, Value) {
    let bucket = ResponseBucket::refusing(&[]).await.expect("a free port");
    let mut event: Value = serde_json::from_str(EVENT).expect("an event");
    event["RequestType"] = kind.into();
    event["ResponseURL"] = bucket.url().into();
    let door = Door::new(Duration::ZERO).expect("the system has certificates");
    let said = migrate::handle(event, &door, migrate, &Deadline::within(ANSWER_TIME)).await.expect("answered");
    (bucket.answers().remove(0), said)
}

#[tokio::test]
async fn a_migration_that_panics_has_failed_and_is_answered() {
    let (told, said) = told("Update", async { panic!("a bug") }).await;
    assert_eq!((&told["Status"], &said), (&"FAILED".into(), &json!({"status": "FAILED", "told": true})));
    let reason = told["Reason"].as_str().expect("a reason");
    assert!(reason.starts_with("panicked at ") && !reason.contains("a bug"), "{reason}");
}

#[tokio::test]
async fn a_migration_that_leaves_no_more_time_than_to_say_so_has_failed_and_is_answered() {
    let (told, said) = told("Update", std::future::pending()).await;
    assert_eq!((&told["Status"], &said), (&"FAILED".into(), &json!({"status": "FAILED", "told": true})));
    assert_eq!(told["Reason"], "not done in time; it may go on in the database");
}

#[tokio::test]
async fn a_long_reason_arrives_shortened() {
    let (told, _) = told("Create", async { anyhow::bail!("\"".repeat(2 * MOST_BYTES)) }).await;
    assert_eq!(told["Status"], "FAILED");
}

#[tokio::test]
async fn nothing_is_begun_for_a_stack_that_is_deleted() {
    let (told, _) = told("Delete", async { unreachable!("a schema outlives its stack") }).await;
    assert_eq!(told["Status"], "SUCCESS");
}

#[tokio::test]
async fn a_migration_that_fails_by_hand_is_an_error_of_the_function() {
    let door = Door::new(Duration::ZERO).expect("the system has certificates");
    let failed =
        migrate::handle(json!({"migrate": {}}), &door, async { anyhow::bail!("away") }, &Deadline::none()).await;
    assert_eq!(failed.expect_err("nobody else hears of it").to_string(), "away");
}
