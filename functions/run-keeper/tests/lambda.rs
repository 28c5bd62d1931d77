//! The keeper's own binary, as Lambda runs it.

use std::{fs, sync::Arc};

use serde_json::Value;
use tests::{
    ask, cycle,
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

    let home = tempfile::tempdir().expect("a home");
    let settings = [("DATABASE_URL", database.url()), ("ALMANAC_HOME", home.path().display().to_string())];
    let mut keeper = start(&settings).await;
    assert_eq!(keep(&mut keeper).await["delivered"], 4);
    assert_eq!(keep(&mut keeper).await["delivered"], 0);

    let reports = home.path().join("objects/reports/monthly-invitations/2026-11-05");
    let report = fs::read_to_string(reports.join("run-1.json")).expect("the report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((&report["ledger"]["balanced"], &report["ledger"]["sent"]), (&true.into(), &4.into()));
    assert!(reports.join("run-1.html").is_file());
    assert_eq!(
        ask::texts(&database, "SELECT subject FROM news", vec![]).await,
        ["job-started", "job-completed", "monthly-job-completed"]
    );
}

#[tokio::test]
async fn without_a_database_the_function_does_not_start_and_says_why() {
    let (status, output) = start(&[]).await.end().await;
    assert!(!status.success());
    assert!(output.contains("DATABASE_URL: missing"), "{output}");
}
