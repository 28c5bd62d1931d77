//! What a worker answers to a message.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde_json::json;
use shared::{
    process::Holder,
    records::Records,
    run::{
        State,
        batch::{BatchMessage, MOST_TRIES},
        control::{self, Control},
    },
    sqs::{self, Deadline, Limits, Message, Outcome, RecordHandler},
};
use tests::{
    ask::{execute, number, numbers, texts},
    attempts::{ask_for, let_leases_end, range},
    cycle::{as_sent, handle, ledger_of_completed, plan, waiting, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    runs::{batch_state, find, firing, send_states},
    scripted_mailer::{LONGEST_CALL, ScriptedMailer},
};
use tokio::sync::watch;

tests::contract!(
    what_is_no_message_is_an_error_and_an_unknown_batch_is_skipped,
    a_message_that_comes_twice_sends_once,
    workers_at_once_on_one_batch_write_to_nobody_twice,
    a_paused_runs_batch_waits_and_goes_on_when_it_is_resumed,
    a_pause_is_honoured_between_claims,
    a_cancelled_runs_rest_is_skipped,
    near_the_deadline_nothing_is_begun_and_nothing_is_lost,
    a_claim_that_is_granted_too_late_is_given_back_without_a_call,
    a_batch_under_anothers_call_is_looked_at_again,
    a_failing_batch_is_tried_by_fresh_messages_until_it_is_parked_and_its_run_closed,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 2))
}

/// A cycle of one batch with five contacts.
async fn one_batch(database: &TestDatabase) -> (i64, BatchMessage) {
    add_user_with_contacts(database, 5).await;
    let (run, messages) = plan(database, firing(), 10).await;
    assert_eq!(messages.len(), 1);
    (run, messages[0])
}

async fn what_is_no_message_is_an_error_and_an_unknown_batch_is_skipped(database: &TestDatabase) {
    let worker = worker(database, &[&mailer()]).await;
    for body in ["", "{}", "null", r#"{"run": 1, "batch": 2, "email": "a@example.org"}"#] {
        let message = Message::saying(body);
        worker.handle(&message, Deadline::none()).await.expect_err(body);
        assert!(!worker.failed(&message, "malformed").await.expect("asked"), "it goes to the dead letters");
    }
    let unknown = handle(&worker, BatchMessage { run: 1, batch: 4_711 }).await;
    assert_eq!(unknown, Outcome::Skip { reason: "there is no batch 4711".to_owned() });
}

