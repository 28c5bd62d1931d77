//! How a batch ends: done, parked or cancelled, and never with a call under way.

use std::time::Duration;

use futures_util::FutureExt;
use shared::{
    clock::Clock,
    records::Records,
    run::{
        State,
        batch::{self, BatchMessage, Failed, Finished, MOST_TRIES},
        close::try_close,
        ledger,
    },
};
use tests::{
    ask::{all, execute, texts},
    attempts::{all_accepted, make, range, settle},
    cycle::waiting,
    databases::TestDatabase,
    runs::{add_open_batch, add_planned_batch, batch_state, open_run, send_states},
};

tests::contract!(
    a_batch_is_not_done_while_a_position_is_planned,
    a_batch_is_not_done_while_a_claim_is_open,
    a_batch_with_every_position_decided_is_done,
    what_a_parked_batch_had_not_sent_has_failed,
    a_batch_that_was_parked_before_it_began_has_failed_whole,
    what_a_cancelled_batch_had_not_sent_is_skipped,
    a_batch_is_neither_parked_nor_cancelled_while_a_claim_is_open,
    an_ended_batch_stays_as_it_ended,
    a_failed_batch_waits_longer_each_time_and_is_parked_after_its_last_try,
    a_batch_with_a_call_under_way_is_not_parked_after_its_last_try,
    a_wait_begins_the_count_of_failed_tries_anew,
);

async fn postpone(records: &Records, batch: i64) {
    let postponed =
        records.transaction(move |tx| async move { batch::postpone(tx, batch, Duration::ZERO, "late").await }.boxed());
    postponed.await.expect("asked");
}

async fn finish(records: &Records, batch: i64) -> bool {
    let finished = records.transaction(move |tx| async move { batch::finish(tx, batch).await }.boxed());
    finished.await.expect("asked") == Finished::Yes
}

async fn park(records: &Records, batch: i64) -> bool {
    let parked = records.transaction(move |tx| async move { batch::park(tx, batch, "poisoned").await }.boxed());
    parked.await.expect("asked")
}

async fn cancel(records: &Records, batch: i64) -> bool {
    records.transaction(move |tx| async move { batch::cancel(tx, batch).await }.boxed()).await.expect("asked")
}

async fn set_states(records: &Records, batch: i64, states: &[i64]) {
    for (position, state) in (0_i64..).zip(states) {
        let sql = "UPDATE invitations SET send_state = ? WHERE id = ?";
        execute(records, sql, vec![(*state).into(), (batch * 65_536 + position).into()]).await;
    }
}

async fn a_batch_is_not_done_while_a_position_is_planned(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let (batch, neighbour) = (add_open_batch(database, run, 3).await, add_open_batch(database, run, 1).await);
    set_states(database, batch, &[2, 3, 0]).await;
    assert!(!finish(database, batch).await);
    assert_eq!(batch_state(database, batch).await, "open");
    set_states(database, batch, &[2, 3, 4]).await;
    assert!(finish(database, batch).await, "its neighbour {neighbour} is none of its affair");
}

async fn a_batch_is_not_done_while_a_claim_is_open(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 2).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    set_states(database, batch, &[2, 2]).await;
    assert!(!finish(database, batch).await);
    settle(database, &claim, all_accepted(&claim)).await;
    assert!(finish(database, batch).await);
}

async fn a_batch_with_every_position_decided_is_done(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 4).await;
    set_states(database, batch, &[2, 3, 4, 5]).await;
    assert!(finish(database, batch).await);
    assert!(finish(database, batch).await, "safe to repeat");
    assert_eq!(batch_state(database, batch).await, "done");
}

async fn what_a_parked_batch_had_not_sent_has_failed(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let (batch, neighbour) = (add_open_batch(database, run, 4).await, add_open_batch(database, run, 2).await);
    set_states(database, batch, &[2, 0, 4, 0]).await;
    assert!(park(database, batch).await);
    assert_eq!(send_states(database, batch).await, [2, 3, 4, 3]);
    assert_eq!(send_states(database, neighbour).await, [0, 0]);
    let causes = texts(database, "SELECT cause FROM batches WHERE state = 'parked'", vec![]).await;
    assert_eq!(causes, ["poisoned"]);
}

async fn a_batch_that_was_parked_before_it_began_has_failed_whole(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_planned_batch(database, run, 7).await;
    assert!(park(database, batch).await && park(database, batch).await, "safe to repeat");
    let closed = try_close(database, &Clock::system(), run).await.expect("tried").expect("closed");
    let ledger = closed.closing_ledger().expect("a ledger");
    assert_eq!((closed.state, ledger.planned, ledger.failed), (State::Completed, 7, 7));
}

