//! The planner's own binary, as Lambda runs it.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::{run::batch::BatchMessage, sqs::Outcome};
use tests::{
    ask,
    aws_fake::AwsFake,
    cycle::{self, handle, ledger_of_completed},
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    people,
    reminding::{after, worker},
    runs,
    scripted_mailer::ScriptedMailer,
};

const FUNCTION: &str = "reminders";
const QUEUE: &str = "https://sqs.eu-west-3.amazonaws.com/123456789012/almanac-invitations";
const EVENT: &str = include_str!("../../../events/reminders.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_reminders"), settings).await.expect("the binary starts")
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_event_reminds_of_what_was_sent_three_days_ago_and_a_second_one_of_nothing_on_sqlite() {
    remind(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_event_reminds_of_what_was_sent_three_days_ago_and_a_second_one_of_nothing_on_mysql() {
    remind(TestDatabase::mysql().await).await;
}

async fn remind(database: TestDatabase) {
    for _ in 0..3 {
        people::add_user_with_contacts(&database, 4).await;
    }
    let mailer = || Arc::new(ScriptedMailer::new("scripted", 50));
    cycle::through(&database, runs::firing(), &mailer()).await;
    let fake = AwsFake::start().await;
    let settings = [("DATABASE_URL", database.url()), ("INVITATIONS_QUEUE", QUEUE.to_owned())];
    let mut planner = start(&[&settings[..], &fake.environment()].concat()).await;
    let planned = json!({"run": 2, "key": "2026-11-08T17Z", "met": "opened", "plan_complete": true});
    assert_eq!(planner.invoke(event()).await, Answer::Response(planned));

    let reminded = mailer();
    let worker = worker(&database, &reminded, after(3, 0)).await;
    for message in fake.messages() {
        let message: BatchMessage = serde_json::from_str(&message.body).expect("ids");
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    let ledger = ledger_of_completed(&database, 2).await;
    assert_eq!((ledger.planned, ledger.sent, reminded.addresses().len()), (12, 12, 12));

    let Answer::Response(again) = planner.invoke(event()).await else { panic!("a firing") };
    assert_eq!((&again["met"], &again["ledger"]["sent"]), (&json!("closed"), &json!(12)));
    let said = ask::texts(&database, "SELECT kind FROM outbox WHERE run_id = 2 ORDER BY id", vec![]).await;
    assert_eq!(said, ["job-started", "report", "job-completed", "reminder-job-completed"]);
}

#[tokio::test]
async fn an_hour_in_which_nothing_is_due_is_closed_at_once() {
    let database = TestDatabase::sqlite().await;
    let settings = [("DATABASE_URL", database.url()), ("INVITATIONS_QUEUE", "records:".to_owned())];
    let mut planner = start(&settings).await;
    let Answer::Response(planned) = planner.invoke(event()).await else { panic!("a firing") };
    assert_eq!(planned["plan_complete"], true);
    assert_eq!(ask::texts(&database, "SELECT state FROM runs", vec![]).await, ["completed"]);
}

#[tokio::test]
async fn a_second_reminder_that_would_not_come_after_the_first_stops_the_start() {
    let database = TestDatabase::sqlite().await;
    let settings = [
        ("DATABASE_URL", database.url()),
        ("INVITATIONS_QUEUE", "records:".to_owned()),
        ("SCHEDULER_FIRST_REMINDER_DAYS", "7".to_owned()),
    ];
    let (status, output) = start(&settings).await.end().await;
    assert!(!status.success());
    assert!(output.contains("SCHEDULER_SECOND_REMINDER_DAYS: 7 is not later than"), "{output}");
}
