//! A batch that a worker left half-way, or that two workers have.

use std::{sync::Arc, time::Duration};

use shared::{
    clock::Clock,
    links::LinkKeys,
    mail::quota::{Limit, Limits, NAME, Quota, RecordsLog, SendLog},
    run::batch::BatchMessage,
    sqs::{Outcome, RecordHandler as _},
};
use tests::{
    ask::{execute, number, texts},
    attempts::{let_leases_end, refused_for_now},
    cycle::{as_sent, handle, ledger_of_completed, paced_worker, plan, skips, waiting, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    row_lock::RowLock,
    runs::{firing, send_states},
    scripted_mailer::ScriptedMailer,
};
use tokio::sync::Notify;

tests::contract!(
    after_a_crash_only_what_was_not_claimed_is_sent,
    who_opted_out_meanwhile_is_skipped_instead_of_sent,
    skips_of_one_reason_before_and_after_a_crash_are_one_row,
    a_worker_that_took_over_is_the_only_one_to_go_on,
    what_was_refused_after_its_lease_had_ended_has_failed_and_is_not_tried_again,
);

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_starts_while_another_stands_still_in_the_middle_of_its_start() {
    let database = TestDatabase::mysql().await;
    LinkKeys::of(&database).await.expect("new keys");
    let standing_still = RowLock::taken(&database, "UPDATE link_keys SET created_at = {now}", vec![]).await;
    LinkKeys::of(&database).await.expect("the same keys");
    standing_still.let_go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_somebody_has_locked_and_stands_still_with_goes_back_to_its_queue_at_once() {
    let database = TestDatabase::mysql().await;
    let (_, _, _, message) = one_batch(&database, 3).await;
    for state in ["planned", "open"] {
        execute(&database, "UPDATE batches SET state = ?", vec![state.into()]).await;
        let held = "UPDATE batches SET cause = 'held' WHERE id = ?";
        let standing_still = RowLock::taken(&database, held, vec![message.batch.into()]).await;
        let mailer = Arc::new(ScriptedMailer::new("scripted", 2));
        let worker = worker(&database, &[&mailer]).await;
        assert!(matches!(handle(&worker, message).await, Outcome::Retry { .. }), "{state}");
        let seen_to = worker.failed(&as_sent(message), "another worker has it").await.expect("an answer");
        assert!(!seen_to, "its queue shows it again: {state}");
        assert!(mailer.asked().is_empty());
        standing_still.let_go().await;
        assert_eq!(number(&database, "SELECT tries FROM batches", vec![]).await, 0, "no try of its own");
    }
}

/// A mailer that never answers its second call, and says when it has got it.
fn hanging() -> (Arc<ScriptedMailer>, Arc<Notify>) {
    let hangs = Arc::new(Notify::new());
    let says = hangs.clone();
    let mailer = ScriptedMailer::new("scripted", 2).during(move |call| {
        let says = says.clone();
        Box::pin(async move {
            if call == 1 {
                says.notify_one();
                std::future::pending::<()>().await;
            }
        })
    });
    (Arc::new(mailer), hangs)
}

/// A worker that dies during its second call: two letters are sent, two in doubt, and the rest planned.
async fn crash(database: &TestDatabase, message: BatchMessage) -> Arc<ScriptedMailer> {
    let (mailer, hangs) = hanging();
    let dying = worker(database, &[&mailer]).await;
    let task = tokio::spawn(async move { handle(&dying, message).await });
    hangs.notified().await;
    task.abort();
    task.await.expect_err("it was killed");
    let_leases_end(database).await;
    mailer
}

async fn one_batch(database: &TestDatabase, contacts: usize) -> (i64, Vec<i64>, i64, BatchMessage) {
    let (user, contacts) = add_user_with_contacts(database, contacts).await;
    let (run, messages) = plan(database, firing(), 10).await;
    (user, contacts, run, messages[0])
}

async fn opt_out(database: &TestDatabase, contact: i64) {
    execute(database, "UPDATE contacts SET opted_out = 1 WHERE id = ?", vec![contact.into()]).await;
}

async fn after_a_crash_only_what_was_not_claimed_is_sent(database: &TestDatabase) {
    let (_, _, run, message) = one_batch(database, 7).await;
    let before = crash(database, message).await;
    assert_eq!(send_states(database, message.batch).await, [2, 2, 4, 4, 0, 0, 0]);
    let after = Arc::new(ScriptedMailer::new("scripted", 2));
    assert_eq!(handle(&worker(database, &[&after]).await, message).await, Outcome::Done);
    let mut all = [before.addresses(), after.addresses()].concat();
    all.sort_unstable();
    assert_eq!(all, texts(database, "SELECT email FROM contacts ORDER BY email", vec![]).await, "each once");
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt), (5, 2));
}

