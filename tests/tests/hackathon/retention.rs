//! What is kept of monitors' runs, and what is not.

use chrono::TimeDelta;
use shared::{
    firing::{Firing, Trigger},
    hackathon::Criterion,
    run::close,
    sqs::Deadline,
};
use tests::{
    ask,
    databases::TestDatabase,
    hub_fake::{Behaviour, HubFake},
};

use crate::support::{fire, monitor, quarter, reported};

tests::contract!(
    rosters_and_measurements_of_the_last_runs_are_kept_and_no_others,
    verdicts_are_kept_for_their_days_and_those_of_an_open_run_longer,
);

async fn rosters_and_measurements_of_the_last_runs_are_kept_and_no_others(database: &TestDatabase) {
    let hub = HubFake::start([("amber", &[("MONEY_SPEND", "9")][..])]).await;
    for number in 0..12 {
        fire(database, &hub, Criterion::BudgetTracking, quarter(number)).await;
    }
    for table in ["SELECT COUNT(*) FROM measurements", "SELECT COUNT(*) FROM monitored_teams"] {
        assert_eq!(ask::number(database, table, vec![]).await, 9, "{table}: of the run, and of eight before it");
    }
    assert_eq!(ask::number(database, "SELECT COUNT(*) FROM verdicts", vec![]).await, 12);
    hub.does(|_, _| Behaviour::Fail(500));
    let without = fire(database, &hub, Criterion::BudgetTracking, quarter(12)).await;
    assert_eq!(reported(database, without.run).await["amber"], "kept", "the last roster is there");
}

async fn verdicts_are_kept_for_their_days_and_those_of_an_open_run_longer(database: &TestDatabase) {
    let hub = HubFake::start([("amber", &[("MONEY_SPEND", "9")][..])]).await;
    let day = |number: i32| quarter(0) + TimeDelta::days(1) * number;
    let open = monitor(database, &hub, Criterion::BudgetTracking, day(0), &[]).await;
    let paused = open.open(Firing::new(day(0), Trigger::Schedule)).await.expect("a run").run().id;
    let sql = "INSERT INTO verdicts (run_id, position, hackathon, criterion, team, judged_at, status, score, reason, \
               metrics, reported) SELECT ?, 1, '7', 'JUDGE_SCORE', 'amber', ?, 'PASSED', 1, '', ?, 'sent'";
    ask::execute(database, sql, vec![paused.into(), day(0).into(), "{}".into()]).await;
    let keeping = [("VERDICT_RETENTION_DAYS", "2")];
    for number in 1..7 {
        let monitor = monitor(database, &hub, Criterion::JudgeScore, day(number), &keeping).await;
        let fired = monitor.fire(Firing::new(day(number), Trigger::Schedule), Deadline::none()).await.expect("a run");
        close::try_close(database, monitor.clock(), fired.run).await.expect("closing");
    }
    let kept = ask::number(database, "SELECT COUNT(*) FROM verdicts WHERE run_id > 1", vec![]).await;
    assert_eq!(kept, 3, "the last, and those of two days before it");
    assert_eq!(ask::number(database, "SELECT COUNT(*) FROM verdicts WHERE run_id = 1", vec![]).await, 1);
}
