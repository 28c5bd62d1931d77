//! What a call's result does to the invitations.

use futures_util::FutureExt;
use shared::{
    claims::{self, Calls, Outcome},
    invitation::InvitationId,
    records::Records,
};
use tests::{
    ask::{execute, number, numbers},
    attempts::{
        accepted, all_accepted, let_leases_end, listed, make, outcome, range, refused_for_good, refused_for_now,
        settle, throttled, unknown,
    },
    databases::TestDatabase,
    runs::{add_open_batch, open_run, send_states},
};

tests::contract!(
    every_answer_leaves_its_own_mark,
    settling_is_safe_to_repeat,
    a_range_that_was_accepted_whole_is_sent_and_nothing_beside_it,
    a_late_result_counts_although_the_lease_had_ended,
    a_late_refusal_for_now_has_failed_because_nobody_will_try_again,
    a_result_of_another_attempt_changes_nothing,
    a_status_that_moved_on_stays,
    what_is_sent_is_not_unsent_by_a_later_answer,
    every_attempt_is_told_in_order,
    the_calls_of_a_run_are_summed_by_cause,
);

async fn batch_of(records: &Records, letters: u32) -> (i64, i64) {
    let run = open_run(records).await.id;
    (run, add_open_batch(records, run, letters).await)
}

fn one_of_each() -> Outcome {
    let answers = [accepted(), refused_for_good(), refused_for_now(), throttled(), unknown(), accepted()];
    outcome((0..).zip(answers))
}

async fn every_answer_leaves_its_own_mark(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 7).await;
    let claim = range(batch, 0, 0, 5);
    make(database, &claim).await;
    assert_eq!(send_states(database, batch).await, [0; 7], "a claim writes nothing to the invitations");
    settle(database, &claim, one_of_each()).await;
    assert_eq!(send_states(database, batch).await, [2, 3, 0, 0, 4, 2, 0]);
    let statuses = numbers(database, "SELECT status FROM invitations ORDER BY id", vec![]).await;
    assert_eq!(statuses, [1, 0, 0, 0, 0, 1, 0]);
    let dated = "SELECT id % 65536 FROM invitations WHERE sent_at > ? ORDER BY id";
    assert_eq!(numbers(database, dated, vec![shared::records::never().into()]).await, [0, 5]);
    assert_eq!(numbers(database, "SELECT accepted FROM sends", vec![]).await, [2]);
    assert_eq!(numbers(database, "SELECT refused FROM sends", vec![]).await, [3]);
}

async fn settling_is_safe_to_repeat(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 6).await;
    let claim = range(batch, 0, 0, 5);
    make(database, &claim).await;
    for _ in 0..3 {
        settle(database, &claim, one_of_each()).await;
        assert_eq!(send_states(database, batch).await, [2, 3, 0, 0, 4, 2]);
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM sends WHERE state = 1", vec![]).await, 1);
}

async fn a_range_that_was_accepted_whole_is_sent_and_nothing_beside_it(database: &TestDatabase) {
    let (run, batch) = batch_of(database, 9).await;
    let neighbour = add_open_batch(database, run, 9).await;
    let claim = range(batch, 0, 2, 6);
    make(database, &claim).await;
    settle(database, &claim, all_accepted(&claim)).await;
    assert_eq!(send_states(database, batch).await, [0, 0, 2, 2, 2, 2, 2, 0, 0]);
    assert_eq!(send_states(database, neighbour).await, [0; 9]);
}

async fn a_late_result_counts_although_the_lease_had_ended(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 5).await;
    let (whole, two) = (range(batch, 0, 0, 2), listed(batch, 1, &[3, 4]));
    make(database, &whole).await;
    make(database, &two).await;
    assert_eq!(let_leases_end(database).await, 2);
    assert_eq!(send_states(database, batch).await, [4; 5]);
    settle(database, &whole, all_accepted(&whole)).await;
    settle(database, &two, outcome([(3, refused_for_good()), (4, accepted())])).await;
    assert_eq!(send_states(database, batch).await, [2, 2, 2, 3, 2]);
    assert_eq!(number(database, "SELECT COUNT(*) FROM sends WHERE state = 1", vec![]).await, 2);
}

