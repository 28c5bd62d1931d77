//! An alert is said once when its condition is met, and once when it has cleared.

use std::time::Duration;

use futures_util::{FutureExt, future::join_all};
use serde_json::{Value, json};
use shared::{
    alerts::{self, Alert, Severity},
    clock::Clock,
    records::{Records, RecordsError, Result, Tx},
    run::{self, close::try_close},
};
use tests::{
    ask::{number, texts},
    databases::TestDatabase,
    runs::{find, open_run, plan_by_hand},
};

tests::contract!(
    an_alert_is_said_to_people_and_on_the_bus_when_it_is_raised_and_when_it_clears,
    what_is_said_is_what_the_schema_describes,
    of_many_who_find_a_condition_at_once_one_says_it,
    each_subject_has_an_alert_of_its_own,
    what_a_transaction_takes_back_is_not_said,
    a_stuck_run_is_said_once_and_is_over_with_its_closing,
    a_run_that_is_closed_is_not_stuck,
);

const KINDS: &str = "SELECT kind FROM outbox ORDER BY id";
const BODIES: &str = "SELECT body FROM outbox WHERE kind = 'alerts-triggered' ORDER BY id";
const ON_THE_BUS: &str = "SELECT COUNT(*) FROM outbox WHERE kind = 'alerts-triggered'";

const HOUR: Duration = Duration::from_secs(3_600);

fn queue_age(subject: &str) -> Alert<'_> {
    Alert {
        job: "health-check",
        cause: "queue-age",
        subject,
        severity: Severity::Medium,
        message: "the oldest batch waits for 7200 s".to_owned(),
        run: None,
        value: Some(7_200.0),
        threshold: Some(3_600.0),
    }
}

async fn raise(records: &Records, subject: &'static str) -> Result<bool> {
    records.transaction(move |tx| async move { alerts::raise(tx, &queue_age(subject)).await }.boxed()).await
}

async fn clear(records: &Records, subject: &'static str) -> Result<bool> {
    records.transaction(move |tx| alerts::clear(tx, "health-check", "queue-age", subject).boxed()).await
}

async fn said(records: &Records) -> Vec<Value> {
    let bodies = texts(records, BODIES, vec![]).await;
    bodies.iter().map(|body| serde_json::from_str(body).expect("JSON")).collect()
}

async fn an_alert_is_said_to_people_and_on_the_bus_when_it_is_raised_and_when_it_clears(database: &TestDatabase) {
    assert!(!clear(database, "").await.expect("cleared"), "it was never raised");
    for round in 1..=2 {
        for first in [true, false, false] {
            assert_eq!(raise(database, "").await.expect("raised"), first);
        }
        assert_eq!(number(database, "SELECT times FROM alerts WHERE state = 'raised'", vec![]).await, 3);
        for first in [true, false] {
            assert_eq!(clear(database, "").await.expect("cleared"), first);
        }
        let kinds = ["alert", "alerts-triggered"].repeat(2 * round);
        assert_eq!(texts(database, KINDS, vec![]).await, kinds);
    }
    let states = said(database).await.iter().map(|event| event["alerts"][0]["state"].clone()).collect::<Vec<_>>();
    assert_eq!(states, ["raised", "cleared", "raised", "cleared"]);
    assert_eq!(number(database, "SELECT COUNT(*) FROM alerts", vec![]).await, 1);
}

