//! When changes are told.

use shared::hackathon::Criterion;
use tests::{databases::TestDatabase, hub_fake::HubFake};

use crate::support::{fire, quarter, reported};

tests::contract!(a_team_whose_status_goes_to_and_fro_is_told_of_when_it_has_settled);

async fn a_team_whose_status_goes_to_and_fro_is_told_of_when_it_has_settled(database: &TestDatabase) {
    let hub = HubFake::start([("amber", &[("MONEY_SPEND", "9")][..]), ("blue", &[("MONEY_SPEND", "5")])]).await;
    let mut became = Vec::new();
    // Whether blue's spend can be read.
    for (number, readable) in [true, false, true, true, false, true, true, true].into_iter().enumerate() {
        hub.set("blue", "MONEY_SPEND", if readable { "5" } else { "many" });
        let at = quarter(i32::try_from(number).expect("few"));
        let fired = fire(database, &hub, Criterion::BudgetTracking, at).await;
        let of_run = reported(database, fired.run).await;
        assert_eq!(of_run["amber"], "sent", "whoever is steady is told of each time");
        became.push(of_run["blue"].clone());
    }
    assert_eq!(became, ["sent", "sent", "settling", "settling", "sent", "settling", "settling", "sent"]);
    let of_blue: Vec<String> = hub.told().into_iter().flatten().filter(|told| told.starts_with("blue")).collect();
    assert_eq!(
        of_blue,
        [
            "blue BUDGET_TRACKING PASSED 30",
            "blue BUDGET_TRACKING NO_DATA -",
            "blue BUDGET_TRACKING NO_DATA -",
            "blue BUDGET_TRACKING PASSED 30",
        ]
    );
}
