//! The function's own binary, as Lambda runs it.

use serde_json::{Value, json};
use tests::{
    ask,
    databases::TestDatabase,
    hub_fake::{self, HubFake, KEY},
    lambda_host::{Answer, LambdaHost},
};

const FUNCTION: &str = "cost-tracking";
const EVENT: &str = include_str!("../../../events/cost-tracking.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_cost-tracking"), settings).await.expect("the binary starts")
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

async fn hub() -> HubFake {
    HubFake::start([("amber", &[("MONEY_SPEND", "12"), ("JUDGE_SCORE", "6")][..])]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_event_runs_the_monitor_that_it_names_and_a_request_the_one_of_its_job() {
    let (database, hub) = (TestDatabase::sqlite().await, hub().await);
    let settings = [&[("DATABASE_URL", database.url())][..], &hub_fake::settings(&hub)].concat();
    let mut function = start(&settings).await;
    let judged = |run: i64| json!({"run": run, "key": "2026-11-08T09:15:00", "met": "opened", "plan_complete": true});
    assert_eq!(function.invoke(event()).await, Answer::Response(judged(1)));
    let judges = json!({"source": "almanac", "detail-type": "run-requested",
        "detail": {"version": 1, "job": "judge-score", "scheduled_time": "2026-11-08T09:15:00Z"}});
    assert_eq!(function.invoke(judges).await, Answer::Response(judged(2)));
    assert_eq!(hub.told(), [["amber BUDGET_TRACKING PASSED 30"], ["amber JUDGE_SCORE PASSED 6"]]);
    assert_eq!(hub.faults(), Vec::<String>::new());
    let Answer::Error(error) =
        function.invoke(json!({"scheduled_time": "2026-11-08T09:15:00Z", "criterion": "X"})).await
    else {
        panic!("no such criterion")
    };
    assert!(error.to_string().contains("is no criterion"), "{error}");
    let output = function.output();
    assert!(!output.contains(KEY), "the key is in no log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_is_switched_off_does_nothing_and_needs_nothing() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&[("DATABASE_URL", database.url())]).await;
    let off = json!({"met": "switched off", "criterion": "BUDGET_TRACKING"});
    assert_eq!(function.invoke(event()).await, Answer::Response(off));
    assert_eq!(ask::number(&database, "SELECT COUNT(*) FROM runs", vec![]).await, 0);
}

#[tokio::test]
async fn whatever_a_monitor_that_is_on_misses_is_named_at_the_start() {
    let database = TestDatabase::sqlite().await;
    let settings = [("DATABASE_URL", database.url()), ("JUDGE_SCORE_ENABLED", "true".to_owned())];
    let (status, output) = start(&settings).await.end().await;
    assert!(!status.success());
    for missing in ["API_BASE_URL", "SERVICE_API_KEY", "HACKATHON_ID"] {
        assert!(output.contains(missing), "{missing}: {output}");
    }
}