async fn a_message_that_comes_twice_sends_once(database: &TestDatabase) {
    let (run, message) = one_batch(database).await;
    let mailer = mailer();
    let worker = worker(database, &[&mailer]).await;
    for _ in 0..3 {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    assert_eq!((mailer.addresses().len(), ledger_of_completed(database, run).await.sent), (5, 5));
}

async fn workers_at_once_on_one_batch_write_to_nobody_twice(database: &TestDatabase) {
    for _ in 0..4 {
        add_user_with_contacts(database, 10).await;
    }
    let (run, messages) = plan(database, firing(), 2).await;
    let mailer = mailer();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let worker = Arc::new(worker(database, &[&mailer]).await);
        for message in messages.clone() {
            let worker = worker.clone();
            tasks.push(tokio::spawn(async move { handle(&worker, message).await }));
        }
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    // Whoever found the batch in another's hands left it to a later message.
    let worker = worker(database, &[&mailer]).await;
    database.shift_lease_clock(Duration::from_secs(40));
    for message in waiting(database, run).await {
        handle(&worker, message).await;
    }
    let mut addresses = mailer.addresses();
    assert_eq!(addresses.len(), 40);
    addresses.dedup();
    assert_eq!(addresses.len(), 40);
    assert_eq!(ledger_of_completed(database, run).await.sent, 40);
}

async fn a_paused_runs_batch_waits_and_goes_on_when_it_is_resumed(database: &TestDatabase) {
    let (run, message) = one_batch(database).await;
    let mailer = mailer();
    let worker = worker(database, &[&mailer]).await;
    control::set(database, run, Control::Pause).await.expect("paused");
    assert_eq!(handle(&worker, message).await, Outcome::Later { reason: "the run is paused".to_owned() });
    assert!(mailer.asked().is_empty() && waiting(database, run).await.is_empty());
    control::set(database, run, Control::Run).await.expect("resumed");
    for message in waiting(database, run).await {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    assert_eq!(ledger_of_completed(database, run).await.sent, 5);
}

async fn a_pause_is_honoured_between_claims(database: &TestDatabase) {
    let (run, message) = one_batch(database).await;
    let records = database.records().clone();
    let pausing = ScriptedMailer::new("scripted", 2).during(move |call| {
        let records = records.clone();
        Box::pin(async move {
            if call == 0 {
                control::set(&records, run, Control::Pause).await.expect("paused");
            }
        })
    });
    let mailer = Arc::new(pausing);
    let worker = worker(database, &[&mailer]).await;
    assert!(matches!(handle(&worker, message).await, Outcome::Later { .. }));
    assert_eq!(send_states(database, message.batch).await, [2, 2, 0, 0, 0], "the result in hand is recorded");
    control::set(database, run, Control::Run).await.expect("resumed");
    for message in waiting(database, run).await {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    assert_eq!((mailer.addresses().len(), ledger_of_completed(database, run).await.sent), (5, 5));
}

async fn a_cancelled_runs_rest_is_skipped(database: &TestDatabase) {
    add_user_with_contacts(database, 5).await;
    add_user_with_contacts(database, 3).await;
    let (run, messages) = plan(database, firing(), 1).await;
    let records = database.records().clone();
    let cancelling = ScriptedMailer::new("scripted", 2).during(move |_| {
        let records = records.clone();
        Box::pin(async move {
            control::set(&records, run, Control::Cancel).await.expect("cancelled");
        })
    });
    let mailer = Arc::new(cancelling);
    let worker = worker(database, &[&mailer]).await;
    assert!(matches!(handle(&worker, messages[0]).await, Outcome::Later { .. }));
    for message in messages {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    let run = find(database, run).await;
    let ledger = run.closing_ledger().expect("a ledger");
    assert_eq!((run.state, ledger.planned, ledger.sent, ledger.skipped["cancelled"]), (State::Cancelled, 8, 2, 6));
    assert_eq!(mailer.addresses().len(), 2);
}

async fn near_the_deadline_nothing_is_begun_and_nothing_is_lost(database: &TestDatabase) {
    let (run, message) = one_batch(database).await;
    let mailer = mailer();
    let worker = worker(database, &[&mailer]).await;
    let outcome = worker.handle(&as_sent(message), Deadline::within(Duration::from_secs(20))).await.expect("handled");
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    assert!(mailer.asked().is_empty());
    for message in waiting(database, run).await {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    assert_eq!(ledger_of_completed(database, run).await.sent, 5);
}

async fn a_claim_that_is_granted_too_late_is_given_back_without_a_call(database: &TestDatabase) {
    let (run, message) = one_batch(database).await;
    let deadline = Deadline::within(LONGEST_CALL + Duration::from_secs(2));
    let (records, until) = (database.records().clone(), deadline.clone());
    let locking = move |_| lock_until_near(records.clone(), message.batch, until.clone()).boxed();
    let mailer = Arc::new(ScriptedMailer::new("scripted", 2).during(locking));
    let first = worker(database, &[&mailer]).await;
    let outcome = first.handle(&as_sent(message), deadline).await.expect("handled");
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    assert_eq!((mailer.asked().len(), send_states(database, message.batch).await), (1, vec![2, 2, 0, 0, 0]));
    let claims = numbers(database, "SELECT state FROM sends ORDER BY claim", vec![]).await;
    assert_eq!(claims, [1, 1], "the second was granted, and given back");
    database.shift_lease_clock(Duration::from_secs(1));
    let second = worker(database, &[&self::mailer()]).await;
    assert_eq!(handle(&second, waiting(database, run).await[0]).await, Outcome::Done);
    assert_eq!(ledger_of_completed(database, run).await.sent, 5);
}

/// Returns once a batch is locked, which keeps claims waiting until the deadline allows for no call any more.
async fn lock_until_near(records: Records, batch: i64, deadline: Deadline) {
    let (locked, mut is_locked) = watch::channel(false);
    let locked = Arc::new(locked);
    tokio::spawn(async move {
        let held = records.transaction(move |tx| {
            let (deadline, locked) = (deadline.clone(), locked.clone());
            async move {
                tx.execute("UPDATE batches SET cause = '' WHERE id = ?", &[batch.into()]).await?;
                locked.send_replace(true);
                deadline.near(LONGEST_CALL).await;
                Ok(())
            }
            .boxed()
        });
        held.await.expect("held and let go");
    });
    is_locked.wait_for(|locked| *locked).await.expect("the lock's holder is there");
}

async fn a_batch_under_anothers_call_is_looked_at_again(database: &TestDatabase) {
    let (run, message) = one_batch(database).await;
    let mailer = mailer();
    let worker = worker(database, &[&mailer]).await;
    worker.handle(&as_sent(message), Deadline::within(Duration::ZERO)).await.expect("prepared and handed back");
    let message = waiting(database, run).await[0];
    // A worker that was killed during its call: its message is the one that comes again, and there is no other.
    ask_for(database, &range(message.batch, 0, 0, 1), &Holder::unwatched()).await;
    assert!(matches!(handle(&worker, message).await, Outcome::Later { .. }));
    assert!(mailer.asked().is_empty());
    let_leases_end(database).await;
    let again = waiting(database, run).await;
    assert_eq!(again, [message], "a fresh message, because this one is deleted");
    assert_eq!(handle(&worker, again[0]).await, Outcome::Done);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent, ledger.in_doubt, mailer.addresses().len()), (3, 2, 3));
}

async fn a_failing_batch_is_tried_by_fresh_messages_until_it_is_parked_and_its_run_closed(database: &TestDatabase) {
    let (run, message) = one_batch(database).await;
    let worker = Arc::new(worker(database, &[&mailer()]).await);
    execute(database, "UPDATE runs SET parameters = ? WHERE id = ?", vec!["{}".into(), run.into()]).await;
    let receive = async |message: BatchMessage| {
        let body = serde_json::to_string(&message).expect("ids are JSON");
        let event = serde_json::from_value(json!({"Records": [{"messageId": "a", "body": body}]})).expect("an event");
        let limits = Limits { at_once: 1, record_timeout: Duration::from_secs(60) };
        let answer = sqs::handle_event(worker.clone(), event, Deadline::none(), limits).await.expect("an answer");
        assert!(answer.batch_item_failures.is_empty(), "this message is finished with");
    };
    let tries = || number(database, "SELECT tries FROM batches", vec![]);
    receive(message).await;
    assert_eq!(tries().await, 1);
    let causes = texts(database, "SELECT cause FROM batches", vec![]).await;
    assert!(causes[0].contains(&format!("the parameters of run {run}: missing field")), "{causes:?}");

    control::set(database, run, Control::Pause).await.expect("paused");
    receive(message).await;
    assert_eq!(tries().await, 0, "what waits has not failed");
    control::set(database, run, Control::Run).await.expect("resumed");
    for _ in 0..MOST_TRIES {
        database.shift_lease_clock(Duration::from_secs(3_600));
        let fresh = waiting(database, run).await;
        assert_eq!(fresh, [message]);
        receive(fresh[0]).await;
    }
    assert_eq!(batch_state(database, message.batch).await, "parked");
    assert_eq!(texts(database, "SELECT cause FROM batches", vec![]).await, causes);
    assert_eq!(ledger_of_completed(database, run).await.failed, 5);
    assert_eq!(handle(&worker, message).await, Outcome::Done, "a late message changes nothing");
}
