//! A monitor's run, from the roster to the Hub.

use futures_util::FutureExt;
use shared::{
    firing::{Firing, Trigger},
    hackathon::{self, Criterion, Status},
    records::Records,
    run::ledger::Ledger,
    sqs::Deadline,
};
use tests::{ask, cycle::ledger_of_completed, databases::TestDatabase, hub_fake::HubFake, monitoring};

use crate::{
    looking::Looking,
    support::{fire, looking_monitor, monitor, quarter, verdicts},
};

tests::contract!(
    teams_are_judged_together_and_the_hub_is_told_once,
    judges_scores_are_passed_on_by_a_run_of_their_own,
    an_item_that_the_hub_refuses_is_kept_as_failed_and_the_others_are_sent,
    any_number_of_firings_at_once_tell_the_hub_once,
    a_run_that_was_cut_off_anywhere_is_finished_by_the_next,
    the_history_of_a_team_is_there_the_latest_first,
    a_cancelled_run_has_an_outcome_for_each_team,
    what_was_measured_when_time_was_up_is_not_measured_again,
);

async fn what_was_measured_when_time_was_up_is_not_measured_again(database: &TestDatabase) {
    let hub = HubFake::start(SPENDS).await;
    let looking = Looking::new();
    let monitor = looking_monitor(database, &hub, &looking, None).await;
    let deadline = looking.stuck_at(3);
    let fired = monitor.fire(Firing::new(quarter(0), Trigger::Schedule), deadline).await.expect("a run");
    assert!(!fired.plan_complete);
    assert_eq!(ask::number(database, "SELECT COUNT(*) FROM measurements", vec![]).await, 2);
    looking.goes_on();
    monitoring::fire(&*monitor, &hub, quarter(0)).await;
    assert_eq!(looking.looked_at(), ["amber", "blue", "coral", "coral", "denim"]);
    let points = ["amber", "blue", "coral", "denim"].into_iter().zip(1..);
    let told: Vec<String> = points.map(|(team, points)| format!("{team} BUDGET_TRACKING PASSED {points}")).collect();
    assert_eq!(hub.told(), [told]);
}

const SPENDS: [(&str, &[(&str, &str)]); 4] = [
    ("amber", &[("MONEY_SPEND", "100"), ("JUDGE_SCORE", "7.5")]),
    ("blue", &[("MONEY_SPEND", "20"), ("JUDJE_SCORE", "11")]),
    ("coral", &[("MONEY_SPEND", "********"), ("JUDGE_SCORE", "0")]),
    ("denim", &[("MONEY_SPEND", "60.0")]),
];

const BUDGET: [&str; 4] = [
    "amber BUDGET_TRACKING PASSED 5",
    "blue BUDGET_TRACKING PASSED 30",
    "coral BUDGET_TRACKING NO_DATA -",
    "denim BUDGET_TRACKING PASSED 18",
];

async fn ledger(records: &Records, run: i64) -> Ledger {
    ledger_of_completed(records, run).await
}

async fn teams_are_judged_together_and_the_hub_is_told_once(database: &TestDatabase) {
    let hub = HubFake::start(SPENDS).await;
    let fired = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    assert_eq!((fired.met, &*fired.key), ("opened", "2026-11-08T09:00:00"));
    let again = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    assert_eq!((again.run, again.met), (fired.run, "closed"));

    assert_eq!(hub.told(), [BUDGET]);
    assert_eq!(
        hub.calls(),
        [
            "GET /api/service/teams?hackathonId=7&status=APPROVED",
            "GET /api/service/teams/environment",
            "POST /api/service/team-criteria",
        ]
    );
    let ledger = ledger(database, fired.run).await;
    assert_eq!((ledger.planned, ledger.sent), (4, 4));
    let kept = ask::texts(database, "SELECT variables FROM monitored_teams ORDER BY position", vec![]).await;
    assert_eq!(kept[0], r#"{"MONEY_SPEND":"100"}"#, "no other variable is kept");
}

async fn judges_scores_are_passed_on_by_a_run_of_their_own(database: &TestDatabase) {
    let hub = HubFake::start(SPENDS).await;
    let budget = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    let judges = fire(database, &hub, Criterion::JudgeScore, quarter(0)).await;
    assert_ne!(budget.run, judges.run, "two jobs at one time");
    let told = [
        "amber JUDGE_SCORE PASSED 8",
        "blue JUDGE_SCORE PASSED 10",
        "coral JUDGE_SCORE NO_DATA -",
        "denim JUDGE_SCORE NO_DATA -",
    ];
    assert_eq!(hub.told(), [BUDGET, told]);
}

async fn an_item_that_the_hub_refuses_is_kept_as_failed_and_the_others_are_sent(database: &TestDatabase) {
    let hub = HubFake::start(SPENDS).await;
    hub.refuses("blue", "Team not found\nor so");
    let fired = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    let ledger = ledger(database, fired.run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.failed), (4, 3, 1));
    let refused: Vec<_> =
        verdicts(database, fired.run).await.into_iter().filter(|past| !past.error.is_empty()).collect();
    assert_eq!((&*refused[0].team, &*refused[0].error), ("blue", "Team not found or so"));
    assert_eq!(refused.len(), 1);

    fire(database, &hub, Criterion::BudgetTracking, quarter(1)).await;
    assert_eq!(hub.told().len(), 2, "what was refused is not said again by itself");
}