async fn what_is_said_is_what_the_schema_describes(database: &TestDatabase) {
    let run = open_run(database).await;
    raise(database, "").await.expect("raised");
    clear(database, "").await.expect("cleared");
    run::alerts::stuck(database, &run, 2 * HOUR, HOUR).await.expect("raised");
    let schema = include_str!("../../../infra/events/alerts-triggered.schema.json");
    let schema = jsonschema::draft202012::new(&serde_json::from_str(schema).expect("JSON")).expect("a schema");
    let events = said(database).await;
    for detail in &events {
        let event = json!({"source": "almanac", "detail-type": "alerts-triggered", "detail": detail});
        let faults: Vec<_> = schema.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
    assert_eq!(texts(database, "SELECT body FROM outbox WHERE kind = 'alert' ORDER BY id", vec![]).await, {
        texts(database, BODIES, vec![]).await
    });
    let stuck = json!({
        "cause": "run-stuck", "subject": format!("run-{}", run.id), "severity": "high", "state": "raised",
        "message": format!("run {} of test ({}) takes longer than 1 h", run.id, run.key), "run": run.id,
        "value": 2.0, "threshold": 1.0,
    });
    assert_eq!((events.len(), &events[2]["alerts"][0]), (3, &stuck));
}

async fn of_many_who_find_a_condition_at_once_one_says_it(database: &TestDatabase) {
    let other_process = database.another_handle().await;
    let handle = |number| if number % 2 == 0 { database.records().clone() } else { other_process.clone() };
    for _ in 0..5 {
        let raising = (0..12).map(|number| {
            let records = handle(number);
            tokio::spawn(async move { raise(&records, "").await })
        });
        let said = join_all(raising)
            .await
            .into_iter()
            .filter(|said| *said.as_ref().expect("no panic").as_ref().expect("raised"));
        assert_eq!(said.count(), 1);
        let clearing = (0..12).map(|number| {
            let records = handle(number);
            tokio::spawn(async move { clear(&records, "").await })
        });
        let said = join_all(clearing)
            .await
            .into_iter()
            .filter(|said| *said.as_ref().expect("no panic").as_ref().expect("cleared"));
        assert_eq!(said.count(), 1);
    }
    assert_eq!(number(database, ON_THE_BUS, vec![]).await, 10);
}

async fn each_subject_has_an_alert_of_its_own(database: &TestDatabase) {
    assert!(raise(database, "one").await.expect("raised") && raise(database, "another").await.expect("raised"));
    assert!(clear(database, "one").await.expect("cleared"));
    assert_eq!(texts(database, "SELECT subject FROM alerts WHERE state = 'raised'", vec![]).await, ["another"]);
}

async fn raise_and_fail(tx: &mut Tx) -> Result<()> {
    alerts::raise(tx, &queue_age("")).await?;
    Err(RecordsError::Fenced)
}

async fn what_a_transaction_takes_back_is_not_said(database: &TestDatabase) {
    let fails = database.transaction(|tx| raise_and_fail(tx).boxed());
    fails.await.expect_err("it decides against itself");
    assert!(texts(database, KINDS, vec![]).await.is_empty());
    assert!(raise(database, "").await.expect("raised"), "nobody has said it yet");
}

async fn a_stuck_run_is_said_once_and_is_over_with_its_closing(database: &TestDatabase) {
    let run = open_run(database).await;
    for first in [true, false] {
        assert_eq!(run::alerts::stuck(database, &run, 2 * HOUR, HOUR).await.expect("raised"), first);
    }
    plan_by_hand(database, run.id, 0, true).await;
    try_close(database, &Clock::system(), run.id).await.expect("tried").expect("closed");
    let events = said(database).await;
    assert_eq!(events.len(), 2);
    assert_eq!((&events[1]["job"], &events[1]["alerts"][0]["state"]), (&"run-keeper".into(), &"cleared".into()));
    assert_eq!(events[1]["alerts"][0]["run"], run.id);
}

async fn a_run_that_is_closed_is_not_stuck(database: &TestDatabase) {
    let run = open_run(database).await;
    plan_by_hand(database, run.id, 0, true).await;
    try_close(database, &Clock::system(), run.id).await.expect("tried").expect("closed");
    assert!(!run::alerts::stuck(database, &find(database, run.id).await, 2 * HOUR, HOUR).await.expect("asked"));
    assert_eq!(number(database, ON_THE_BUS, vec![]).await, 0);
}
