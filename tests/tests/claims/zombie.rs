//! A worker that stands still, is taken for dead, and wakes up.

use futures_util::FutureExt;
use shared::{
    claims::Claimed,
    clock::Clock,
    process::Holder,
    run::{
        State,
        batch::{self, Finished},
        close::try_close,
        ledger,
    },
};
use tests::{
    attempts::{accepted, all_accepted, ask_for, let_leases_end, make, outcome, range, refused_for_good, settle},
    databases::TestDatabase,
    runs::{add_open_batch, find, open_run, send_states},
};

tests::contract!(
    a_zombie_that_settles_late_is_counted_and_nobody_is_written_to_twice,
    evidence_after_the_closing_moves_the_live_counts_and_not_the_closed_ledger,
);

async fn finish(database: &TestDatabase, batch: i64) -> Finished {
    database.transaction(move |tx| async move { batch::finish(tx, batch).await }.boxed()).await.expect("asked")
}

async fn a_zombie_that_settles_late_is_counted_and_nobody_is_written_to_twice(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 6).await;
    let zombies = range(batch, 0, 0, 2);
    make(database, &zombies).await;
    assert_eq!(finish(database, batch).await, Finished::PositionsLeft, "a call is under way");

    assert_eq!(let_leases_end(database).await, 1);
    assert_eq!(send_states(database, batch).await, [4, 4, 4, 0, 0, 0]);
    let early = ask_for(database, &range(batch, 1, 3, 5), &Holder::unwatched()).await;
    assert_eq!(early, Claimed::Fenced, "its lease has ended, though nobody has gone on yet");
    let successors = range(batch, 2, 3, 5);
    make(database, &successors).await;

    settle(database, &zombies, outcome([(0, accepted()), (1, refused_for_good()), (2, accepted())])).await;
    let zombies_next = ask_for(database, &range(batch, 1, 3, 5), &Holder::unwatched()).await;
    assert_eq!(zombies_next, Claimed::Fenced, "who wakes up may tell what it knows, and start nothing");
    settle(database, &successors, all_accepted(&successors)).await;

    assert_eq!(send_states(database, batch).await, [2, 3, 2, 2, 2, 2]);
    assert_eq!(finish(database, batch).await, Finished::Yes);
    let closed = try_close(database, &Clock::system(), run).await.expect("tried").expect("closed");
    let ledger = closed.closing_ledger().expect("a ledger");
    assert_eq!((closed.state, ledger.sent, ledger.failed, ledger.in_doubt), (State::Completed, 5, 1, 0));
}

async fn evidence_after_the_closing_moves_the_live_counts_and_not_the_closed_ledger(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 2).await;
    let zombies = range(batch, 0, 0, 1);
    make(database, &zombies).await;
    let_leases_end(database).await;
    assert_eq!(finish(database, batch).await, Finished::Yes, "in doubt is an outcome");
    let closed = try_close(database, &Clock::system(), run).await.expect("tried").expect("closed");
    assert_eq!(closed.state, State::Completed);
    settle(database, &zombies, all_accepted(&zombies)).await;
    let live = database.read(move |tx| async move { ledger::count(tx, run, 2).await }.boxed()).await.expect("counted");
    assert_eq!((live.sent, live.in_doubt), (2, 0));
    let report = find(database, run).await.closing_ledger().expect("a ledger");
    assert_eq!((report.sent, report.in_doubt), (0, 2));
}
