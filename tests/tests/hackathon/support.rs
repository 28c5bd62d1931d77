//! What the tests of monitors stand on.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use shared::{
    clock::Clock,
    config::{CostSettings, MonitorSettings, Values},
    hackathon::{Criterion, PagedJob},
    queue::Queue,
    records::Records,
    run::job::{Fired, Job},
};
use tests::{
    hub_fake::{self, HubFake},
    monitoring,
};

use crate::looking::Looking;

pub use tests::monitoring::{quarter, verdicts};

/// The monitor of a criterion, whose clock stands at a moment, with settings beside those of the Hub.
pub async fn monitor(
    records: &Records,
    hub: &HubFake,
    criterion: Criterion,
    at: DateTime<Utc>,
    others: &[(&str, &str)],
) -> Arc<dyn Job> {
    let others = others.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let (settings, costs): (MonitorSettings, CostSettings) =
        Values::gather(hub_fake::settings(hub).into_iter().chain(others), None).read().expect("settings");
    let monitoring = monitoring::monitoring(settings, records, &Clock::standing_at(at)).await;
    let monitors = cost_tracking::monitors(&monitoring, &costs).expect("rules");
    monitors.into_iter().find(|monitor| monitor.name() == criterion.job()).expect("it is on")
}

/// The monitor that looks at one team after the other, and hands pages out by that queue.
pub async fn looking_monitor(
    records: &Records,
    hub: &HubFake,
    looking: &Looking,
    workers: Option<Arc<dyn Queue>>,
) -> Arc<dyn PagedJob> {
    let settings = hub_fake::settings(hub).into_iter().chain([("MAX_CONCURRENT_JOBS", "1".to_owned())]);
    let settings = Values::gather(settings, None).read().expect("settings");
    let monitoring = monitoring::monitoring(settings, records, &Clock::standing_at(quarter(0))).await;
    monitoring.with_workers(workers).job(looking.clone())
}

/// Fires the monitor of a criterion for a moment, to the run's end.
pub async fn fire(records: &Records, hub: &HubFake, criterion: Criterion, at: DateTime<Utc>) -> Fired {
    monitoring::fire(&*monitor(records, hub, criterion, at, &[]).await, hub, at).await
}

/// What became of a run's verdicts: team, and what the Hub did.
pub async fn reported(records: &Records, run: i64) -> BTreeMap<String, String> {
    let verdicts = verdicts(records, run).await.into_iter();
    verdicts.map(|past| (past.team, past.reported.as_str().to_owned())).collect()
}
