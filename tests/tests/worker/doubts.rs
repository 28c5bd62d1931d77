//! Letters in doubt whose run sends them once more.

use std::{sync::Arc, time::Duration};

use shared::{
    claims::Claim,
    feedback::Kind,
    mail::Answer,
    run::{batch::BatchMessage, doubt::WhenInDoubt},
    sqs::{Deadline, Outcome, RecordHandler as _},
};
use tests::{
    ask::{execute, number, texts},
    attempts::{accepted, let_leases_end, range, refused_for_good, throttled, unknown},
    cycle::{as_sent, handle, ledger_of_completed, plan, waiting, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    provider_feedback::{said, take},
    runs::{firing, send_states},
    scripted_mailer::ScriptedMailer,
};
use tokio::sync::Notify;

tests::contract!(
    doubts_are_sent_once_more_some_time_after_all_else_of_their_batch,
    what_the_second_try_does_not_end_stays_in_doubt_and_has_no_third,
    what_a_provider_says_meanwhile_saves_the_second_try,
    who_may_not_be_written_to_any_more_stays_in_doubt,
    a_second_try_that_was_cut_off_is_not_made_again_and_what_it_had_not_begun_is,
    without_that_policy_nothing_is_sent_again,
);

/// Longer than doubts wait for their second try.
const LATER: Duration = Duration::from_secs(601);

/// A run that sends doubts once more, as one batch; with the addresses of its contacts, in the order of positions.
async fn one_batch(database: &TestDatabase, contacts: usize) -> (i64, BatchMessage, Vec<String>) {
    add_user_with_contacts(database, contacts).await;
    let emails = texts(database, "SELECT email FROM contacts ORDER BY id", vec![]).await;
    let (run, messages) = plan(database, firing(), 10).await;
    let policy = WhenInDoubt::OnceMore.as_str();
    execute(database, "UPDATE runs SET when_in_doubt = ? WHERE id = ?", vec![policy.into(), run.into()]).await;
    (run, messages[0], emails)
}

/// A mailer of two letters a call that answers those of these positions so, and accepts all others.
fn answering(emails: &[String], answers: &[(usize, Answer)]) -> Arc<ScriptedMailer> {
    let mailer = answers.iter().fold(ScriptedMailer::new("scripted", 2), |mailer, (position, answer)| {
        mailer.answering(&emails[*position], [answer.clone()])
    });
    Arc::new(mailer)
}

/// Works on a batch until only its doubts are left.
async fn up_to_the_doubts(database: &TestDatabase, mailer: &Arc<ScriptedMailer>, message: BatchMessage) {
    let left = handle(&worker(database, &[mailer]).await, message).await;
    assert!(matches!(&left, Outcome::Later { reason } if reason.contains("once more")), "{left:?}");
    assert!(waiting(database, message.run).await.is_empty(), "what its provider says is waited for");
}

/// The message of the batch whose doubts have waited long enough.
async fn later(database: &TestDatabase, run: i64) -> BatchMessage {
    database.shift_lease_clock(LATER);
    let messages = waiting(database, run).await;
    assert_eq!(messages.len(), 1);
    messages[0]
}

async fn doubts_are_sent_once_more_some_time_after_all_else_of_their_batch(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 5).await;
    let first = answering(&emails, &[(1, unknown()), (2, unknown())]);
    up_to_the_doubts(database, &first, message).await;
    assert_eq!(send_states(database, message.batch).await, [2, 4, 4, 2, 2]);

    let second = answering(&emails, &[]);
    let again = later(database, run).await;
    assert_eq!(handle(&worker(database, &[&second]).await, again).await, Outcome::Done);
    assert_eq!(second.addresses(), emails[1..3], "they and nobody else");
    assert_eq!(send_states(database, message.batch).await, [2; 5]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt), (5, 0));
}

async fn what_the_second_try_does_not_end_stays_in_doubt_and_has_no_third(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 5).await;
    let first = answering(&emails, &[0, 1, 2, 3].map(|position| (position, unknown())));
    up_to_the_doubts(database, &first, message).await;

    // A refusal says nothing of the first try, which may have arrived.
    let second = answering(&emails, &[(0, unknown()), (1, refused_for_good()), (2, throttled()), (3, accepted())]);
    let again = later(database, run).await;
    assert_eq!(handle(&worker(database, &[&second]).await, again).await, Outcome::Done);
    assert_eq!(second.addresses().len(), 4);
    assert_eq!(send_states(database, message.batch).await, [4, 4, 4, 2, 2]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt, ledger.failed), (2, 3, 0));
}

