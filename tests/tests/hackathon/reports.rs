//! What becomes of verdicts while the Hub is away.

use shared::hackathon::Criterion;
use tests::{
    cycle::ledger_of_completed,
    databases::TestDatabase,
    hub_fake::{Behaviour, HubFake},
};

use crate::support::{fire, monitor, quarter, reported, verdicts};
use shared::{
    firing::{Firing, Trigger},
    sqs::Deadline,
};

tests::contract!(
    what_the_hub_was_not_told_is_sent_by_the_next_run_once,
    of_several_runs_without_the_hub_the_last_is_sent,
    teams_of_the_last_run_are_judged_while_the_hub_names_none,
    without_any_team_known_a_run_ends_with_nothing,
    an_old_run_says_nothing_after_a_newer_one,
    a_hub_whose_reply_was_lost_is_told_the_same_again,
);

const TEAMS: [(&str, &[(&str, &str)]); 2] = [("amber", &[("MONEY_SPEND", "100")]), ("blue", &[("MONEY_SPEND", "20")])];

const FIRST: [&str; 2] = ["amber BUDGET_TRACKING PASSED 5", "blue BUDGET_TRACKING PASSED 30"];

fn takes_no_updates(_: usize, call: &str) -> Behaviour {
    if call.starts_with("POST") { Behaviour::Fail(503) } else { Behaviour::Answer }
}

async fn states(database: &TestDatabase, run: i64) -> Vec<String> {
    reported(database, run).await.into_values().collect()
}

async fn what_the_hub_was_not_told_is_sent_by_the_next_run_once(database: &TestDatabase) {
    let hub = HubFake::start(TEAMS).await;
    hub.does(takes_no_updates);
    let first = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    assert_eq!(states(database, first.run).await, ["kept", "kept"]);
    let ledger = ledger_of_completed(database, first.run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.skipped.get("kept")), (2, 0, Some(&2)));
    assert_eq!(hub.told(), Vec::<Vec<String>>::new());

    hub.does(|_, _| Behaviour::Answer);
    hub.set("amber", "MONEY_SPEND", "20");
    let second = fire(database, &hub, Criterion::BudgetTracking, quarter(1)).await;
    let now = ["amber BUDGET_TRACKING PASSED 30", "blue BUDGET_TRACKING PASSED 30"];
    assert_eq!(hub.told(), [FIRST, now], "the older before the newer");
    assert_eq!(states(database, first.run).await, ["sent", "sent"]);
    assert_eq!(states(database, second.run).await, ["sent", "sent"]);

    fire(database, &hub, Criterion::BudgetTracking, quarter(2)).await;
    assert_eq!(hub.told(), [FIRST, now, now]);
}

async fn of_several_runs_without_the_hub_the_last_is_sent(database: &TestDatabase) {
    let hub = HubFake::start(TEAMS).await;
    hub.does(takes_no_updates);
    let first = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    let second = fire(database, &hub, Criterion::BudgetTracking, quarter(1)).await;
    assert_eq!(states(database, first.run).await, ["superseded", "superseded"]);
    assert_eq!(states(database, second.run).await, ["kept", "kept"]);
    hub.does(|_, _| Behaviour::Answer);
    fire(database, &hub, Criterion::BudgetTracking, quarter(2)).await;
    assert_eq!(hub.told(), [FIRST, FIRST]);
}

async fn teams_of_the_last_run_are_judged_while_the_hub_names_none(database: &TestDatabase) {
    let hub = HubFake::start(TEAMS).await;
    fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    hub.does(|_, _| Behaviour::Fail(500));
    let second = fire(database, &hub, Criterion::BudgetTracking, quarter(1)).await;
    let scores: Vec<_> = verdicts(database, second.run).await.iter().map(|past| past.verdict.score).collect();
    assert_eq!(scores, [Some(5), Some(30)]);
    assert_eq!(states(database, second.run).await, ["kept", "kept"]);
    hub.does(|_, _| Behaviour::Answer);
    fire(database, &hub, Criterion::BudgetTracking, quarter(2)).await;
    assert_eq!(hub.told(), [FIRST, FIRST, FIRST]);
}

async fn without_any_team_known_a_run_ends_with_nothing(database: &TestDatabase) {
    let hub = HubFake::start(TEAMS).await;
    for (number, behaviour) in (0..).zip([Behaviour::Fail(500), Behaviour::Garbage, Behaviour::Fail(403)]) {
        hub.does(move |_, _| behaviour);
        let fired = fire(database, &hub, Criterion::BudgetTracking, quarter(number)).await;
        assert_eq!(ledger_of_completed(database, fired.run).await.planned, 0, "{behaviour:?}");
    }
    assert!(hub.told().is_empty());
}

async fn an_old_run_says_nothing_after_a_newer_one(database: &TestDatabase) {
    let hub = HubFake::start(TEAMS).await;
    let old = monitor(database, &hub, Criterion::BudgetTracking, quarter(0), &[]).await;
    let opened = old.open(Firing::new(quarter(0), Trigger::Schedule)).await.expect("a run");
    fire(database, &hub, Criterion::BudgetTracking, quarter(1)).await;
    old.go_on(opened.run(), Deadline::none()).await.expect("it goes on");
    assert_eq!(hub.told(), [FIRST]);
    assert_eq!(states(database, opened.run().id).await, ["superseded", "superseded"]);
}

async fn a_hub_whose_reply_was_lost_is_told_the_same_again(database: &TestDatabase) {
    let hub = HubFake::start(TEAMS).await;
    hub.does(|_, call| if call.starts_with("POST") { Behaviour::DoAndDrop } else { Behaviour::Answer });
    let first = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    assert_eq!(states(database, first.run).await, ["kept", "kept"]);
    hub.does(|_, _| Behaviour::Answer);
    fire(database, &hub, Criterion::BudgetTracking, quarter(1)).await;
    assert_eq!(hub.told(), [FIRST, FIRST, FIRST]);
}
