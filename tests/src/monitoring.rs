//! Firing monitors, and what came of it.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shared::{
    aws::Aws,
    clock::Clock,
    config::MonitorSettings,
    firing::{Firing, Trigger},
    hackathon::{self, Monitoring, Past},
    records::Records,
    run::job::{Fired, Job},
    sqs::Deadline,
};

use crate::hub_fake::HubFake;

/// A quarter of an hour's firing, and those after it.
pub fn quarter(number: i32) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2026-11-08T09:00:00Z".parse().expect("a moment");
    first + TimeDelta::minutes(15) * number
}

/// What monitors stand on, some of which are switched on.
pub async fn monitoring(settings: MonitorSettings, records: &Records, clock: &Clock) -> Monitoring {
    let monitoring = Monitoring::of(settings, &Aws::from_environment(), records, clock).await;
    monitoring.expect("certificates").expect("one is on")
}

/// Fires a monitor for a moment, to the run's end; the Hub finds nothing wrong with what it is told.
pub async fn fire(monitor: &dyn Job, hub: &HubFake, at: DateTime<Utc>) -> Fired {
    let fired = monitor.fire(Firing::new(at, Trigger::Schedule), Deadline::none()).await.expect("a run");
    assert!(fired.plan_complete);
    assert_eq!(hub.faults(), Vec::<String>::new());
    fired
}

/// A run's verdicts.
pub async fn verdicts(records: &Records, run: i64) -> Vec<Past> {
    records.read(move |tx| hackathon::verdicts_of(tx, run, 1_000).boxed()).await.expect("readable")
}