async fn who_opted_out_meanwhile_is_skipped_instead_of_sent(database: &TestDatabase) {
    let (user, contacts, run, message) = one_batch(database, 11).await;
    crash(database, message).await;
    // Those who have been written to, or may have been, are not taken back.
    opt_out(database, contacts[0]).await;
    opt_out(database, contacts[2]).await;
    opt_out(database, contacts[5]).await;
    for (contact, change) in [(6, "active = 0"), (7, "email_status = 'complained'"), (8, "bounce_count = 3")] {
        let sql = format!("UPDATE contacts SET {change} WHERE id = ?");
        execute(database, sql, vec![contacts[contact].into()]).await;
    }
    let sql = "INSERT INTO suppressions (email, reason, suppressed_at) SELECT email, 'test', {now} FROM contacts WHERE id = ?";
    execute(database, sql, vec![contacts[9].into()]).await;
    execute(database, "DELETE FROM contacts WHERE id = ?", vec![contacts[10].into()]).await;
    let after = Arc::new(ScriptedMailer::new("scripted", 2));
    assert_eq!(handle(&worker(database, &[&after]).await, message).await, Outcome::Done);
    assert_eq!(after.addresses(), [format!("contact4@of{user}.example")]);
    let row = |reason: &str, contact: usize| (user, reason.to_owned(), 1, contacts[contact].to_string());
    let expected = [
        row("contact_inactive", 6),
        row("gone", 10),
        row("opted_out", 5),
        row("suppressed", 9),
        row("too_many_bounces", 8),
        row("undeliverable", 7),
    ];
    assert_eq!(skips(database, run).await, expected);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.in_doubt), (11, 3, 2));
    assert_eq!(number(database, "SELECT COUNT(*) FROM invitations", vec![]).await, 5, "the withdrawn are gone");
}

async fn skips_of_one_reason_before_and_after_a_crash_are_one_row(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 8).await;
    opt_out(database, contacts[0]).await;
    let (run, messages) = plan(database, firing(), 10).await;
    crash(database, messages[0]).await;
    opt_out(database, contacts[6]).await;
    opt_out(database, contacts[7]).await;
    let mailer = Arc::new(ScriptedMailer::new("scripted", 2));
    assert_eq!(handle(&worker(database, &[&mailer]).await, messages[0]).await, Outcome::Done);
    let skipped = skips(database, run).await;
    assert_eq!(skipped.len(), 1);
    let (of, reason, count, ids) = &skipped[0];
    assert_eq!((*of, reason.as_str(), *count), (user, "opted_out", 3));
    let mut ids: Vec<i64> = ids.split(',').map(|id| id.parse().expect("an id")).collect();
    ids.sort_unstable();
    assert_eq!(ids, [contacts[0], contacts[6], contacts[7]]);
    ledger_of_completed(database, run).await;
}

