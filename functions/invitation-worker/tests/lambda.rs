//! The worker's own binary, as Lambda runs it.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    ask, cycle,
    databases::TestDatabase,
    lambda_host::{self, Answer, LambdaHost},
    people,
    runs::firing,
};

const FUNCTION: &str = "invitation-worker";
const EVENT: &str = include_str!("../../../events/invitation-worker.json");

/// A planned cycle, and a worker that writes letters into a folder.
struct House {
    database: TestDatabase,
    folder: TempDir,
    worker: LambdaHost,
    messages: Vec<String>,
}

impl House {
    async fn new() -> Self {
        let database = TestDatabase::sqlite().await;
        for _ in 0..3 {
            people::add_user_with_contacts(&database, 4).await;
        }
        let (_, messages) = cycle::plan(&database, firing(), 1).await;
        let messages = messages.iter().map(|message| serde_json::to_string(message).expect("ids")).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let transports = format!("dir:{}", folder.path().display());
        let worker = start(&[("DATABASE_URL", database.url()), ("EMAIL_TRANSPORTS", transports)]).await;
        Self { database, folder, worker, messages }
    }

    /// Hands messages over; gives the ids of those that are to come again.
    async fn failures(&mut self, messages: &[(&str, &str)]) -> Vec<Value> {
        let messages = messages.iter().map(|&(id, body)| (id.to_owned(), body.to_owned()));
        let answer = self.worker.invoke(lambda_host::sqs_event(EVENT, messages)).await;
        let Answer::Response(response) = answer else { panic!("{answer:?}") };
        let items = response["batchItemFailures"].as_array().expect("a list").iter();
        items.map(|item| item["itemIdentifier"].clone()).collect()
    }

    fn letters(&self) -> usize {
        fs::read_dir(self.folder.path()).expect("the folder").count()
    }
}

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_invitation-worker"), settings).await.expect("the binary starts")
}

#[tokio::test]
async fn batches_are_sent_once_however_often_their_messages_come() {
    let mut house = House::new().await;
    let messages = house.messages.clone();
    let all: Vec<(&str, &str)> = ["a", "b", "c"].into_iter().zip(messages.iter().map(String::as_str)).collect();
    assert_eq!(house.failures(&all).await, Vec::<Value>::new());
    assert_eq!(house.letters(), 12);
    let ledger = cycle::ledger_of_completed(&house.database, 1).await;
    assert_eq!((ledger.planned, ledger.sent), (12, 12));

    assert_eq!(house.failures(&all).await, Vec::<Value>::new());
    let calls = ask::number(&house.database, "SELECT COUNT(*) FROM sends", vec![]).await;
    assert_eq!((house.letters(), calls), (12, 3));
}

#[tokio::test]
async fn the_event_that_is_kept_for_reading_is_understood() {
    let mut house = House::new().await;
    let event: Value = serde_json::from_str(EVENT).expect("an event");
    assert_eq!(house.worker.invoke(event).await, Answer::Response(json!({"batchItemFailures": []})));
    assert_eq!(house.letters(), 4);
}

#[tokio::test]
async fn a_malformed_message_comes_back_alone_and_an_unknown_batch_is_done_with_a_warning() {
    let mut house = House::new().await;
    let good = house.messages[0].clone();
    let messages = [("bad", "{malformed"), ("unknown", r#"{"run":1,"batch":4711}"#), ("good", good.as_str())];
    assert_eq!(house.failures(&messages).await, ["bad"]);
    assert_eq!(house.letters(), 4);
    let log = house.worker.output();
    assert!(log.contains("there is no batch 4711") && log.contains("WARN"), "{log}");
    assert!(!log.contains("malformed"), "what a message says may be personal: {log}");
}

#[tokio::test]
async fn without_a_database_and_a_transport_the_function_does_not_start_and_says_why() {
    let (status, output) = start(&[]).await.end().await;
    assert!(!status.success());
    assert!(output.contains("DATABASE_URL: missing"), "{output}");
    let database = TestDatabase::sqlite().await;
    let (status, output) = start(&[("DATABASE_URL", database.url())]).await.end().await;
    assert!(!status.success());
    assert!(output.contains("EMAIL_TRANSPORTS: missing"), "{output}");
}
