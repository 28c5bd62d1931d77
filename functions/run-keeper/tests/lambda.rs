//! The keeper's own binary, as Lambda runs it.

use std::sync::Arc;

use serde_json::Value;
use tests::{
    aws_fake::AwsFake,
    cycle,
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    people,
    runs::firing,
    scripted_mailer::ScriptedMailer,
};

const FUNCTION: &str = "run-keeper";
const EVENT: &str = include_str!("../../../events/run-keeper.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_run-keeper"), settings).await.expect("the binary starts")
}

/// What a keeping did.
async fn keep(keeper: &mut LambdaHost) -> Value {
    let event = serde_json::from_str(EVENT).expect("an event");
    match keeper.invoke(event).await {
        Answer::Response(kept) => kept,
        Answer::Error(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_closed_run_s_report_and_news_go_out_with_the_next_keeping_and_only_then() {
    let database = TestDatabase::sqlite().await;
    people::add_user_with_contacts(&database, 4).await;
    let (_, ledger) = cycle::through(&database, firing(), &Arc::new(ScriptedMailer::new("scripted", 50))).await;
    assert_eq!((ledger.planned, ledger.sent), (4, 4));

    let fake = AwsFake::start().await;
    let mut keeper =
        start(&[&in_aws()[..], &fake.environment()[..], &[("DATABASE_URL", database.url())]].concat()).await;
    assert_eq!(keep(&mut keeper).await["delivered"], 4);
    assert_eq!(keep(&mut keeper).await["delivered"], 0);

    let reports = fake.objects();
    let place = "almanac-objects/reports/monthly-invitations/2026-11-05/run-1";
    let report: Value = serde_json::from_slice(&reports[&format!("{place}.json")].body).expect("JSON");
    assert_eq!((&report["ledger"]["balanced"], &report["ledger"]["sent"]), (&true.into(), &4.into()));
    assert!(reports.contains_key(&format!("{place}.html")));
    let subjects: Vec<String> = fake.events().into_iter().map(|event| event.subject).collect();
    assert_eq!(
        (subjects, fake.alerts().len()),
        (["job-started", "job-completed", "monthly-job-completed"].map(str::to_owned).to_vec(), 0)
    );
}

/// What the template sets.
fn in_aws() -> [(&'static str, String); 4] {
    [
        ("INVITATIONS_QUEUE", "https://sqs.eu-west-3.amazonaws.com/123456789012/almanac-invitations".to_owned()),
        ("OBJECTS", "s3://almanac-objects".to_owned()),
        ("ALERTS_TOPIC", "arn:aws:sns:eu-west-3:123456789012:almanac-alerts".to_owned()),
        ("EVENT_BUS", "almanac".to_owned()),
    ]
}

#[tokio::test]
async fn with_a_secret_that_is_not_there_the_function_does_not_start_and_names_the_setting() {
    let fake = AwsFake::start().await;
    let secret = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:almanac-AbCdEf".to_owned();
    let settings = [&in_aws()[..], &fake.environment()[..], &[("DATABASE_SECRET", secret)]].concat();
    let (status, output) = start(&settings).await.end().await;
    assert!(!status.success());
    assert!(output.contains("the secret that DATABASE_SECRET names: Secrets Manager has no such secret"), "{output}");
    assert!(!output.contains("hunter2"), "{output}");
}

#[tokio::test]
async fn what_is_not_named_is_named_and_nothing_stands_in_for_it() {
    let database = TestDatabase::sqlite().await;
    let (status, output) = start(&[("DATABASE_URL", database.url())]).await.end().await;
    assert!(!status.success());
    for name in ["INVITATIONS_QUEUE", "OBJECTS", "ALERTS_TOPIC", "EVENT_BUS"] {
        assert!(output.contains(&format!("{name}: missing (on Lambda")), "{name}: {output}");
    }
}

#[tokio::test]
async fn without_a_database_the_function_does_not_start_and_says_why() {
    let (status, output) = start(&[]).await.end().await;
    assert!(!status.success());
    assert!(output.contains("DATABASE_URL: missing"), "{output}");
}