async fn a_late_refusal_for_now_has_failed_because_nobody_will_try_again(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 2).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    let_leases_end(database).await;
    settle(database, &claim, outcome([(0, refused_for_now()), (1, unknown())])).await;
    assert_eq!(send_states(database, batch).await, [3, 4]);
}

async fn a_result_of_another_attempt_changes_nothing(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 2).await;
    make(database, &range(batch, 0, 0, 1)).await;
    let imagined = range(batch, 0, 0, 1);
    settle(database, &imagined, all_accepted(&imagined)).await;
    let never_made = range(batch, 7, 0, 1);
    settle(database, &never_made, all_accepted(&never_made)).await;
    assert_eq!(send_states(database, batch).await, [0, 0]);
    assert_eq!(number(database, "SELECT COUNT(*) FROM sends WHERE state = 0", vec![]).await, 1);
}

async fn a_status_that_moved_on_stays(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 2).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    execute(database, "UPDATE invitations SET status = 2 WHERE id = ?", vec![(batch * 65_536).into()]).await;
    settle(database, &claim, all_accepted(&claim)).await;
    assert_eq!(numbers(database, "SELECT status FROM invitations ORDER BY id", vec![]).await, [2, 1]);
}

async fn what_is_sent_is_not_unsent_by_a_later_answer(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 4).await;
    let first = range(batch, 0, 0, 3);
    make(database, &first).await;
    settle(database, &first, all_accepted(&first)).await;
    let second = listed(batch, 1, &[0, 1, 2, 3]);
    make(database, &second).await;
    let answers = [refused_for_good(), refused_for_now(), unknown(), throttled()];
    settle(database, &second, outcome((0..).zip(answers))).await;
    assert_eq!(send_states(database, batch).await, [2; 4]);
}

async fn every_attempt_is_told_in_order(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 3).await;
    let calls = [range(batch, 0, 0, 2), listed(batch, 1, &[0, 2]), listed(batch, 2, &[1]), listed(batch, 3, &[1])];
    for claim in &calls {
        make(database, claim).await;
    }
    settle(database, &calls[0], outcome((0..3).map(|position| (position, refused_for_now())))).await;
    settle(database, &calls[1], outcome([(0, accepted()), (2, accepted())])).await;
    settle(database, &calls[2], outcome([(1, unknown())])).await;
    let of_the_middle = database
        .read(move |tx| async move { claims::attempts(tx, InvitationId::new(batch, 1)).await }.boxed())
        .await
        .expect("readable");
    let told: Vec<_> = of_the_middle.iter().map(|attempt| (attempt.id.clone(), attempt.outcome.as_str())).collect();
    let expected = [
        (calls[0].attempt(), "refused: 451 4.3.0"),
        (calls[2].attempt(), "no reply: the connection was lost"),
        (calls[3].attempt(), "under way"),
    ];
    assert_eq!(told, expected);
    assert_eq!(of_the_middle[2].settled_at, None);
}

async fn the_calls_of_a_run_are_summed_by_cause(database: &TestDatabase) {
    let (run, batch) = batch_of(database, 9).await;
    let claims = [range(batch, 0, 0, 5), range(batch, 1, 6, 7), range(batch, 2, 8, 8)];
    for claim in &claims {
        make(database, claim).await;
    }
    settle(database, &claims[0], one_of_each()).await;
    settle(database, &claims[2], all_accepted(&claims[2])).await;
    let_leases_end(database).await;
    let calls = database
        .read(move |tx| {
            async move {
                let mut calls = Calls::default();
                let next = claims::add_calls(tx, run, (0, -1), &mut calls).await?;
                assert_eq!(next, None, "all on one page");
                Ok(calls)
            }
            .boxed()
        })
        .await
        .expect("readable");
    assert_eq!(calls.calls, 3);
    assert_eq!(calls.failed.into_iter().collect::<Vec<_>>(), [("550 5.1.1".to_owned(), 1)]);
    assert_eq!(calls.in_doubt.values().sum::<u64>(), 3);
    assert_eq!(calls.accepted.total(), 3);
}
