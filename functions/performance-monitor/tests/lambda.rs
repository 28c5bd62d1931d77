//! The function's own binary, as Lambda runs it.

use serde_json::{Value, json};
use tests::{
    databases::TestDatabase,
    hub_fake::{self, HubFake, KEY},
    lambda_host::{Answer, LambdaHost},
    prometheus::PrometheusServer,
};

const FUNCTION: &str = "performance-monitor";
const EVENT: &str = include_str!("../../../events/performance-monitor.json");
const TOKEN: &str = "glsa_0123456789abcdef";

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_performance-monitor"), settings).await.expect("the binary starts")
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_event_runs_the_monitor_that_it_names_and_shows_no_token() {
    let (database, hub) = (TestDatabase::sqlite().await, HubFake::start([("amber", &[][..])]).await);
    let prometheus =
        PrometheusServer::start(|_| "k6_http_reqs_total{testid=\"amber-events-1000-events-1\"} 5\n".to_owned()).await;
    let own = [
        ("DATABASE_URL", database.url()),
        ("EVENT_SEARCH_ENABLED", "true".to_owned()),
        ("PROMETHEUS_URL", prometheus.url()),
        ("GRAFANA_TOKEN", TOKEN.to_owned()),
    ];
    let mut function = start(&[&own[..], &hub_fake::settings(&hub)].concat()).await;
    let Answer::Response(answer) = function.invoke(event()).await else { panic!("it fails") };
    assert_eq!([&answer["met"], &answer["plan_complete"]], [&json!("opened"), &json!(true)]);
    let off = json!({"scheduled_time": "2026-11-08T06:00:00Z", "criterion": "TICKET_BOOKING"});
    let said = json!({"met": "switched off", "criterion": "TICKET_BOOKING"});
    assert_eq!(function.invoke(off).await, Answer::Response(said));
    assert_eq!(hub.told(), [["amber EVENT_SEARCH PASSED 10"]]);
    let output = function.output();
    assert!(!output.contains(KEY) && !output.contains(TOKEN), "keys are in no log");
}

#[tokio::test]
async fn where_prometheus_is_must_be_said_and_only_once() {
    let database = TestDatabase::sqlite().await;
    let on = [("DATABASE_URL", database.url()), ("TICKET_BOOKING_ENABLED", "true".to_owned())];
    let (status, output) = start(&on).await.end().await;
    assert!(!status.success() && output.contains("PROMETHEUS_URL"), "{output}");
    let both = [
        ("PROMETHEUS_URL", "http://prometheus:9090".to_owned()),
        ("GRAFANA_API_URL", "https://grafana.example.org".to_owned()),
    ];
    let (status, output) = start(&[&on[..], &both].concat()).await.end().await;
    assert!(!status.success() && output.contains("stands beside GRAFANA_API_URL"), "{output}");
}
