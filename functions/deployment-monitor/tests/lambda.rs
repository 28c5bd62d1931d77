//! The function's own binary, as Lambda runs it.

use std::net::TcpListener;

use serde_json::{Value, json};
use tests::{
    ask,
    databases::TestDatabase,
    hub_fake::{self, HubFake, KEY},
    lambda_host::{Answer, LambdaHost},
};

const FUNCTION: &str = "deployment-monitor";
const EVENT: &str = include_str!("../../../events/deployment-monitor.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_deployment-monitor"), settings).await.expect("the binary starts")
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

/// The settings of a monitor that is on.
fn on(database: &TestDatabase, hub: &HubFake) -> Vec<(&'static str, String)> {
    let on = [("DATABASE_URL", database.url()), ("DEPLOYMENT_MONITOR_ENABLED", "true".to_owned())];
    hub_fake::settings(hub).into_iter().chain(on).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_event_and_a_request_probe_what_teams_have_deployed_past_every_proxy() {
    let (database, nobody) = (TestDatabase::sqlite().await, TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("it listens"));
    // Nothing listens there any more.
    let endpoint = address(&nobody);
    drop(nobody);
    let hub = HubFake::start([("amber", &[("ENDPOINT_URL", &*endpoint)][..]), ("blue", &[])]).await;
    let mut settings = on(&database, &hub);
    settings.push(("PROBE_ALLOWED_NETWORKS", "127.0.0.1/32".to_owned()));
    settings.extend(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, address(&proxy))));
    let mut function = start(&settings).await;
    let judged = |run: i64| json!({"run": run, "key": "2026-11-08T09:15:00", "met": "opened", "plan_complete": true});
    assert_eq!(function.invoke(event()).await, Answer::Response(judged(1)));
    let request = json!({"source": "almanac", "detail-type": "run-requested",
        "detail": {"version": 1, "job": FUNCTION, "scheduled_time": "2026-11-08T09:30:00Z"}});
    let Answer::Response(answered) = function.invoke(request).await else { panic!("a run") };
    assert_eq!((&answered["key"], &answered["met"]), (&json!("2026-11-08T09:30:00"), &json!("opened")));
    let told = ["amber DEPLOYED_SOLUTION FAILED 0", "blue DEPLOYED_SOLUTION NO_DATA -"];
    assert_eq!(hub.told(), [told, told]);
    let reasons = ask::texts(&database, "SELECT reason FROM verdicts WHERE run_id = 1 ORDER BY position", vec![]).await;
    let refused = "0 of 12 probes answered as expected, 0 of 1 critical; 12 connection refused";
    assert_eq!(reasons, [refused, "ENDPOINT_URL is not set"]);
    proxy.set_nonblocking(true).expect("a socket of ours");
    assert!(proxy.accept().is_err(), "nobody asked the proxy");
    let output = function.output();
    assert!(!output.contains(KEY) && !output.contains(&endpoint), "neither the key nor an address is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_of_its_own_a_function_refuses_this_machine() {
    let (database, trap) = (TestDatabase::sqlite().await, TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let endpoint = format!("http://{}", trap.local_addr().expect("it listens"));
    let hub = HubFake::start([("amber", &[("ENDPOINT_URL", &*endpoint)][..])]).await;
    let mut function = start(&on(&database, &hub)).await;
    assert!(matches!(function.invoke(event()).await, Answer::Response(_)));
    assert_eq!(hub.told(), [["amber DEPLOYED_SOLUTION FAILED 0"]]);
    trap.set_nonblocking(true).expect("a socket of ours");
    assert!(trap.accept().is_err(), "nobody connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_is_switched_off_does_nothing_and_needs_nothing() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&[("DATABASE_URL", database.url())]).await;
    assert_eq!(
        function.invoke(event()).await,
        Answer::Response(json!({"met": "switched off", "criterion": "DEPLOYED_SOLUTION"}))
    );
    assert_eq!(ask::number(&database, "SELECT COUNT(*) FROM runs", vec![]).await, 0);
}

#[tokio::test]
async fn rules_that_would_destroy_and_certificates_that_are_none_stop_the_start_and_are_named() {
    let (database, hub) = (TestDatabase::sqlite().await, HubFake::start([]).await);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    let rules = include_str!("../../../infra/rules/deployment-monitor.json").replace("/api/seats/select", "/api/reset");
    let name = || file.to_str().expect("a plain path").to_owned();
    for (setting, text, said) in [
        ("DEPLOYMENT_MONITOR_RULES", &*rules, "probes[6].destructive: PATCH /api/reset destroys what a team has"),
        ("DEPLOYMENT_MONITOR_RULES", "{}", "missing field `rule`"),
        ("PROBE_CA_FILE", "no certificate", "it holds no certificate"),
    ] {
        std::fs::write(&file, text).expect("writable");
        let (status, output) = start(&[&on(&database, &hub)[..], &[(setting, name())]].concat()).await.end().await;
        assert!(!status.success());
        assert!(output.contains(setting) && output.contains(&name()) && output.contains(said), "{output}");
    }
}