async fn what_a_cancelled_batch_had_not_sent_is_skipped(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let (begun, planned) = (add_open_batch(database, run, 4).await, add_planned_batch(database, run, 5).await);
    set_states(database, begun, &[2, 0, 3, 0]).await;
    assert!(cancel(database, begun).await && cancel(database, planned).await);
    assert_eq!(send_states(database, begun).await, [2, 5, 3, 5]);
    let counted = database.read(move |tx| async move { ledger::count(tx, run, 9).await }.boxed()).await;
    let ledger = counted.expect("counted");
    assert_eq!((ledger.sent, ledger.failed, ledger.skipped[ledger::CANCELLED]), (1, 1, 7));
    assert!(ledger.is_balanced());
}

async fn a_batch_is_neither_parked_nor_cancelled_while_a_claim_is_open(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 3).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    assert!(!park(database, batch).await && !cancel(database, batch).await);
    assert_eq!(
        (send_states(database, batch).await, batch_state(database, batch).await),
        (vec![0; 3], "open".to_owned())
    );
    settle(database, &claim, all_accepted(&claim)).await;
    assert!(park(database, batch).await);
    assert_eq!(send_states(database, batch).await, [2, 2, 3]);
}

async fn an_ended_batch_stays_as_it_ended(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 2).await;
    assert!(cancel(database, batch).await);
    park(database, batch).await;
    finish(database, batch).await;
    postpone(database, batch).await;
    fail(database, batch, "too late".to_owned()).await;
    assert_eq!(
        (batch_state(database, batch).await, send_states(database, batch).await),
        ("cancelled".to_owned(), vec![5; 2])
    );
    assert_eq!(texts(database, "SELECT cause FROM batches", vec![]).await, ["the run was cancelled"]);
}

async fn a_failed_batch_waits_longer_each_time_and_is_parked_after_its_last_try(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 2).await;
    for (tries, seconds) in [(1, 30), (2, 120), (3, 480), (4, 1_920)] {
        let wait = Duration::from_secs(seconds);
        assert_eq!(fail(database, batch, format!("try {tries}")).await, Failed::Waits(wait));
        assert_eq!(noted(database).await, (tries, format!("try {tries}")));
        assert!(waiting(database, run).await.is_empty(), "not before its time");
        database.shift_lease_clock(wait);
        assert_eq!(waiting(database, run).await, [BatchMessage { run, batch }]);
    }
    assert_eq!(fail(database, batch, "try 5".to_owned()).await, Failed::Parked);
    assert_eq!((noted(database).await, send_states(database, batch).await), ((5, "try 5".to_owned()), vec![3; 2]));
    assert_eq!(fail(database, batch, "too late".to_owned()).await, Failed::Nothing);
}

async fn a_batch_with_a_call_under_way_is_not_parked_after_its_last_try(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 2).await;
    let claim = range(batch, 0, 0, 0);
    make(database, &claim).await;
    for _ in 1..MOST_TRIES {
        fail(database, batch, "away".to_owned()).await;
    }
    assert!(matches!(fail(database, batch, "away".to_owned()).await, Failed::Waits(_)));
    settle(database, &claim, all_accepted(&claim)).await;
    assert_eq!(fail(database, batch, "away".to_owned()).await, Failed::Parked);
    assert_eq!(send_states(database, batch).await, [2, 3]);
}

async fn a_wait_begins_the_count_of_failed_tries_anew(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_planned_batch(database, run, 1).await;
    fail(database, batch, "away".to_owned()).await;
    postpone(database, batch).await;
    assert_eq!(noted(database).await, (0, "late".to_owned()));
    fail(database, batch, "away again".to_owned()).await;
    assert_eq!(noted(database).await, (1, "away again".to_owned()));
}

async fn fail(records: &Records, batch: i64, cause: String) -> Failed {
    let failed = records.transaction(move |tx| {
        let cause = cause.clone();
        async move { batch::fail(tx, batch, &cause).await }.boxed()
    });
    failed.await.expect("noted")
}

/// The failed tries of the only batch, and the last cause.
async fn noted(records: &Records) -> (i64, String) {
    all(records, "SELECT tries, cause FROM batches", vec![], |row| Ok((row.int(0)?, row.text(1)?))).await.remove(0)
}
