//! What the tests of monitors stand on.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use cost_tracking::Rules;
use futures_util::FutureExt;
use shared::{
    aws::Aws,
    clock::Clock,
    config::{MonitorSettings, Values},
    firing::{Firing, Trigger},
    hackathon::{self, Criterion, Past, hub::Hub},
    records::Records,
    run::job::{Fired, Job},
    sqs::Deadline,
};
use tests::hub_fake::{self, HubFake};

/// A quarter of an hour's firing, and those after it.
pub fn quarter(number: u32) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2026-11-08T09:00:00Z".parse().expect("a moment");
    first + chrono::TimeDelta::minutes(15) * i32::try_from(number).expect("a small number")
}

/// The monitor of a criterion, whose clock stands at a moment, with settings beside those of the Hub.
pub async fn monitor(
    records: &Records,
    hub: &HubFake,
    criterion: Criterion,
    at: DateTime<Utc>,
    others: &[(&str, &str)],
) -> Arc<dyn Job> {
    let others = others.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let settings: MonitorSettings =
        Values::gather(hub_fake::settings(hub).into_iter().chain(others), None).read().expect("settings");
    let client = Hub::from_settings(settings.hub.as_ref().expect("it is on"), &Aws::from_environment()).await;
    let clock = Clock::standing_at(at);
    let monitors =
        cost_tracking::monitors(&settings, records, &clock, &client.expect("certificates"), Rules::built_in());
    monitors.into_iter().find(|monitor| monitor.name() == criterion.job()).expect("it is on")
}

/// Fires the monitor of a criterion for a moment, to the run's end.
pub async fn fire(records: &Records, hub: &HubFake, criterion: Criterion, at: DateTime<Utc>) -> Fired {
    let monitor = monitor(records, hub, criterion, at, &[]).await;
    let fired = monitor.fire(Firing::new(at, Trigger::Schedule), Deadline::none()).await.expect("a run");
    assert!(fired.plan_complete);
    assert_eq!(hub.faults(), Vec::<String>::new());
    fired
}

/// What became of a run's verdicts: team, and what the Hub did.
pub async fn reported(records: &Records, run: i64) -> BTreeMap<String, String> {
    let verdicts = verdicts(records, run).await.into_iter();
    verdicts.map(|past| (past.team, past.reported.as_str().to_owned())).collect()
}

/// A run's verdicts.
pub async fn verdicts(records: &Records, run: i64) -> Vec<Past> {
    records.read(move |tx| hackathon::verdicts_of(tx, run, 1_000).boxed()).await.expect("readable")
}
