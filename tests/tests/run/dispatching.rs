//! Every batch that waits for a message gets one, and none that does not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use shared::{
    records::Records,
    run::{
        batch,
        control::{self, Control},
        plan::{dispatch, requeue_lost},
    },
};
use tests::{
    ask::{execute, number},
    databases::TestDatabase,
    queues::ScriptedQueue,
    runs::{add_planned_batch, open_run},
};

tests::contract!(
    a_batch_is_sent_once_however_often_dispatching_is_repeated,
    dispatchers_at_once_leave_no_batch_unsent,
    what_a_queue_refuses_is_sent_again,
    a_queue_that_takes_nothing_is_an_error_and_not_a_loop,
    what_went_through_beside_a_failed_call_is_not_sent_again,
    nothing_is_sent_for_a_run_that_is_paused_or_cancelled,
    a_postponed_batch_is_sent_when_its_time_has_come,
    a_batch_that_is_handed_back_before_its_message_is_noted_is_sent_again,
    a_batch_whose_message_came_to_nothing_for_a_day_is_sent_again,
);

async fn run_with_batches(records: &Records, count: usize) -> (i64, Vec<i64>) {
    let run = open_run(records).await.id;
    let mut batches = Vec::new();
    for _ in 0..count {
        batches.push(add_planned_batch(records, run, 1).await);
    }
    (run, batches)
}

async fn postpone(records: &Records, batch: i64, wait: Duration) {
    let postponed =
        records.transaction(move |tx| async move { batch::postpone(tx, batch, wait, "for a test").await }.boxed());
    postponed.await.expect("postponed");
}

async fn a_batch_is_sent_once_however_often_dispatching_is_repeated(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 95).await;
    let queue = ScriptedQueue::taking_all();
    assert_eq!(dispatch(database, &queue, run).await.expect("sent"), 95);
    for _ in 0..3 {
        assert_eq!(dispatch(database, &queue, run).await.expect("nothing to do"), 0);
    }
    assert_eq!(queue.taken(), batches);
}

async fn dispatchers_at_once_leave_no_batch_unsent(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 33).await;
    let queue = ScriptedQueue::taking_all();
    for sent in join_all((0..4).map(|_| dispatch(database, &queue, run))).await {
        sent.expect("harmless to do at once");
    }
    let mut taken = queue.taken();
    taken.dedup();
    assert_eq!(taken, batches);
}

async fn what_a_queue_refuses_is_sent_again(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 25).await;
    let queue = ScriptedQueue::answering(|call, messages| {
        let refused = (0..messages.len()).filter(|index| call < 4 && index % 2 == call % 2).collect();
        Box::pin(async { Ok(refused) })
    });
    assert_eq!(dispatch(database, &queue, run).await.expect("sent"), 25);
    assert_eq!(queue.taken(), batches, "each once, in spite of refusals");
}

async fn a_queue_that_takes_nothing_is_an_error_and_not_a_loop(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 3).await;
    let queue = ScriptedQueue::answering(|_, messages| Box::pin(async move { Ok((0..messages.len()).collect()) }));
    dispatch(database, &queue, run).await.expect_err("nothing was taken");
    let queue = ScriptedQueue::taking_all();
    dispatch(database, &queue, run).await.expect("sent");
    assert_eq!(queue.taken(), batches);
}

async fn what_went_through_beside_a_failed_call_is_not_sent_again(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 35).await;
    let queue = ScriptedQueue::answering(|call, _| {
        Box::pin(async move {
            anyhow::ensure!(call != 1, "the queue is away");
            Ok(Vec::new())
        })
    });
    let error = dispatch(database, &queue, run).await.expect_err("a call failed");
    assert_eq!(error.to_string(), "the queue is away");
    assert_eq!(number(database, "SELECT COUNT(*) FROM batches WHERE queued = 1", vec![]).await, 25);
    assert_eq!(dispatch(database, &queue, run).await.expect("sent"), 10);
    assert_eq!(queue.taken(), batches, "each once");
}

async fn nothing_is_sent_for_a_run_that_is_paused_or_cancelled(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 3).await;
    let queue = ScriptedQueue::taking_all();
    control::set(database, run, Control::Pause).await.expect("paused");
    assert_eq!(dispatch(database, &queue, run).await.expect("nothing to do"), 0);
    control::set(database, run, Control::Run).await.expect("resumed");
    assert_eq!(dispatch(database, &queue, run).await.expect("sent"), 3);
    assert_eq!(queue.taken(), batches);
    postpone(database, batches[0], Duration::ZERO).await;
    control::set(database, run, Control::Cancel).await.expect("cancelled");
    assert_eq!(dispatch(database, &queue, run).await.expect("nothing to do"), 0);
}

async fn a_postponed_batch_is_sent_when_its_time_has_come(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 2).await;
    let queue = ScriptedQueue::taking_all();
    dispatch(database, &queue, run).await.expect("sent");
    postpone(database, batches[1], Duration::from_secs(60)).await;
    database.shift_lease_clock(Duration::from_secs(50));
    assert_eq!(dispatch(database, &queue, run).await.expect("too early"), 0);
    database.shift_lease_clock(Duration::from_secs(11));
    assert_eq!(dispatch(database, &queue, run).await.expect("sent again"), 1);
    assert_eq!(queue.taken(), [batches[0], batches[1], batches[1]]);
}

async fn a_batch_that_is_handed_back_before_its_message_is_noted_is_sent_again(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 3).await;
    let (records, handed_back) = (database.records().clone(), AtomicBool::new(false));
    // A worker that is quicker than the dispatcher: it has taken the message and handed the batch back, as for a
    // pause, before the dispatcher notes that the message was sent.
    let queue = Arc::new(ScriptedQueue::answering(move |_, messages| {
        let (records, first) = (records.clone(), !handed_back.swap(true, Ordering::Relaxed));
        Box::pin(async move {
            if first {
                postpone(&records, messages[0].batch, Duration::ZERO).await;
            }
            Ok(Vec::new())
        })
    }));
    dispatch(database, queue.as_ref(), run).await.expect("sent");
    database.shift_lease_clock(Duration::from_secs(1));
    dispatch(database, queue.as_ref(), run).await.expect("sent");
    assert_eq!(queue.taken(), [batches[0], batches[0], batches[1], batches[2]]);
    assert_eq!(number(database, "SELECT COUNT(*) FROM batches WHERE queued = 0", vec![]).await, 0);
}

async fn a_batch_whose_message_came_to_nothing_for_a_day_is_sent_again(database: &TestDatabase) {
    let (run, batches) = run_with_batches(database, 3).await;
    dispatch(database, &ScriptedQueue::taking_all(), run).await.expect("sent");
    let queue = ScriptedQueue::taking_all();
    database.shift_lease_clock(Duration::from_secs(23 * 3_600));
    requeue_lost(database).await.expect("looked");
    assert_eq!(dispatch(database, &queue, run).await.expect("nothing to do"), 0, "it may only be slow");
    execute(database, "UPDATE batches SET state = 'done' WHERE id = ?", vec![batches[1].into()]).await;
    database.shift_lease_clock(Duration::from_secs(2 * 3_600));
    requeue_lost(database).await.expect("looked");
    dispatch(database, &queue, run).await.expect("sent");
    assert_eq!(queue.taken(), [batches[0], batches[2]]);
    requeue_lost(database).await.expect("looked");
    assert_eq!(dispatch(database, &queue, run).await.expect("nothing to do"), 0, "their day begins anew");
}
