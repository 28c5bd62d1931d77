//! The clean-up's own binary, as Lambda runs it.

use serde_json::{Value, json};
use tests::{
    ask,
    aws_fake::AwsFake,
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    people,
};

const FUNCTION: &str = "cleanup";
const EVENT: &str = include_str!("../../../events/cleanup.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_cleanup"), settings).await.expect("the binary starts")
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_event_cleans_up_and_a_second_one_does_nothing_more_on_sqlite() {
    cleans_up(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_event_cleans_up_and_a_second_one_does_nothing_more_on_mysql() {
    cleans_up(TestDatabase::mysql().await).await;
}

async fn cleans_up(database: TestDatabase) {
    people::add_user_with_contacts(&database, 3).await;
    ask::execute(&database, "UPDATE contacts SET email_status = 'bounced_temporary', bounce_count = 2", vec![]).await;
    let fake = AwsFake::start().await;
    let settings = [("DATABASE_URL", database.url()), ("OBJECTS", "s3://almanac-objects".to_owned())];
    let mut function = start(&[&settings[..], &fake.environment()].concat()).await;
    let cleaned = json!({"run": 1, "key": "2026-11-08", "met": "opened", "plan_complete": true});
    assert_eq!(function.invoke(event()).await, Answer::Response(cleaned));
    let Answer::Response(again) = function.invoke(event()).await else { panic!("a firing") };
    assert_eq!(again["met"], "closed");

    let done = ask::texts(&database, "SELECT what FROM cleaned", vec![]).await;
    assert_eq!(done, ["bounces_forgiven"]);
    let said = ask::texts(&database, "SELECT kind FROM outbox WHERE run_id = 1 ORDER BY id", vec![]).await;
    assert_eq!(said, ["job-started", "report", "job-completed", "cleanup-job-completed"]);
    let told = ask::texts(&database, "SELECT body FROM outbox WHERE kind = 'cleanup-job-completed'", vec![]).await;
    let told: Value = serde_json::from_str(&told[0]).expect("JSON");
    assert_eq!(told["stats"], json!({"bounces_forgiven": 3}));
}

#[tokio::test]
async fn a_missing_place_for_the_archive_stops_the_start() {
    let database = TestDatabase::sqlite().await;
    let (status, output) = start(&[("DATABASE_URL", database.url())]).await.end().await;
    assert!(!status.success());
    assert!(output.contains("OBJECTS"), "{output}");
}
