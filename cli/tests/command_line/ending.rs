//! The system's request to end (SIGTERM) to what takes long: the exit code says so, and the same command goes on.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt;
use serde_json::Value;
use shared::records::Records;
use tests::databases::TestDatabase;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::support::{
    machine::Machine,
    people::{self, CYCLE},
    query, until,
};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_to_end_does_not_wait_for_records_that_are_busy_elsewhere() {
    let house = House::new().await;
    people::make_up(&house.records, 1).await;
    let running = house.machine.start_paused_run(&house.records).await;
    let (taken, release) = hold_the_writer(&house.records).await;

    running.terminate();
    let ledger = running.end().await.json_of(5);
    assert_eq!((&ledger["status"], &ledger["control"]), (&"open".into(), &"pause".into()));
    release.send(()).expect("it was held all the time");
    taken.await.expect("no panic").expect("it was there all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_for_a_silent_server_ends_when_it_is_asked_to() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("bound");
    let machine = Machine::with_records(format!("mysql://root@{address}/almanac")).set("EMAIL_TRANSPORTS", "null:");
    let dry_run = [&CYCLE[..], &["--dry-run"]].concat();
    let redrive = ["redrive", "1", "--leave"];
    let import = ["import", "users.csv", "contacts.csv"];
    for command in [&CYCLE[..], &dry_run, &redrive, &import, &["demo"], &["bench"]] {
        let running = machine.start(command);
        let (_connection, _) = silent.accept().await.expect("it connects");
        running.terminate();
        let ending = running.end().await;
        assert!(ending.code == 5 && ending.err.contains(STOPPED), "{command:?}: {ending:?}");
    }
}

/// Begins a transaction that keeps everybody else from writing, until it is released.
async fn hold_the_writer(records: &Records) -> (JoinHandle<shared::records::Result<()>>, oneshot::Sender<()>) {
    let (release, released) = oneshot::channel();
    let (began, begun) = oneshot::channel();
    let once = Arc::new(Mutex::new(Some((began, released))));
    let records = records.clone();
    let taken = tokio::spawn(async move {
        records
            .transaction(move |_| {
                let once = once.lock().expect("nobody panics while holding it").take();
                async move {
                    let (began, released) = once.expect("what does not fail is not repeated");
                    began.send(()).expect("the test waits for it");
                    released.await.ok();
                    Ok(())
                }
                .boxed()
            })
            .await
    });
    begun.await.expect("it began");
    (taken, release)
}
