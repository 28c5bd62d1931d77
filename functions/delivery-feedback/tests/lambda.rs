//! The function's own binary, as Lambda runs it.

use serde_json::{Value, json};
use shared::claims::Claim;
use tests::{
    ask::{execute, number, numbers, texts},
    attempts::{let_leases_end, make, range},
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost, sqs_event},
    people::add_user_with_contacts,
    runs::{add_open_batch, open_run, send_states},
};

const FUNCTION: &str = "delivery-feedback";
const EVENT: &str = include_str!("../../../events/delivery-feedback.json");

async fn start(database: &TestDatabase) -> LambdaHost {
    let settings = [("DATABASE_URL", database.url()), ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned())];
    let binary = env!("CARGO_BIN_EXE_delivery-feedback");
    LambdaHost::start(FUNCTION, binary, settings).await.expect("the binary starts")
}

/// Hands the function an event; gives the messages that are to come again.
async fn failed(function: &mut LambdaHost, event: Value) -> Vec<String> {
    let Answer::Response(answer) = function.invoke(event).await else { panic!("{}", function.output()) };
    let failures = answer["batchItemFailures"].as_array().expect("a list");
    failures.iter().map(|item| item["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

/// The attempt that the event is about, at letters to the addresses that it is about, of which nothing is known.
async fn attempt_in_doubt(database: &TestDatabase) -> i64 {
    let (user, contacts) = add_user_with_contacts(database, 3).await;
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 3).await;
    for (position, address) in [(0_i64, "bounce@simulator.amazonses.com"), (1, "success@simulator.amazonses.com")] {
        let (id, contact) = (batch * 65_536 + position, contacts[position as usize]);
        let sql = "UPDATE contacts SET email = ? WHERE id = ?";
        execute(database, sql, vec![address.into(), contact.into()]).await;
        let sql = "UPDATE invitations SET user_id = ?, contact_id = ?, to_email = ? WHERE id = ?";
        execute(database, sql, vec![user.into(), contact.into(), address.into(), id.into()]).await;
    }
    let claim = Claim { nonce: "0a1b2c3d".to_owned(), ..range(batch, 0, 0, 2) };
    assert_eq!(claim.attempt(), "1.0.0a1b2c3d", "the event's own");
    make(database, &claim).await;
    let_leases_end(database).await;
    batch
}

async fn settles(database: TestDatabase) {
    let batch = attempt_in_doubt(&database).await;
    assert_eq!(send_states(&database, batch).await, [4; 3]);
    let mut function = start(&database).await;
    for _ in 0..2 {
        assert!(failed(&mut function, event()).await.is_empty());
        assert_eq!(send_states(&database, batch).await, [2, 2, 4]);
    }
    assert_eq!(numbers(&database, "SELECT status FROM invitations ORDER BY id", vec![]).await, [6, 1, 0]);
    let people = texts(&database, "SELECT email_status FROM contacts ORDER BY id", vec![]).await;
    assert_eq!(people, ["bounced_permanent", "delivered", "active"]);
    assert_eq!(number(&database, "SELECT bounce_count FROM contacts WHERE id = 1", vec![]).await, 1);
    let suppressed = texts(&database, "SELECT email FROM suppressions", vec![]).await;
    assert_eq!(suppressed, ["bounce@simulator.amazonses.com"]);
    assert_eq!(number(&database, "SELECT COUNT(*) FROM feedback", vec![]).await, 2);

    let counted = function.metrics();
    let [first, again] = [0, 1].map(|at| ["Records", "Bounces", "DoubtsSettled"].map(|name| counted[at][name].clone()));
    assert_eq!(first, [json!(2), json!(1), json!(2)]);
    assert_eq!(again[0], json!(2));
    assert_eq!(again[2], Value::Null, "nothing was news");
    assert!(!function.output().contains('@'), "an address in the log: {}", function.output());
}

#[tokio::test]
async fn events_of_ses_settle_what_was_in_doubt_however_often_they_come_on_sqlite() {
    settles(TestDatabase::sqlite().await).await;
}

#[tokio::test]
async fn events_of_ses_settle_what_was_in_doubt_however_often_they_come_on_mysql() {
    settles(TestDatabase::mysql().await).await;
}

#[tokio::test]
async fn what_is_not_understood_comes_again_alone_and_is_named_by_nobody() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database).await;
    let good = event()["Records"][1]["body"].as_str().expect("a body").to_owned();
    let messages = [
        ("a", "{\"eventType\": \"Bounce\", \"mail\": \"ada@example.org\"}".to_owned()),
        ("b", "Successfully validated SNS topic for Amazon SES event publishing.".to_owned()),
        ("c", good),
        ("d", "ada@example.org".to_owned()),
    ];
    let event = sqs_event(EVENT, messages.map(|(id, body)| (id.to_owned(), body)));
    let mut again = failed(&mut function, event).await;
    again.sort();
    assert_eq!(again, ["a", "d"]);
    let said = function.output();
    assert!(!said.contains('@'), "{said}");
    for words in ["expected an event of SES, found no JSON", "SES greets its topic", "about no letter that is here"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
