//! Claims that nobody will settle: what they cover is in doubt, and nothing else is.

use futures_util::future::join_all;
use shared::{
    claims::{Abandoned, Claimed},
    process::Holder,
    records::Records,
};
use tests::{
    ask::{execute, number},
    attempts::{LEASE, abandon, all_accepted, ask_for, let_leases_end, listed, make, range, settle},
    databases::TestDatabase,
    row_lock::RowLock,
    runs::{add_open_batch, open_run, send_states},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_just_being_settled_keeps_nobody_from_giving_up_the_others() {
    let database = TestDatabase::mysql().await;
    let batch = batch_of(&database, 4).await;
    make(&database, &range(batch, 0, 0, 1)).await;
    make(&database, &range(batch, 1, 2, 3)).await;
    let settled = "UPDATE sends SET state = 1 WHERE batch_id = ? AND claim = 0";
    let settling = RowLock::taken(&database, settled, vec![batch.into()]).await;
    assert_eq!(let_leases_end(&database).await, 1);
    assert_eq!(send_states(&database, batch).await, [0, 0, 4, 4]);
    settling.let_go().await;
}

tests::contract!(
    exactly_what_an_expired_claim_covers_is_in_doubt,
    a_claim_is_not_abandoned_before_its_lease_ends,
    what_a_dead_process_held_is_in_doubt_at_once_and_the_livings_is_not,
    what_was_decided_before_is_not_put_in_doubt,
    a_batch_of_which_a_claim_was_abandoned_is_begun_anew_by_a_fresh_message,
    keepers_at_once_abandon_each_claim_once,
    more_claims_than_a_page_are_abandoned_page_by_page,
);

async fn batch_of(records: &Records, letters: u32) -> i64 {
    let run = open_run(records).await.id;
    add_open_batch(records, run, letters).await
}

async fn exactly_what_an_expired_claim_covers_is_in_doubt(database: &TestDatabase) {
    let (batch, neighbour) = (batch_of(database, 9).await, batch_of(database, 9).await);
    let settled = range(batch, 0, 0, 1);
    make(database, &settled).await;
    settle(database, &settled, all_accepted(&settled)).await;
    make(database, &range(batch, 1, 2, 3)).await;
    make(database, &listed(batch, 2, &[5, 7])).await;
    assert_eq!(let_leases_end(database).await, 2);
    assert_eq!(send_states(database, batch).await, [2, 2, 4, 4, 0, 4, 0, 4, 0]);
    assert_eq!(send_states(database, neighbour).await, [0; 9]);
    assert_eq!(let_leases_end(database).await, 0, "once");
}

async fn a_claim_is_not_abandoned_before_its_lease_ends(database: &TestDatabase) {
    let batch = batch_of(database, 2).await;
    make(database, &range(batch, 0, 0, 1)).await;
    database.shift_lease_clock(LEASE / 2);
    assert_eq!(abandon(database, Abandoned::Expired).await, 0);
    assert_eq!(send_states(database, batch).await, [0, 0]);
    database.shift_lease_clock(LEASE);
    assert_eq!(abandon(database, Abandoned::Expired).await, 1);
}

async fn what_a_dead_process_held_is_in_doubt_at_once_and_the_livings_is_not(database: &TestDatabase) {
    let batches = [batch_of(database, 2).await, batch_of(database, 2).await, batch_of(database, 2).await];
    let holders = [Holder::unwatched(), Holder::unwatched(), Holder::unwatched()];
    for (batch, holder) in batches.iter().zip(&holders) {
        ask_for(database, &range(*batch, 0, 0, 0), holder).await;
    }
    let dead = holders[..2].iter().map(|holder| holder.token().to_owned()).collect();
    assert_eq!(abandon(database, Abandoned::HeldBy(dead)).await, 2);
    for (batch, expected) in batches.into_iter().zip([[4, 0], [4, 0], [0, 0]]) {
        assert_eq!(send_states(database, batch).await, expected);
    }
}

async fn what_was_decided_before_is_not_put_in_doubt(database: &TestDatabase) {
    let batch = batch_of(database, 4).await;
    make(database, &range(batch, 0, 0, 3)).await;
    // As when a provider's event came before the reply.
    for (position, state) in [(0, 2_i64), (1, 3), (2, 5)] {
        let sql = "UPDATE invitations SET send_state = ? WHERE id = ?";
        execute(database, sql, vec![state.into(), (batch * 65_536 + position).into()]).await;
    }
    let_leases_end(database).await;
    assert_eq!(send_states(database, batch).await, [2, 3, 5, 4]);
}

async fn a_batch_of_which_a_claim_was_abandoned_is_begun_anew_by_a_fresh_message(database: &TestDatabase) {
    let batch = batch_of(database, 4).await;
    execute(database, "UPDATE batches SET queued = 1", vec![]).await;
    make(database, &range(batch, 0, 0, 1)).await;
    assert_eq!(let_leases_end(database).await, 1);
    let next = ask_for(database, &range(batch, 1, 2, 3), &Holder::unwatched()).await;
    assert_eq!(next, Claimed::Fenced, "whoever had the claim");
    assert_eq!(number(database, "SELECT COUNT(*) FROM batches WHERE queued = 0", vec![]).await, 1);
}

async fn keepers_at_once_abandon_each_claim_once(database: &TestDatabase) {
    let batch = batch_of(database, 40).await;
    for number in 0..20 {
        make(database, &range(batch, number, number * 2, number * 2)).await;
    }
    database.shift_lease_clock(LEASE * 2);
    join_all((0..4).map(|_| abandon(database, Abandoned::Expired))).await;
    assert_eq!(number(database, "SELECT COUNT(*) FROM sends WHERE state = 2", vec![]).await, 20);
    assert_eq!(send_states(database, batch).await, [4, 0].repeat(20));
}

async fn more_claims_than_a_page_are_abandoned_page_by_page(database: &TestDatabase) {
    let batch = batch_of(database, 130).await;
    for number in 0..130 {
        make(database, &range(batch, number, number, number)).await;
    }
    database.shift_lease_clock(LEASE * 2);
    let mut pages = Vec::new();
    while pages.last() != Some(&0) {
        pages.push(abandon(database, Abandoned::Expired).await);
    }
    assert_eq!(pages.iter().sum::<usize>(), 130);
    assert_eq!(send_states(database, batch).await, [4; 130]);
}
