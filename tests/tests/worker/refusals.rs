//! What providers answer, and what becomes of it.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use invitation_worker::InvitationWorker;
use shared::{claims, invitation::InvitationId, mail::Answer, run::batch::BatchMessage, sqs::Outcome};
use tests::{
    ask::texts,
    attempts::{accepted, let_leases_end, refused_for_good, refused_for_now, throttled, unavailable, unknown},
    cycle::{handle, in_no_time, ledger_of_completed, plan, waiting, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    runs::{batch_state, firing, send_states},
    scripted_mailer::ScriptedMailer,
};

tests::contract!(on one thread:
    a_letter_refused_twice_is_sent_at_the_third_attempt,
    a_letter_refused_in_every_round_has_failed_with_its_cause,
    a_letter_refused_for_good_has_failed_at_once,
    what_one_provider_refuses_goes_to_the_next_in_a_claim_of_its_own,
    what_one_provider_refuses_for_good_goes_to_no_other,
    what_has_no_reply_is_in_doubt_and_goes_to_nobody_again,
    what_is_throttled_to_the_end_waits_and_has_not_failed,
    a_provider_that_is_away_is_asked_once_and_the_batch_waits_until_it_is_back,
    a_letter_without_a_verdict_among_others_that_go_out_is_tried_in_every_round_and_then_waits,
    a_mailer_that_panics_leaves_its_call_in_doubt_and_the_rest_planned,
);

/// A cycle of one batch whose user has these contacts, in the order of their positions.
async fn one_batch(database: &TestDatabase, contacts: usize) -> (i64, BatchMessage, Vec<String>) {
    add_user_with_contacts(database, contacts).await;
    let emails = texts(database, "SELECT email FROM contacts ORDER BY id", vec![]).await;
    let (run, messages) = plan(database, firing(), 10).await;
    (run, messages[0], emails)
}

/// Lets a worker come back so often to what waits, each time after that wait.
async fn come_back(database: &TestDatabase, worker: &InvitationWorker, run: i64, times: usize, wait: Duration) {
    for _ in 0..times {
        database.shift_lease_clock(wait);
        for message in waiting(database, run).await {
            in_no_time(database, handle(worker, message)).await;
        }
    }
}

/// What became of each attempt at the letter of that position.
async fn attempts(database: &TestDatabase, batch: i64, position: u32) -> Vec<(String, String)> {
    let id = InvitationId::new(batch, position);
    let attempts = database.read(move |tx| async move { claims::attempts(tx, id).await }.boxed()).await;
    attempts.expect("readable").into_iter().map(|attempt| (attempt.provider, attempt.outcome)).collect()
}

fn outcomes(attempts: &[(String, String)]) -> Vec<&str> {
    attempts.iter().map(|(_, outcome)| outcome.as_str()).collect()
}

async fn a_letter_refused_twice_is_sent_at_the_third_attempt(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 5).await;
    let mailer = ScriptedMailer::new("scripted", 2).answering(&emails[2], [refused_for_now(), refused_for_now()]);
    let mailer = Arc::new(mailer);
    let worker = worker(database, &[&mailer]).await;
    assert_eq!(in_no_time(database, handle(&worker, message)).await, Outcome::Done);
    let told = attempts(database, message.batch, 2).await;
    assert_eq!(outcomes(&told), ["refused: 451 4.3.0", "refused: 451 4.3.0", "accepted"]);
    assert_eq!(outcomes(&attempts(database, message.batch, 3).await), ["accepted"]);
    assert_eq!((ledger_of_completed(database, run).await.sent, mailer.addresses().len()), (5, 7));
}

async fn a_letter_refused_in_every_round_has_failed_with_its_cause(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 3).await;
    let mailer = ScriptedMailer::new("scripted", 10).answering(&emails[0], vec![refused_for_now(); 9]);
    let mailer = Arc::new(mailer);
    let worker = worker(database, &[&mailer]).await;
    assert_eq!(in_no_time(database, handle(&worker, message)).await, Outcome::Done);
    let told = attempts(database, message.batch, 0).await;
    assert_eq!(outcomes(&told), ["refused: 451 4.3.0"; 4], "at once, and after 1, 5 and 15 seconds");
    assert_eq!(send_states(database, message.batch).await, [3, 2, 2]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.failed), (2, 1));
}

async fn a_letter_refused_for_good_has_failed_at_once(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 3).await;
    let mailer = Arc::new(ScriptedMailer::new("scripted", 10).answering(&emails[1], [refused_for_good()]));
    let worker = worker(database, &[&mailer]).await;
    assert_eq!(handle(&worker, message).await, Outcome::Done);
    assert_eq!(outcomes(&attempts(database, message.batch, 1).await), ["refused: 550 5.1.1"]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.failed, mailer.addresses().len()), (2, 1, 3));
}

async fn what_one_provider_refuses_goes_to_the_next_in_a_claim_of_its_own(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 4).await;
    let refusing = ScriptedMailer::new("first", 10)
        .answering(&emails[1], [refused_for_now()])
        .answering(&emails[3], [throttled()]);
    let (first, second) = (Arc::new(refusing), Arc::new(ScriptedMailer::new("second", 10)));
    let worker = worker(database, &[&first, &second]).await;
    assert_eq!(handle(&worker, message).await, Outcome::Done);
    let told = attempts(database, message.batch, 1).await;
    let told: Vec<_> = told.iter().map(|(provider, outcome)| (provider.as_str(), outcome.as_str())).collect();
    assert_eq!(told, [("first", "refused: 451 4.3.0"), ("second", "accepted")]);
    assert_eq!(second.addresses(), [emails[1].clone(), emails[3].clone()]);
    assert_ne!(first.asked()[0].attempt, second.asked()[0].attempt);
    assert_eq!(ledger_of_completed(database, run).await.sent, 4);
}

