//! How monitors fare.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use shared::hackathon::{
    Criterion,
    health::{self, Condition, Health},
};
use tests::{
    databases::TestDatabase,
    hub_fake::{Behaviour, HubFake},
};

use crate::support::{fire, quarter};

tests::contract!(a_monitor_that_cannot_tell_the_hub_three_times_in_a_row_is_unhealthy_until_it_can);

async fn healths(database: &TestDatabase) -> BTreeMap<String, Health> {
    database.read(|tx| health::all(tx).boxed()).await.expect("readable")
}

async fn a_monitor_that_cannot_tell_the_hub_three_times_in_a_row_is_unhealthy_until_it_can(database: &TestDatabase) {
    let hub = HubFake::start([("amber", &[("MONEY_SPEND", "9")][..])]).await;
    let mut conditions = Vec::new();
    for number in 0..6 {
        let away = (1..4).contains(&number);
        hub.does(move |_, _| if away { Behaviour::Fail(503) } else { Behaviour::Answer });
        fire(database, &hub, Criterion::BudgetTracking, quarter(number)).await;
        conditions.push(healths(database).await["cost-tracking"].condition());
    }
    use Condition::{Degraded, Healthy, Unhealthy};
    assert_eq!(conditions, [Healthy, Degraded, Degraded, Unhealthy, Degraded, Degraded], "more than a tenth failed");
    let health = healths(database).await.remove("cost-tracking").expect("it was executed");
    assert_eq!((health.succeeded, health.failed, health.failed_in_row, health.teams), (3, 3, 0, 6));
    assert!(health.last_fault.starts_with("the Hub "), "{}", health.last_fault);
}