async fn a_worker_that_took_over_is_the_only_one_to_go_on(database: &TestDatabase) {
    let (user, contacts, run, message) = one_batch(database, 6).await;
    let mailer = Arc::new(ScriptedMailer::new("scripted", 2));
    // The first worker is held between two claims: the provider answers when the second one has taken over.
    let (answered, taken_over) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says, waits) = (answered.clone(), taken_over.clone());
    let slow = ScriptedMailer::new("scripted", 2).during(move |call| {
        let (says, waits) = (says.clone(), waits.clone());
        Box::pin(async move {
            if call == 0 {
                says.notify_one();
                waits.notified().await;
            }
        })
    });
    let slow = Arc::new(slow);
    let first = worker(database, &[&slow]).await;
    let first = tokio::spawn(async move { handle(&first, message).await });
    answered.notified().await;
    // It is taken for dead; meanwhile somebody opts out whom it has in its memory.
    let_leases_end(database).await;
    opt_out(database, contacts[3]).await;
    // The second has read and withdrawn what it had to, and leaves the rest for when its turn comes.
    let log = RecordsLog::new(database.records().clone(), NAME);
    log.seed(0, Some(0)).await.expect("the records");
    let limits = Limits { pace: Limit::per_second(0.000_1), per_day: None };
    log.reserve(limits, 1, Duration::ZERO).await.expect("the first turn is another's");
    let quota = Quota::new(database.records().clone(), Arc::new(log), Clock::system(), Some(0.000_1), None);
    let second = paced_worker(database, &[&mailer], Some(quota)).await;
    assert!(matches!(handle(&second, message).await, Outcome::Later { .. }), "its turn does not come");
    assert!(!skips(database, run).await.is_empty());
    taken_over.notify_one();
    first.await.expect("no panic");
    assert_eq!(slow.addresses().len(), 2, "it has told what it knew, and starts nothing");
    assert_eq!(send_states(database, message.batch).await, [2, 2, 0, 0, 0]);
    let third = worker(database, &[&mailer]).await;
    execute(database, "UPDATE batches SET queued = 0, not_before = {now}", vec![]).await;
    for message in waiting(database, run).await {
        assert_eq!(handle(&third, message).await, Outcome::Done);
    }
    let expected: Vec<_> = [2, 4, 5].iter().map(|n| format!("contact{n}@of{user}.example")).collect();
    assert_eq!(mailer.addresses(), expected);
    assert_eq!(ledger_of_completed(database, run).await.sent, 5);
}

async fn what_was_refused_after_its_lease_had_ended_has_failed_and_is_not_tried_again(database: &TestDatabase) {
    let (user, _, run, message) = one_batch(database, 4).await;
    let (asked, lease_over) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says, waits) = (asked.clone(), lease_over.clone());
    let slow = ScriptedMailer::new("scripted", 2)
        .answering(&format!("contact1@of{user}.example"), [refused_for_now()])
        .during(move |_| {
            let (says, waits) = (says.clone(), waits.clone());
            Box::pin(async move {
                says.notify_one();
                waits.notified().await;
            })
        });
    let slow = Arc::new(slow);
    let standing_still = worker(database, &[&slow]).await;
    // One call at a time, so that the second has not been claimed.
    let standing_still = tokio::spawn(async move { handle(&standing_still, message).await });
    asked.notified().await;
    let_leases_end(database).await;
    lease_over.notify_one();
    assert_eq!(standing_still.await.expect("no panic"), Outcome::Done);
    assert_eq!(slow.asked().len(), 1, "it has told what it knew, and starts nothing");
    assert_eq!(send_states(database, message.batch).await, [2, 3, 0, 0]);

    let mailer = Arc::new(ScriptedMailer::new("scripted", 2));
    for message in waiting(database, run).await {
        assert_eq!(handle(&worker(database, &[&mailer]).await, message).await, Outcome::Done);
    }
    assert_eq!(mailer.addresses(), [2, 3].map(|n| format!("contact{n}@of{user}.example")));
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.failed), (3, 1));
}
