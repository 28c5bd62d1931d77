//! The system's request to end (SIGTERM) to what takes long: the exit code says so, and the same command goes on.

use std::fmt::Write as _;

use serde_json::Value;
use shared::records::Records;
use tests::databases::TestDatabase;

use crate::support::{machine::Machine, query, until};

const LINES: usize = 60_000;

struct House {
    machine: Machine,
    records: Records,
    _database: TestDatabase,
}

impl House {
    async fn new() -> Self {
        let database = TestDatabase::sqlite().await;
        let records = database.records().clone();
        let machine = Machine::with_records(database.url()).set("EMAIL_TRANSPORTS", "null:");
        Self { machine, records, _database: database }
    }

    /// Starts a command, asks it to end as soon as the query counts something, and gives its last words.
    async fn stop_when(&self, arguments: &[&str], something: &'static str) -> String {
        let running = self.machine.start(arguments);
        until(something, async || query::number(&self.records, something).await > 0).await;
        running.terminate();
        let ending = running.end().await;
        assert_eq!(ending.code, 5, "{ending:?}");
        assert!(ending.err.contains("almanac: stopping"), "{ending:?}");
        ending.err
    }
}

const STOPPED: &str = "almanac: stopped before its end: the same command goes on with it";

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_asked_to_end_is_completed_by_the_next_one() {
    let house = House::new().await;
    let folder = house.machine.folder();
    std::fs::write(folder.join("users.csv"), "id,username,email\n1,ada,ada@example.org\n").expect("a file");
    let mut contacts = "owner,email\n".to_owned();
    for number in 0..LINES {
        writeln!(contacts, "1,c{number}@example.org").expect("a text takes everything");
    }
    std::fs::write(folder.join("contacts.csv"), contacts).expect("a file");
    let import = ["import", "users.csv", "contacts.csv", "--json"];
    let words = house.stop_when(&import, "SELECT COUNT(*) FROM contacts").await;
    assert!(words.contains(STOPPED), "{words}");
    let before = query::number(&house.records, "SELECT COUNT(*) FROM contacts").await;

    let counts = house.machine.run(&import).await.json_of(0)["contacts"].clone();
    let number = |name: &str| counts[name].as_u64().expect("a count");
    assert_eq!((number("unchanged"), number("added")), (before, LINES as u64 - before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_asked_to_end_is_completed_by_the_next_one() {
    let house = House::new().await;
    let demo = ["demo", "--users", "3000", "--contacts", "10", "--json"];
    let words = house.stop_when(&demo, "SELECT COUNT(*) FROM contacts").await;
    assert!(words.contains(STOPPED), "{words}");
    assert_eq!(query::number(&house.records, "SELECT COUNT(*) FROM runs").await, 0, "nobody was invited yet");

    let ledger: Value = house.machine.run(&demo).await.json_of(0);
    assert_eq!((&ledger["status"], &ledger["balanced"]), (&"completed".into(), &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bench_that_is_asked_to_end_leaves_no_call_under_way() {
    let house = House::new().await;
    let bench = ["bench", "--users", "4000", "--contacts", "10"];
    let words = house.stop_when(&bench, "SELECT COUNT(*) FROM sends").await;
    assert!(words.contains(STOPPED), "{words}");
    assert_eq!(query::number(&house.records, "SELECT COUNT(*) FROM sends WHERE state = 0").await, 0);
    assert_eq!(query::number(&house.records, "SELECT COUNT(*) FROM runs WHERE state = 'open'").await, 1);
}
