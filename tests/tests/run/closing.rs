//! A run closes once, by one, when nothing of it is left to do.

use futures_util::future::join_all;
use shared::{
    clock::Clock,
    run::{
        State,
        close::try_close,
        control::{self, Control},
    },
};
use tests::{
    ask::{execute, texts},
    databases::TestDatabase,
    runs::{add_open_batch, add_planned_batch, find, open_run, plan_by_hand},
};

tests::contract!(
    a_run_does_not_close_while_a_batch_is_unfinished,
    a_run_does_not_close_before_its_plan_is_complete,
    a_cancelled_run_closes_without_a_complete_plan,
    of_many_who_try_at_once_one_closes_and_what_is_said_is_said_once,
    a_run_whose_ledger_does_not_balance_has_failed_and_alerts,
    a_run_that_is_not_there_cannot_be_closed,
);

const KINDS: &str = "SELECT kind FROM outbox WHERE run_id = ? ORDER BY id";

async fn closes(database: &TestDatabase, run: i64) -> bool {
    try_close(database, &Clock::system(), run).await.expect("tried").is_some()
}

async fn a_run_does_not_close_while_a_batch_is_unfinished(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let (planned, open) = (add_planned_batch(database, run, 0).await, add_open_batch(database, run, 0).await);
    assert!(!closes(database, run).await);
    for (state, batch) in [("done", planned), ("parked", open)] {
        assert!(!closes(database, run).await);
        execute(database, "UPDATE batches SET state = ? WHERE id = ?", vec![state.into(), batch.into()]).await;
    }
    assert!(closes(database, run).await);
    assert!(!closes(database, run).await, "closed once");
}

async fn a_run_does_not_close_before_its_plan_is_complete(database: &TestDatabase) {
    let run = open_run(database).await.id;
    assert!(!closes(database, run).await);
    control::set(database, run, Control::Pause).await.expect("paused");
    assert!(!closes(database, run).await);
    plan_by_hand(database, run, 0, true).await;
    assert!(closes(database, run).await, "a pause does not keep a finished run open");
}

async fn a_cancelled_run_closes_without_a_complete_plan(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_planned_batch(database, run, 4).await;
    plan_by_hand(database, run, 0, false).await;
    control::set(database, run, Control::Cancel).await.expect("cancelled");
    assert!(!closes(database, run).await, "a batch is left");
    execute(database, "UPDATE batches SET state = 'cancelled' WHERE id = ?", vec![batch.into()]).await;
    assert!(closes(database, run).await);
    let run = find(database, run).await;
    let ledger = run.closing_ledger().expect("a ledger");
    assert_eq!((run.state, ledger.planned, ledger.skipped["cancelled"]), (State::Cancelled, 4, 4));
}

async fn of_many_who_try_at_once_one_closes_and_what_is_said_is_said_once(database: &TestDatabase) {
    let other_process = database.another_handle().await;
    for _ in 0..5 {
        let run = open_run(database).await.id;
        plan_by_hand(database, run, 0, true).await;
        let tries = (0..12).map(|number| {
            let records = if number % 2 == 0 { database.records().clone() } else { other_process.clone() };
            tokio::spawn(async move { try_close(&records, &Clock::system(), run).await })
        });
        let closed = join_all(tries).await.into_iter().filter_map(|tried| tried.expect("no panic").expect("tried"));
        assert_eq!(closed.map(|run| run.state).collect::<Vec<_>>(), [State::Completed]);
        assert_eq!(texts(database, KINDS, vec![run.into()]).await, ["job-started", "report", "job-completed"]);
    }
}

async fn a_run_whose_ledger_does_not_balance_has_failed_and_alerts(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 3).await;
    execute(database, "UPDATE invitations SET send_state = 2", vec![]).await;
    execute(database, "DELETE FROM invitations WHERE id = ?", vec![(batch * 65_536).into()]).await;
    execute(database, "UPDATE batches SET state = 'done'", vec![]).await;
    assert!(closes(database, run).await);
    let closed = find(database, run).await;
    assert_eq!(closed.state, State::Failed);
    assert_eq!(closed.error, "the ledger does not balance: 3 planned, 2 accounted for");
    let said = ["job-started", "report", "job-failed", "alert", "alerts-triggered"];
    assert_eq!(texts(database, KINDS, vec![run.into()]).await, said);
}

async fn a_run_that_is_not_there_cannot_be_closed(database: &TestDatabase) {
    assert!(!closes(database, 4_711).await);
}
