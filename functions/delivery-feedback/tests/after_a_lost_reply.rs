//! From a call to SES whose reply is lost to the end of the doubt: by what was really sent, and what SES says of it.

use std::sync::Arc;

use delivery_feedback::DeliveryFeedback;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    records::Records,
    sqs::{Deadline, Message, Outcome, RecordHandler as _},
};
use tests::{
    ask::{number, numbers},
    cycle::{handle, ledger_of_completed, plan, worker_through},
    databases::TestDatabase,
    letters::mailer,
    people::add_user_with_contacts,
    provider_feedback::{at, ses_bounce, ses_events},
    runs::{firing, scheduled_at},
    ses_fake::{Behaviour, SesFake},
};

tests::contract!(every_letter_whose_reply_was_lost_is_settled_by_what_ses_says_of_it);

async fn every_letter_whose_reply_was_lost_is_settled_by_what_ses_says_of_it(database: &TestDatabase) {
    let (_, contacts) = add_user_with_contacts(database, 120).await;
    let ses = SesFake::with_script(|call| if call == 1 { Behaviour::AcceptAndDrop } else { Behaviour::Accept });
    let ses = ses.await.expect("a server");
    let (run, messages) = plan(database, firing(), 10).await;
    let mailers = vec![mailer(&format!("ses+http://{}", ses.address())).await.expect("a mailer")];
    let worker = worker_through(database, mailers, None, Clock::standing_at(scheduled_at())).await;
    for message in messages {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.sent + ledger.in_doubt, ses.tally().received()), (contacts.len() as u64, contacts.len()));
    assert!((20..=50).contains(&ledger.in_doubt), "one call's: {ledger:?}");

    // What SES says comes late, and not in the order in which it happened.
    let calls = ses.bodies();
    for call in calls.iter().rev() {
        say(database, ses_events(call, "Delivery", ("delivery", &json!({"timestamp": at(2)})))).await;
        say(database, ses_events(call, "Send", ("send", &json!({})))).await;
    }
    assert_eq!(numbers(database, "SELECT DISTINCT send_state FROM invitations", vec![]).await, [2]);
    let delivered = "SELECT COUNT(*) FROM contacts WHERE email_status = 'delivered'";
    assert_eq!(number(database, delivered, vec![]).await, 120);
    say(database, ses_events(&calls[0], "Bounce", ("bounce", &ses_bounce("Permanent")))).await;
    let suppressed = number(database, "SELECT COUNT(*) FROM suppressions", vec![]).await;
    assert!((20..=50).contains(&suppressed), "one call's: {suppressed}");
}

async fn say(records: &Records, events: Vec<Value>) {
    let clock = Clock::standing_at(scheduled_at());
    let door = Arc::new(DeliveryFeedback { records: records.clone(), clock });
    for event in events {
        let message = Message::saying(event.to_string());
        assert_eq!(door.handle(&message, Deadline::none()).await.expect("understood"), Outcome::Done);
    }
}
