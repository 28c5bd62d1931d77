//! The planner's own binary, as Lambda runs it.

use serde_json::json;
use tests::{
    ask,
    aws_fake::AwsFake,
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    people,
    runs::of_an_evening_to_come,
};

const FUNCTION: &str = "monthly-invitations";
const QUEUE: &str = "https://sqs.eu-west-3.amazonaws.com/123456789012/almanac-invitations";
const EVENT: &str = include_str!("../../../events/monthly-invitations.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_monthly-invitations"), settings).await.expect("the binary starts")
}

#[tokio::test]
async fn the_schedules_event_plans_its_month_and_a_second_one_joins_the_run() {
    let database = TestDatabase::sqlite().await;
    for _ in 0..3 {
        people::add_user_with_contacts(&database, 4).await;
    }
    let fake = AwsFake::start().await;
    let settings = [
        ("DATABASE_URL", database.url()),
        ("SCHEDULER_BATCH_SIZE", "2".to_owned()),
        ("INVITATIONS_QUEUE", QUEUE.to_owned()),
    ];
    let settings = [&settings[..], &fake.environment()].concat();
    let mut planner = start(&settings).await;
    let planned = json!({"run": 1, "key": "2196-11/05", "met": "opened", "plan_complete": true});
    assert_eq!(planner.invoke(of_an_evening_to_come(EVENT)).await, Answer::Response(planned));
    let joined = json!({"run": 1, "key": "2196-11/05", "met": "joined", "plan_complete": true});
    assert_eq!(planner.invoke(of_an_evening_to_come(EVENT)).await, Answer::Response(joined));

    let batches = ask::numbers(&database, "SELECT planned FROM batches ORDER BY id", vec![]).await;
    assert_eq!(batches, [8, 4]);
    let messages: Vec<String> = fake.messages().into_iter().map(|message| message.body).collect();
    assert_eq!(messages, [r#"{"run":1,"batch":1}"#, r#"{"run":1,"batch":2}"#]);
}

#[tokio::test]
async fn an_event_past_its_deadline_opens_a_run_that_waits_for_a_person() {
    let database = TestDatabase::sqlite().await;
    people::add_user_with_contacts(&database, 4).await;
    let settings = [("DATABASE_URL", database.url()), ("INVITATIONS_QUEUE", "records:".to_owned())];
    let mut planner = start(&settings).await;
    let late = serde_json::from_str(EVENT).expect("an event");
    let waits = json!({"run": 1, "key": "2026-11/05", "met": "waits for approval", "plan_complete": false});
    assert_eq!(planner.invoke(late).await, Answer::Response(waits));
    assert_eq!(ask::numbers(&database, "SELECT COUNT(*) FROM batches", vec![]).await, [0]);
}

#[tokio::test]
async fn what_is_no_firing_is_an_error_and_the_next_event_is_answered() {
    let database = TestDatabase::sqlite().await;
    let settings = [("DATABASE_URL", database.url()), ("INVITATIONS_QUEUE", "records:".to_owned())];
    let mut planner = start(&settings).await;
    let Answer::Error(error) = planner.invoke(json!({})).await else { panic!("there is no firing in it") };
    let message = error["errorMessage"].as_str().expect("a message");
    assert!(message.contains("not a firing: scheduled_time: is missing"), "{message}");

    let Answer::Response(planned) = planner.invoke(of_an_evening_to_come(EVENT)).await else { panic!("a firing") };
    assert_eq!(planned["plan_complete"], true);
    assert_eq!(ask::texts(&database, "SELECT state FROM runs", vec![]).await, ["completed"], "nobody was due");
}

#[tokio::test]
async fn without_a_database_the_function_does_not_start_and_says_why() {
    let (status, output) = start(&[]).await.end().await;
    assert!(!status.success());
    assert!(output.contains("DATABASE_URL: missing"), "{output}");
}

#[tokio::test]
async fn without_a_queue_the_function_does_not_start_and_names_it() {
    let database = TestDatabase::sqlite().await;
    let (status, output) = start(&[("DATABASE_URL", database.url())]).await.end().await;
    assert!(!status.success());
    assert!(output.contains("INVITATIONS_QUEUE: missing (on Lambda"), "{output}");
}
