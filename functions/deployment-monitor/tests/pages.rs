//! More teams than a page: the function's own binary hands them to itself through its queue.

use std::{net::TcpListener, sync::Arc, time::Duration};

use serde_json::{Value, json};
use shared::run::State;
use tests::{
    aws_fake::AwsFake,
    cycle::ledger_of_completed,
    databases::TestDatabase,
    hub_fake::{self, HubFake},
    lambda_fleet::LambdaFleet,
    lambda_host::{Answer, TRACE},
    monitoring::verdicts,
    runs::find,
    sqs_pump::{Function as _, Mapping, SqsPump},
};

tests::contract!(a_firing_hands_pages_out_and_whoever_takes_the_last_ends_the_run);

const FUNCTION: &str = "deployment-monitor";
const EVENT: &str = include_str!("../../../events/deployment-monitor.json");
const QUEUE: &str = "https://sqs.eu-west-3.amazonaws.com/123456789012/almanac-deployment-monitor-pages";
const TEAMS: usize = 600;

/// The address of a server that is not there, which is soon known.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("it listens"))
}

fn fleet(database: &TestDatabase, hub: &HubFake, sqs: &AwsFake) -> Arc<LambdaFleet> {
    let settings = [
        ("DATABASE_URL", database.url()),
        ("DEPLOYMENT_MONITOR_ENABLED", "true".to_owned()),
        ("PROBE_ALLOWED_NETWORKS", "127.0.0.1/32".to_owned()),
        ("MONITOR_QUEUE", QUEUE.to_owned()),
    ];
    let settings = hub_fake::settings(hub).into_iter().chain(settings).chain(sqs.environment());
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    Arc::new(LambdaFleet::new(FUNCTION, env!("CARGO_BIN_EXE_deployment-monitor"), settings))
}

async fn a_firing_hands_pages_out_and_whoever_takes_the_last_ends_the_run(database: &TestDatabase) {
    let (sqs, endpoint) = (AwsFake::start().await, nobody());
    let slugs: Vec<String> = (0..TEAMS).map(|team| format!("team-{team:03}")).collect();
    let variables = [("ENDPOINT_URL", &*endpoint)];
    let hub = HubFake::start(slugs.iter().map(|slug| (&**slug, &variables[..]))).await;
    let fleet = fleet(database, &hub, &sqs);

    let fired = fleet.invoke(serde_json::from_str(EVENT).expect("an event")).await;
    let expected = json!({"run": 1, "key": "2026-11-08T09:15:00", "met": "opened", "plan_complete": false});
    assert_eq!(fired, Answer::Response(expected), "{}", fleet.output());
    let sent: Vec<Value> =
        sqs.messages().iter().map(|message| serde_json::from_str(&message.body).expect("JSON")).collect();
    assert_eq!(sent, [256, 512].map(|after| json!({"run": 1, "after": after})));
    assert!(sqs.messages().iter().all(|message| message.attributes["trace"] == TRACE));
    assert!(hub.told().is_empty(), "they are judged together");

    let mapping = Mapping {
        queue_url: QUEUE.to_owned(),
        queue_arn: "arn:aws:sqs:eu-west-3:123456789012:almanac-deployment-monitor-pages".to_owned(),
        batch_size: 1,
        window: Duration::ZERO,
        most_at_once: 2,
    };
    let closed = async || find(database, 1).await.state != State::Open;
    let seen = SqsPump::new(sqs.queue(), mapping).run(fleet.clone(), closed).await;
    assert_eq!((seen.events, seen.done, seen.failed, sqs.depth()), (2, 2, 0, (0, 0)), "{}", fleet.output());

    let ledger = ledger_of_completed(database, 1).await;
    assert_eq!((ledger.planned, ledger.sent), (TEAMS as u64, TEAMS as u64));
    assert_eq!(hub.told().iter().map(Vec::len).collect::<Vec<_>>(), [TEAMS], "in one call");
    let verdicts = verdicts(database, 1).await;
    let refused = "0 of 12 probes answered as expected, 0 of 1 critical; 12 connection refused";
    assert!(verdicts.iter().all(|past| past.verdict.reason == refused), "{verdicts:?}");
    assert_eq!(verdicts.len(), TEAMS);
    let output = fleet.output();
    assert!(!output.contains(&endpoint) && !output.contains("team-"), "no team and no address is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_was_switched_off_meanwhile_passes_its_pages_over() {
    let database = TestDatabase::sqlite().await;
    let settings = [("DATABASE_URL".to_owned(), database.url())];
    let function = LambdaFleet::new(FUNCTION, env!("CARGO_BIN_EXE_deployment-monitor"), settings);
    let record = |body: &str| {
        json!({"messageId": body, "body": body, "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-3:123456789012:almanac-deployment-monitor-pages"})
    };
    let event = json!({"Records": [record(r#"{"run":1,"after":256}"#), record("no page")]});
    let failed = json!({"batchItemFailures": [{"itemIdentifier": "no page"}]});
    assert_eq!(function.invoke(event).await, Answer::Response(failed));
    assert!(function.output().contains("every monitor of this function is switched off"), "{}", function.output());
}
