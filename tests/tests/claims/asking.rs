//! Who may make the next call.

use futures_util::FutureExt;
use futures_util::future::join_all;
use shared::{
    claims::{self, Claimed},
    clock::Clock,
    process::Holder,
    records::Records,
    run::{
        batch,
        close::try_close,
        control::{self, Control},
    },
};
use tests::{
    ask::{execute, number, texts},
    attempts::{LEASE, abandon, all_accepted, ask_for, listed, make, range, settle},
    databases::TestDatabase,
    runs::{add_open_batch, add_planned_batch, open_run},
};

tests::contract!(
    of_workers_at_once_only_one_gets_a_claim,
    claims_are_made_one_after_the_other,
    asking_again_for_ones_own_claim_is_granted,
    a_claim_whose_transaction_fails_was_never_made,
    a_claim_is_on_record_before_the_call,
    a_paused_or_cancelled_run_grants_no_claim,
    a_batch_that_is_not_open_grants_no_claim,
    a_closed_run_grants_no_claim,
    a_fenced_batch_grants_no_claim_to_those_before,
);

async fn batch_of(records: &Records, letters: u32) -> (i64, i64) {
    let run = open_run(records).await.id;
    (run, add_open_batch(records, run, letters).await)
}

async fn of_workers_at_once_only_one_gets_a_claim(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 10).await;
    let other_process = database.another_handle().await;
    for number in 0..5 {
        let asked = (0..8).map(|worker| {
            let records = if worker % 2 == 0 { database.records().clone() } else { other_process.clone() };
            tokio::spawn(async move {
                ask_for(&records, &range(batch, number, number * 2, number * 2 + 1), &Holder::unwatched()).await
            })
        });
        let answers: Vec<_> = join_all(asked).await.into_iter().map(|answer| answer.expect("no panic")).collect();
        assert_eq!(answers.iter().filter(|answer| **answer == Claimed::Granted).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| **answer == Claimed::Fenced).count(), 7, "{answers:?}");
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM sends", vec![]).await, 5);
}

async fn claims_are_made_one_after_the_other(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 4).await;
    assert_eq!(ask_for(database, &range(batch, 1, 0, 1), &Holder::unwatched()).await, Claimed::Fenced, "0 comes first");
    make(database, &range(batch, 0, 0, 1)).await;
    assert_eq!(ask_for(database, &range(batch, 0, 0, 1), &Holder::unwatched()).await, Claimed::Fenced, "0 is taken");
    make(database, &range(batch, 1, 2, 3)).await;
    assert_eq!(number(database, "SELECT cursor_position FROM batches", vec![]).await, 4);
}

async fn asking_again_for_ones_own_claim_is_granted(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 4).await;
    let claim = range(batch, 0, 0, 3);
    for _ in 0..3 {
        make(database, &claim).await;
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM sends", vec![]).await, 1);
    settle(database, &claim, all_accepted(&claim)).await;
    assert_eq!(ask_for(database, &claim, &Holder::unwatched()).await, Claimed::Fenced, "the call has been made");
    let unseen = range(batch, 1, 0, 3);
    make(database, &unseen).await;
    database.shift_lease_clock(LEASE * 2);
    abandon(database, claims::Abandoned::Expired).await;
    assert_eq!(ask_for(database, &unseen, &Holder::unwatched()).await, Claimed::Fenced, "others took it for made");
}

async fn a_claim_whose_transaction_fails_was_never_made(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 4).await;
    let claim = range(batch, 0, 0, 3);
    let failing = claim.clone();
    let failed = database
        .transaction(move |tx| {
            let claim = failing.clone();
            async move {
                claims::claim(tx, &claim, 4, &Holder::unwatched(), LEASE).await?;
                Err::<(), _>(shared::records::RecordsError::Fenced)
            }
            .boxed()
        })
        .await;
    failed.expect_err("as the test wants");
    assert_eq!(number(database, "SELECT claims + cursor_position FROM batches", vec![]).await, 0);
    make(database, &range(batch, 0, 0, 3)).await;
}

async fn a_claim_is_on_record_before_the_call(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 9).await;
    let (first, second) = (range(batch, 0, 0, 3), listed(batch, 1, &[1, 3]));
    make(database, &first).await;
    make(database, &second).await;
    assert_eq!(texts(database, "SELECT nonce FROM sends ORDER BY claim", vec![]).await, [first.nonce, second.nonce]);
    assert_eq!(texts(database, "SELECT listed FROM sends ORDER BY claim", vec![]).await, ["", "1,3"]);
    let sql = "SELECT COUNT(*) FROM sends WHERE state = 0 AND lease_until > {now} AND settled_at < claimed_at";
    assert_eq!(number(database, sql, vec![]).await, 2);
}

async fn a_paused_or_cancelled_run_grants_no_claim(database: &TestDatabase) {
    let (run, batch) = batch_of(database, 4).await;
    make(database, &range(batch, 0, 0, 0)).await;
    for wish in [Control::Pause, Control::Cancel] {
        control::set(database, run, wish).await.expect("set");
        let answer = ask_for(database, &range(batch, 1, 1, 3), &Holder::unwatched()).await;
        assert_eq!(answer, Claimed::Stopped(wish));
        if wish == Control::Pause {
            control::set(database, run, Control::Run).await.expect("set");
            make(database, &range(batch, 1, 1, 1)).await;
            execute(database, "DELETE FROM sends WHERE claim = 1", vec![]).await;
            execute(database, "UPDATE batches SET claims = 1", vec![]).await;
        }
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM sends", vec![]).await, 1);
}

async fn a_batch_that_is_not_open_grants_no_claim(database: &TestDatabase) {
    let (run, parked) = batch_of(database, 4).await;
    let parked_it = database.transaction(move |tx| async move { batch::park(tx, parked, "poisoned").await }.boxed());
    assert!(parked_it.await.expect("parked"));
    let planned = add_planned_batch(database, run, 4).await;
    for (batch, number) in [(parked, 0), (parked, 1), (planned, 0), (4_711, 0)] {
        assert_eq!(ask_for(database, &range(batch, number, 0, 3), &Holder::unwatched()).await, Claimed::Fenced);
    }
}

async fn a_closed_run_grants_no_claim(database: &TestDatabase) {
    let (run, batch) = batch_of(database, 0).await;
    execute(database, "UPDATE batches SET state = 'done'", vec![]).await;
    try_close(database, &Clock::system(), run).await.expect("tried").expect("closed");
    execute(database, "UPDATE batches SET state = 'open'", vec![]).await;
    assert_eq!(ask_for(database, &range(batch, 0, 0, 0), &Holder::unwatched()).await, Claimed::Fenced);
}

async fn a_fenced_batch_grants_no_claim_to_those_before(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 4).await;
    make(database, &range(batch, 0, 0, 0)).await;
    database.transaction(move |tx| async move { batch::fence(tx, batch).await }.boxed()).await.expect("fenced");
    assert_eq!(ask_for(database, &range(batch, 1, 1, 3), &Holder::unwatched()).await, Claimed::Fenced);
    make(database, &range(batch, 2, 1, 3)).await;
}
