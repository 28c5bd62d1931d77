//! A redrive does again what a parked batch did not send, once, and nothing else.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use monthly_invitations::Planner;
use shared::{
    clock::Clock,
    records::Records,
    run::{
        Opened, Run, State,
        batch::BatchMessage,
        close::try_close,
        control::{self, Control},
        job::Job as _,
        ledger::{self, Ledger},
        plan::PlanEnd,
        redrive::{self, RedriveError, Takes, Wanted},
    },
    sqs::{Deadline, Outcome, RecordHandler as _},
};
use tests::{
    ask::{execute, number, numbers, texts},
    attempts::{accepted, make, outcome, range, refused_for_good, settle, unknown},
    cycle::{as_sent, handle, ledger_of_completed, plan, waiting, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    polls::for_polls,
    queues::ScriptedQueue,
    runs::{batch_state, find, firing, open_run, park, planner, scheduled_at, send_states},
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    only_what_was_surely_not_accepted_is_sent_again,
    a_batch_that_nobody_had_begun_is_done_again_from_its_subjects,
    a_batch_is_done_again_once_however_often_it_is_asked_for,
    only_batches_of_the_wanted_cause_or_number_are_taken,
    movers_at_once_and_movers_cut_off_move_each_letter_once,
    a_planner_that_is_given_a_redrive_moves_and_queues_its_batches_and_walks_nobody,
    a_rate_lets_batches_go_one_after_the_other,
    a_redrive_that_was_cancelled_early_leaves_the_rest_to_another,
    what_failed_again_is_done_again_by_a_redrive_of_the_redrive,
    what_nobody_could_answer_any_more_is_not_sent,
    a_run_that_left_nothing_behind_is_refused_with_the_reason,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 50))
}

fn clock() -> Clock {
    Clock::standing_at(scheduled_at())
}

/// A planner whose messages go nowhere; a test takes them by [`waiting`].
fn mover(records: &Records) -> Planner {
    planner(records, Arc::new(ScriptedQueue::answering(|_, bodies| refuse_all(bodies.len()).boxed())), 10)
}

async fn refuse_all(messages: usize) -> anyhow::Result<Vec<usize>> {
    Ok((0..messages).collect())
}

/// A completed run of one batch of six letters: two accepted, one refused for good, one in doubt, two not sent when it
/// was parked.
async fn parked_half_way(database: &TestDatabase) -> (i64, BatchMessage) {
    add_user_with_contacts(database, 6).await;
    let (run, messages) = plan(database, firing(), 10).await;
    let worker = worker(database, &[&mailer()]).await;
    let message = messages[0];
    worker.handle(&as_sent(message), Deadline::within(Duration::ZERO)).await.expect("prepared and handed back");
    let claim = range(message.batch, 0, 0, 3);
    make(database, &claim).await;
    let answers = [accepted(), accepted(), refused_for_good(), unknown()];
    settle(database, &claim, outcome((0..).zip(answers))).await;
    park(database, message, "timed out").await;
    assert_eq!(send_states(database, message.batch).await, [2, 2, 3, 4, 3, 3]);
    (run, message)
}

/// A completed run of so many batches of two letters that nobody began, each parked.
async fn parked_unbegun(database: &TestDatabase, batches: usize) -> i64 {
    for _ in 0..batches {
        add_user_with_contacts(database, 2).await;
    }
    let (run, messages) = plan(database, firing(), 1).await;
    assert_eq!(messages.len(), batches);
    for message in messages {
        park(database, message, if message.batch % 2 == 0 { "panicked: even" } else { "timed out" }).await;
    }
    assert_eq!(find(database, run).await.state, State::Completed);
    run
}

async fn open(database: &TestDatabase, run: i64, wanted: Wanted) -> Result<Run, RedriveError> {
    redrive::open(database, &clock(), run, &wanted).await.map(|opened| opened.run().clone())
}

async fn open_all(database: &TestDatabase, run: i64) -> Run {
    open(database, run, Wanted::default()).await.expect("opened")
}

/// Moves a redrive's batches to their end.
async fn move_all(database: &TestDatabase, child: &Run) {
    let mut run = child.clone();
    while !run.plan_complete {
        run = redrive::advance(database, &clock(), &run).await.expect("moved");
    }
}

