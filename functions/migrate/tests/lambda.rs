//! The migrations' own binary, as Lambda runs it.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    ask,
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    response_bucket::ResponseBucket,
};

const FUNCTION: &str = "migrate";
const EVENT: &str = include_str!("../../../events/migrate.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_migrate"), settings).await.expect("the binary starts")
}

/// CloudFormation's request, to be answered at `url`.
fn request(kind: &str, url: String) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).expect("an event");
    event["RequestType"] = kind.into();
    event["ResponseURL"] = url.into();
    event
}

async fn invoke(migrate: &mut LambdaHost, event: Value) -> Value {
    match migrate.invoke(event).await {
        Answer::Response(answer) => answer,
        Answer::Error(error) => panic!("{error}"),
    }
}

async fn bucket(refusals: &[u16]) -> ResponseBucket {
    ResponseBucket::refusing(refusals).await.expect("a free port")
}

async fn a_deployment_migrates_and_cloudformation_is_told_and_the_next_finds_nothing_to_do(database: TestDatabase) {
    let (mut migrate, bucket) = (start(&[("DATABASE_URL", database.url())]).await, bucket(&[]).await);
    for kind in ["Create", "Update"] {
        let told = json!({"status": "SUCCESS", "told": true});
        assert_eq!(invoke(&mut migrate, request(kind, bucket.url())).await, told);
    }
    let answers = bucket.answers();
    let event = request("Create", String::new());
    for answer in &answers {
        assert_eq!((&answer["Status"], &answer["PhysicalResourceId"]), (&"SUCCESS".into(), &"records-schema".into()));
        for same in ["StackId", "RequestId", "LogicalResourceId"] {
            assert_eq!(answer[same], event[same]);
        }
    }
    let applied: Vec<_> = answers.iter().map(|answer| answer["Data"]["Applied"].as_str().expect("a text")).collect();
    assert!(applied[0].starts_with("0001_people 0002_runs"), "{applied:?}");
    assert_eq!(applied[1..], [""]);
    assert_eq!(ask::number(&database, "SELECT COUNT(*) FROM runs", vec![]).await, 0);
}

#[tokio::test]
async fn a_deployment_migrates_and_cloudformation_is_told_on_sqlite() {
    let database = TestDatabase::empty_sqlite().await;
    a_deployment_migrates_and_cloudformation_is_told_and_the_next_finds_nothing_to_do(database).await;
}

#[tokio::test]
async fn a_deployment_migrates_and_cloudformation_is_told_on_mysql() {
    let database = TestDatabase::empty_mysql().await;
    a_deployment_migrates_and_cloudformation_is_told_and_the_next_finds_nothing_to_do(database).await;
}

#[tokio::test]
async fn whoever_asks_by_hand_is_answered_with_what_was_applied() {
    let database = TestDatabase::empty_sqlite().await;
    let mut migrate = start(&[("DATABASE_URL", database.url())]).await;
    let first = invoke(&mut migrate, json!({"migrate": {}})).await;
    assert_eq!(first["applied"][0], "0001_people");
    let again = invoke(&mut migrate, json!({})).await;
    assert_eq!(again, json!({"applied": [], "version": first["version"]}));
}

#[tokio::test]
async fn a_stack_that_is_deleted_leaves_its_records_as_they_are_and_needs_none() {
    let (mut migrate, bucket) = (start(&[]).await, bucket(&[]).await);
    let answer = invoke(&mut migrate, request("Delete", bucket.url())).await;
    assert_eq!((&answer["status"], &bucket.answers()[0]["Status"]), (&"SUCCESS".into(), &"SUCCESS".into()));
}

#[tokio::test]
async fn cloudformation_hears_why_a_migration_failed_and_no_secret() {
    for (url, why) in [
        (None, "DATABASE_URL: missing"),
        (Some("mysql://ada:hunter2@127.0.0.1"), "DATABASE_URL: it names no database"),
        (Some("mysql://ada:hunter2@127.0.0.1:9/almanac"), "opening the records: database"),
    ] {
        let settings: Vec<_> = url.into_iter().map(|url| ("DATABASE_URL", url.to_owned())).collect();
        let (mut migrate, bucket) = (start(&settings).await, bucket(&[]).await);
        let answer = invoke(&mut migrate, request("Create", bucket.url())).await;
        assert_eq!(answer, json!({"status": "FAILED", "told": true}));
        let told = bucket.answers().remove(0);
        let reason = told["Reason"].as_str().expect("a reason");
        assert!(reason.contains(why), "{reason}");
        assert!(!reason.contains("hunter2") && !migrate.output().contains("hunter2"));
    }
}

#[tokio::test]
async fn cloudformation_hears_of_a_migration_that_would_outlast_the_function() {
    // A database that never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("mysql://root@{}/almanac", silent.local_addr().expect("bound"));
    let (mut migrate, bucket) = (start(&[("DATABASE_URL", url)]).await, bucket(&[]).await);
    let answer = migrate.invoke_for(Duration::from_secs(62), request("Update", bucket.url())).await;
    assert_eq!(answer, Answer::Response(json!({"status": "FAILED", "told": true})));
    assert_eq!(bucket.answers()[0]["Reason"], "not done in time; it may go on in the database");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_given_again_and_one_that_is_refused_is_not() {
    let database = TestDatabase::sqlite().await;
    for (refusals, requests, told) in [(&[503, 500][..], 3, true), (&[403], 1, false), (&[500; 9], 5, false)] {
        let (mut migrate, bucket) = (start(&[("DATABASE_URL", database.url())]).await, bucket(refusals).await);
        let answer = invoke(&mut migrate, request("Update", bucket.url())).await;
        assert_eq!(answer, json!({"status": "SUCCESS", "told": told}));
        assert_eq!((bucket.requests(), bucket.answers().len()), (requests, usize::from(told)));
        assert!(!migrate.output().contains("X-Amz-Signature"), "whoever has the address may answer");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_reached_is_logged_and_is_no_failure_of_the_migration() {
    let database = TestDatabase::empty_sqlite().await;
    let mut migrate = start(&[("DATABASE_URL", database.url())]).await;
    let nobody = bucket(&[]).await.url();
    let answer = invoke(&mut migrate, request("Create", nobody)).await;
    assert_eq!(answer, json!({"status": "SUCCESS", "told": false}));
    assert!(migrate.output().contains("CloudFormation could not be told"));
    assert_eq!(ask::number(&database, "SELECT COUNT(*) FROM runs", vec![]).await, 0);
    invoke(&mut migrate, json!({"migrate": {}})).await;
}