async fn what_a_provider_says_meanwhile_saves_the_second_try(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 4).await;
    let first = answering(&emails, &[(0, unknown()), (1, unknown())]);
    up_to_the_doubts(database, &first, message).await;
    let nonce = texts(database, "SELECT nonce FROM sends WHERE claim = 0", vec![]).await.remove(0);
    let attempt = Claim { nonce, ..range(message.batch, 0, 0, 1) };
    take(database, said(Kind::Delivered, &attempt, 1, 1)).await;
    assert_eq!(send_states(database, message.batch).await, [4, 2, 2, 2]);

    let second = answering(&emails, &[]);
    let again = later(database, run).await;
    assert_eq!(handle(&worker(database, &[&second]).await, again).await, Outcome::Done);
    assert_eq!(second.addresses(), emails[..1]);
    assert_eq!(ledger_of_completed(database, run).await.sent, 4);
}

async fn who_may_not_be_written_to_any_more_stays_in_doubt(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 4).await;
    let first = answering(&emails, &[(0, unknown()), (1, unknown())]);
    up_to_the_doubts(database, &first, message).await;
    execute(database, "UPDATE contacts SET opted_out = 1 WHERE email = ?", vec![emails[0].clone().into()]).await;

    let second = answering(&emails, &[]);
    let again = later(database, run).await;
    assert_eq!(handle(&worker(database, &[&second]).await, again).await, Outcome::Done);
    assert_eq!(second.addresses(), emails[1..2]);
    assert_eq!(send_states(database, message.batch).await, [4, 2, 2, 2]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt, ledger.skipped_total()), (3, 1, 0));
}

async fn a_second_try_that_was_cut_off_is_not_made_again_and_what_it_had_not_begun_is(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 6).await;
    let first = answering(&emails, &[0, 1, 2, 3, 4, 5].map(|position| (position, unknown())));
    up_to_the_doubts(database, &first, message).await;

    let again = later(database, run).await;
    // Too late for a call: nothing has begun.
    let idle = answering(&emails, &[]);
    let no_time = Deadline::within(Duration::from_secs(1));
    let handed_back = worker(database, &[&idle]).await.handle(&as_sent(again), no_time).await.expect("handled");
    assert!(matches!(handed_back, Outcome::Later { .. }));
    assert!(idle.asked().is_empty());

    let hangs = Arc::new(Notify::new());
    let says = hangs.clone();
    let dying = Arc::new(ScriptedMailer::new("scripted", 2).during(move |call| {
        let says = says.clone();
        Box::pin(async move {
            if call == 1 {
                says.notify_one();
                std::future::pending::<()>().await;
            }
        })
    }));
    let killed = worker(database, &[&dying]).await;
    let task = tokio::spawn(async move { handle(&killed, again).await });
    hangs.notified().await;
    task.abort();
    task.await.expect_err("it was killed");
    let_leases_end(database).await;
    assert_eq!(send_states(database, message.batch).await, [2, 2, 4, 4, 4, 4]);

    let last = answering(&emails, &[]);
    assert_eq!(handle(&worker(database, &[&last]).await, again).await, Outcome::Done);
    assert_eq!(last.addresses(), emails[4..], "two were sent, and two may have been twice by now");
    assert_eq!(send_states(database, message.batch).await, [2, 2, 4, 4, 2, 2]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt), (4, 2));
}

async fn without_that_policy_nothing_is_sent_again(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 3).await;
    execute(database, "UPDATE runs SET when_in_doubt = 'never-again' WHERE id = ?", vec![run.into()]).await;
    let first = answering(&emails, &[(0, unknown())]);
    assert_eq!(handle(&worker(database, &[&first]).await, message).await, Outcome::Done);
    assert_eq!(number(database, "SELECT COUNT(*) FROM batches WHERE state = 'done'", vec![]).await, 1);
    assert_eq!(ledger_of_completed(database, run).await.in_doubt, 1);
}