async fn what_one_provider_refuses_for_good_goes_to_no_other(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 2).await;
    let first = Arc::new(ScriptedMailer::new("first", 10).answering(&emails[0], [refused_for_good()]));
    let second = Arc::new(ScriptedMailer::new("second", 10));
    let worker = worker(database, &[&first, &second]).await;
    assert_eq!(handle(&worker, message).await, Outcome::Done);
    assert!(second.asked().is_empty());
    assert_eq!(ledger_of_completed(database, run).await.failed, 1);
}

async fn what_has_no_reply_is_in_doubt_and_goes_to_nobody_again(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 4).await;
    let losing =
        ScriptedMailer::new("first", 10).answering(&emails[0], [unknown()]).answering(&emails[2], [refused_for_now()]);
    let losing_too = ScriptedMailer::new("second", 10).answering(&emails[2], [unknown()]);
    let (first, second) = (Arc::new(losing), Arc::new(losing_too));
    let worker = worker(database, &[&first, &second]).await;
    assert_eq!(handle(&worker, message).await, Outcome::Done);
    assert_eq!(handle(&worker, message).await, Outcome::Done, "nor when the message comes again");
    assert_eq!(send_states(database, message.batch).await, [4, 2, 4, 2]);
    assert_eq!((first.addresses().len(), second.addresses()), (4, vec![emails[2].clone()]));
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt), (2, 2));
}

async fn what_is_throttled_to_the_end_waits_and_has_not_failed(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 3).await;
    let mailer = Arc::new(ScriptedMailer::new("scripted", 10).answering(&emails[1], vec![throttled(); 4]));
    let worker = worker(database, &[&mailer]).await;
    let outcome = in_no_time(database, handle(&worker, message)).await;
    assert_eq!(outcome, Outcome::Later { reason: "the provider asks for a slower pace".to_owned() });
    assert_eq!(send_states(database, message.batch).await, [2, 0, 2]);
    assert_eq!(batch_state(database, message.batch).await, "open");
    assert!(waiting(database, run).await.is_empty(), "a minute is not over");
    database.shift_lease_clock(Duration::from_secs(61));
    let again = waiting(database, run).await;
    assert_eq!(handle(&worker, again[0]).await, Outcome::Done);
    assert_eq!((ledger_of_completed(database, run).await.sent, mailer.addresses().len()), (3, 7));
}

async fn a_provider_that_is_away_is_asked_once_and_the_batch_waits_until_it_is_back(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 9).await;
    let away = emails
        .iter()
        .fold(ScriptedMailer::new("scripted", 2), |mailer, email| mailer.answering(email, [unavailable()]));
    let mailer = Arc::new(away);
    let worker = worker(database, &[&mailer]).await;
    let outcome = handle(&worker, message).await;
    assert_eq!(outcome, Outcome::Later { reason: "no provider takes anything now".to_owned() });
    assert_eq!(mailer.asked().len(), 1, "one volley, and no waiting in a worker");
    assert_eq!(send_states(database, message.batch).await, [0; 9]);
    database.shift_lease_clock(Duration::from_secs(29));
    assert!(waiting(database, run).await.is_empty(), "half a minute is not over");
    // Each volley finds another letter that was not asked for yet, until all have had their no.
    come_back(database, &worker, run, 5, Duration::from_secs(31)).await;
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.failed), (9, 0));
}

async fn a_letter_without_a_verdict_among_others_that_go_out_is_tried_in_every_round_and_then_waits(
    database: &TestDatabase,
) {
    let (run, message, emails) = one_batch(database, 3).await;
    let mailer = ScriptedMailer::new("scripted", 10).answering(&emails[1], vec![unavailable(); 4]);
    let mailer = Arc::new(mailer);
    let worker = worker(database, &[&mailer]).await;
    in_no_time(database, handle(&worker, message)).await;
    assert_eq!(send_states(database, message.batch).await, [2, 0, 2]);
    come_back(database, &worker, run, 4, Duration::from_secs(61)).await;
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.failed), (3, 0));
}

async fn a_mailer_that_panics_leaves_its_call_in_doubt_and_the_rest_planned(database: &TestDatabase) {
    let (run, message, emails) = one_batch(database, 5).await;
    let panicking = ScriptedMailer::new("scripted", 2)
        .during(|call| Box::pin(async move { assert!(call != 1, "as the test wants") }))
        .answering(&emails[0], Vec::<Answer>::from([accepted()]));
    let mailer = Arc::new(panicking);
    let worker = Arc::new(worker(database, &[&mailer]).await);
    let dying = worker.clone();
    tokio::spawn(async move { handle(&dying, message).await }).await.expect_err("a panic");
    let_leases_end(database).await;
    assert_eq!(handle(&worker, message).await, Outcome::Done);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt, mailer.addresses().len()), (3, 2, 5));
}