async fn any_number_of_firings_at_once_tell_the_hub_once(database: &TestDatabase) {
    let hub = HubFake::start(SPENDS).await;
    let firings = (0..8).map(|_| fire(database, &hub, Criterion::BudgetTracking, quarter(0)));
    let runs: Vec<i64> = futures_util::future::join_all(firings).await.into_iter().map(|fired| fired.run).collect();
    assert!(runs.iter().all(|run| *run == runs[0]));
    assert_eq!(hub.told(), [BUDGET]);
    assert_eq!(ledger(database, runs[0]).await.sent, 4);
}

async fn a_run_that_was_cut_off_anywhere_is_finished_by_the_next(database: &TestDatabase) {
    // A stop that has been asked for ends it after each step: opened, roster, measured, judged, told.
    let hub = HubFake::start(SPENDS).await;
    let monitor = monitor(database, &hub, Criterion::BudgetTracking, quarter(0), &[]).await;
    let opened = monitor.open(Firing::new(quarter(0), Trigger::Schedule)).await.expect("a run");
    let id = opened.run().id;
    let mut seen = Vec::new();
    loop {
        let run = database.read(move |tx| shared::run::Run::find(tx, id).boxed()).await.expect("readable");
        let run = run.expect("it is there");
        if run.plan_complete {
            break;
        }
        seen.push(run.checkpoint);
        // Dropped after its first step, wherever that leaves it.
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let going = monitor.go_on(&run, Deadline::none().or_when(stopping));
        tokio::pin!(going);
        loop {
            tokio::select! {
                ended = &mut going => { ended.expect("no failure"); break; }
                () = tokio::task::yield_now() => {}
            }
            let now = database.read(move |tx| shared::run::Run::find(tx, id).boxed()).await.expect("readable");
            let now = now.expect("it is there");
            if now.checkpoint != run.checkpoint || now.plan_complete {
                stop.send_replace(true);
                break;
            }
        }
        database.shift_lease_clock(std::time::Duration::from_secs(200));
    }
    assert!(seen.len() >= 3, "{seen:?}");
    let fired = fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    assert_eq!(fired.run, id);
    assert_eq!(ledger(database, id).await.sent, 4);
    assert!(hub.told().iter().all(|told| *told == BUDGET), "whoever tells again says the same");
}

async fn the_history_of_a_team_is_there_the_latest_first(database: &TestDatabase) {
    let hub = HubFake::start(SPENDS).await;
    fire(database, &hub, Criterion::BudgetTracking, quarter(0)).await;
    hub.set("denim", "MONEY_SPEND", "10");
    fire(database, &hub, Criterion::BudgetTracking, quarter(1)).await;
    hub.set("denim", "MONEY_SPEND", "a lot");
    fire(database, &hub, Criterion::BudgetTracking, quarter(2)).await;
    let read = database
        .read(|tx| hackathon::history(tx, tests::hub_fake::HACKATHON, Criterion::BudgetTracking, "denim", 10).boxed());
    let history = read.await.expect("readable");
    let said: Vec<_> = history.iter().map(|past| (past.judged_at, past.verdict.status, past.verdict.score)).collect();
    assert_eq!(
        said,
        [
            (quarter(2), Status::NoData, None),
            (quarter(1), Status::Passed, Some(30)),
            (quarter(0), Status::Passed, Some(18)),
        ]
    );
    assert_eq!(history[0].verdict.reason, "MONEY_SPEND is no decimal number, or is masked");
}

async fn a_cancelled_run_has_an_outcome_for_each_team(database: &TestDatabase) {
    let hub = HubFake::start(SPENDS).await;
    let monitor = monitor(database, &hub, Criterion::BudgetTracking, quarter(0), &[]).await;
    let id = monitor.open(Firing::new(quarter(0), Trigger::Schedule)).await.expect("a run").run().id;
    let one = |sql: &'static str| ask::execute(database, sql, vec![]);
    // As after the roster, whose step counts what is planned.
    let sql = "INSERT INTO monitored_teams (run_id, position, team, name, variables) VALUES (?, 1, 'a', '', ?), \
               (?, 2, 'b', '', ?)";
    ask::execute(database, sql, vec![id.into(), "{}".into(), id.into(), "{}".into()]).await;
    one("UPDATE runs SET checkpoint = 1, planned = 2, control = 'cancel' WHERE id = 1").await;
    let closed = shared::run::close::try_close(database, monitor.clock(), id).await.expect("closing").expect("closed");
    let ledger = closed.closing_ledger().expect("a ledger");
    assert_eq!((ledger.is_balanced(), ledger.skipped.get("cancelled")), (true, Some(&2)));
}