/// Works what a run has waiting, and gives the ledger with which it closes.
async fn work(database: &TestDatabase, run: i64, mailer: &Arc<ScriptedMailer>) -> Ledger {
    let worker = worker(database, &[mailer]).await;
    for message in waiting(database, run).await {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    try_close(database, &clock(), run).await.expect("tried");
    ledger_of_completed(database, run).await
}

/// The ledger as it is counted now, not as it was at the closing.
async fn counted(database: &TestDatabase, run: i64) -> Ledger {
    let planned = find(database, run).await.planned;
    database.read(move |tx| ledger::count(tx, run, planned).boxed()).await.expect("counted")
}

async fn only_what_was_surely_not_accepted_is_sent_again(database: &TestDatabase) {
    let (run, message) = parked_half_way(database).await;
    let before = ledger_of_completed(database, run).await;
    assert_eq!((before.sent, before.failed, before.in_doubt), (2, 3, 1));
    let child = open_all(database, run).await;
    assert_eq!((child.parent, child.key.as_str(), child.trigger.as_str()), (run, "2026-11/05/redrive-1", "redrive"));
    move_all(database, &child).await;

    let mailer = mailer();
    let ledger = work(database, child.id, &mailer).await;
    assert_eq!((ledger.planned, ledger.sent, mailer.addresses().len()), (2, 2, 2));
    let said = texts(database, "SELECT kind FROM outbox WHERE run_id = ? ORDER BY id", vec![child.id.into()]).await;
    assert_eq!(said, ["job-started", "report", "job-completed"], "it is not the month that completed");
    assert_eq!(send_states(database, message.batch).await, [2, 2, 3, 4], "refused and in doubt stay as they are");
    assert_eq!(counted(database, run).await, before, "the parent's ledger says what happened there");
    assert_eq!(number(database, "SELECT COUNT(DISTINCT contact_id) FROM invitations", vec![]).await, 6);
}

async fn a_batch_that_nobody_had_begun_is_done_again_from_its_subjects(database: &TestDatabase) {
    let run = parked_unbegun(database, 3).await;
    let before = ledger_of_completed(database, run).await;
    let child = open_all(database, run).await;
    move_all(database, &child).await;
    let mailer = mailer();
    let ledger = work(database, child.id, &mailer).await;
    assert_eq!((ledger.planned, ledger.sent, mailer.addresses().len()), (6, 6, 6));
    assert_eq!(counted(database, run).await, before);
}

async fn a_batch_is_done_again_once_however_often_it_is_asked_for(database: &TestDatabase) {
    let run = parked_unbegun(database, 5).await;
    let clock = clock();
    let asked = join_all((0..6).map(|_| redrive::open(database, &clock, run, &WANTED))).await;
    let opened: Vec<_> = asked.into_iter().map(|opened| opened.expect("opened or joined")).collect();
    assert_eq!(opened.iter().filter(|opened| matches!(opened, Opened::New(_))).count(), 1);
    let child = opened[0].run().clone();
    assert!(opened.iter().all(|opened| opened.run().id == child.id));
    move_all(database, &child).await;
    assert_eq!(work(database, child.id, &mailer()).await.sent, 10);
    assert!(matches!(open(database, run, Wanted::default()).await, Err(RedriveError::NothingLeft(_))));
}

static WANTED: Wanted = Wanted { cause: String::new(), batches: Vec::new(), letters_per_second: 0 };

async fn only_batches_of_the_wanted_cause_or_number_are_taken(database: &TestDatabase) {
    let run = parked_unbegun(database, 4).await;
    let panicked = Wanted { cause: "panicked".to_owned(), ..WANTED.clone() };
    let takes = redrive::preview(database, run, &panicked).await.expect("counted");
    assert_eq!(takes, Takes { batches: 2, planned: 4, not_taken: 0 });
    let child = open(database, run, panicked).await.expect("opened");
    move_all(database, &child).await;
    assert_eq!(work(database, child.id, &mailer()).await.sent, 4);

    let left = "SELECT id FROM batches WHERE run_id = ? AND redriven_by = 0 ORDER BY id";
    let left = numbers(database, left, vec![run.into()]).await;
    let child = open(database, run, Wanted { batches: vec![left[1]], ..WANTED.clone() }).await.expect("opened");
    assert_eq!(child.key, "2026-11/05/redrive-2");
    move_all(database, &child).await;
    assert_eq!(work(database, child.id, &mailer()).await.sent, 2);
    assert_eq!(redrive::preview(database, run, &WANTED).await.expect("counted").batches, 1);
}

async fn movers_at_once_and_movers_cut_off_move_each_letter_once(database: &TestDatabase) {
    let (run, _) = parked_half_way(database).await;
    // More batches with rows, so that there is something to race for.
    for _ in 1..12 {
        let batch = tests::runs::add_open_batch(database, run, 3).await;
        let sql = "UPDATE invitations SET send_state = 3, expires_at = ? WHERE id >= ? * 65536";
        let later = scheduled_at() + chrono::TimeDelta::days(9);
        execute(database, sql, vec![later.into(), batch.into()]).await;
        execute(database, "UPDATE batches SET state = 'parked' WHERE id = ?", vec![batch.into()]).await;
    }
    let child = open_all(database, run).await;
    let clock = clock();
    for polls in [1, 2, 3, 5, 8, 12, 17, 23, 30, 40] {
        for_polls(redrive::advance(database, &clock, &child), polls).await;
    }
    for ended in join_all((0..6).map(|_| redrive::advance(database, &clock, &child))).await {
        assert!(ended.expect("no mover fails").plan_complete);
    }
    assert_eq!(find(database, child.id).await.planned, 2 + 11 * 3);
    let sql = "SELECT COUNT(*) FROM batches b JOIN invitations i ON i.id BETWEEN b.id * 65536 AND b.id * 65536 + 65535 \
               WHERE b.run_id = ? AND i.send_state = 0";
    assert_eq!(number(database, sql, vec![child.id.into()]).await, 2 + 11 * 3);
    assert_eq!(number(database, "SELECT COUNT(*) FROM batches WHERE run_id = ?", vec![child.id.into()]).await, 12);
}

async fn a_planner_that_is_given_a_redrive_moves_and_queues_its_batches_and_walks_nobody(database: &TestDatabase) {
    let run = parked_unbegun(database, 3).await;
    let child = open_all(database, run).await;
    let end = mover(database).go_on(&child, Deadline::none()).await;
    assert!(end.is_err(), "the queue took nothing");
    let child = find(database, child.id).await;
    assert_eq!((child.plan_complete, child.planned), (true, 6));
    let queue = Arc::new(ScriptedQueue::taking_all());
    assert_eq!(planner(database, queue, 10).go_on(&child, Deadline::none()).await.expect("queued"), PlanEnd::Complete);
}

async fn a_rate_lets_batches_go_one_after_the_other(database: &TestDatabase) {
    let run = parked_unbegun(database, 3).await;
    let child = open(database, run, Wanted { letters_per_second: 1, ..WANTED.clone() }).await.expect("opened");
    move_all(database, &child).await;
    assert_eq!(waiting(database, child.id).await.len(), 1);
    // Two letters a batch, one a second.
    for _ in 0..2 {
        assert!(waiting(database, child.id).await.is_empty());
        database.shift_lease_clock(Duration::from_secs(2));
        assert_eq!(waiting(database, child.id).await.len(), 1);
    }
}

async fn a_redrive_that_was_cancelled_early_leaves_the_rest_to_another(database: &TestDatabase) {
    let run = parked_unbegun(database, 3).await;
    let child = open_all(database, run).await;
    control::set(database, child.id, Control::Cancel).await.expect("cancelled");
    let stopped = redrive::advance(database, &clock(), &child).await.expect("nothing moved");
    assert_eq!((stopped.planned, stopped.plan_complete), (0, false));
    try_close(database, &clock(), child.id).await.expect("tried").expect("closed");
    let next = open_all(database, run).await;
    move_all(database, &next).await;
    assert_eq!(work(database, next.id, &mailer()).await.sent, 6);
}

async fn what_failed_again_is_done_again_by_a_redrive_of_the_redrive(database: &TestDatabase) {
    let (run, _) = parked_half_way(database).await;
    let child = open_all(database, run).await;
    move_all(database, &child).await;
    for message in waiting(database, child.id).await {
        park(database, message, "timed out").await;
    }
    assert_eq!(ledger_of_completed(database, child.id).await.failed, 2);
    let grandchild = open_all(database, child.id).await;
    assert_eq!(grandchild.key, "2026-11/05/redrive-2");
    move_all(database, &grandchild).await;
    assert_eq!(work(database, grandchild.id, &mailer()).await.sent, 2);
}

async fn what_nobody_could_answer_any_more_is_not_sent(database: &TestDatabase) {
    let (run, message) = parked_half_way(database).await;
    let child = open_all(database, run).await;
    let late = Clock::standing_at(scheduled_at() + chrono::TimeDelta::days(61));
    redrive::advance(database, &late, &child).await.expect("moved");
    let batches = texts(database, "SELECT state FROM batches WHERE run_id = ?", vec![child.id.into()]).await;
    assert_eq!(batches, ["done"]);
    assert_eq!(send_states(database, message.batch).await, [2, 2, 3, 4, 3, 3]);
    assert_eq!(batch_state(database, message.batch).await, "parked");
}

async fn a_run_that_left_nothing_behind_is_refused_with_the_reason(database: &TestDatabase) {
    let refused = |run: i64| async move { open(database, run, WANTED.clone()).await.expect_err("refused").to_string() };
    assert_eq!(refused(4_711).await, "there is no run 4711");
    let run = open_run(database).await.id;
    assert!(refused(run).await.contains("is still open"));
    control::set(database, run, Control::Cancel).await.expect("cancelled");
    try_close(database, &clock(), run).await.expect("tried").expect("closed");
    assert!(refused(run).await.contains("was cancelled by a person"));
    add_user_with_contacts(database, 1).await;
    let (run, messages) = plan(database, firing(), 1).await;
    handle(&worker(database, &[&mailer()]).await, messages[0]).await;
    assert!(refused(run).await.contains("has no parked batch"));
}
