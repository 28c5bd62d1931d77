//! Many processes that are started for the same scheduled time at the same moment.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tests::{databases::TestDatabase, smtp_sink::SmtpSink};

use crate::support::{
    ledger,
    machine::Machine,
    people::{self, CYCLE},
    process::{Ending, Running},
    query, sink,
};

const PROCESSES: usize = 10;
const USERS: u32 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn ten_processes_at_once_in_one_home_make_one_run_on_sqlite() {
    let database = TestDatabase::sqlite().await;
    let sink = sink::taking(Duration::ZERO).await;
    let machine = machine(&database, &sink);
    fire_at_once(&database, &sink, |_| machine.start(&CYCLE)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_machines_at_once_make_one_run_on_mysql() {
    let database = TestDatabase::mysql().await;
    let sink = sink::taking(Duration::ZERO).await;
    let machines: Vec<Machine> = (0..PROCESSES).map(|_| machine(&database, &sink)).collect();
    fire_at_once(&database, &sink, |number| machines[number].start(&CYCLE)).await;
}

fn machine(database: &TestDatabase, sink: &SmtpSink) -> Machine {
    Machine::with_records(database.url()).sending(sink::transport(sink)).set("SCHEDULER_BATCH_SIZE", "3")
}

async fn fire_at_once(database: &TestDatabase, sink: &SmtpSink, start: impl Fn(usize) -> Running) {
    let records = database.records().clone();
    let eligible = people::make_up(&records, USERS).await;

    let running: Vec<Running> = (0..PROCESSES).map(start).collect();
    let endings: Vec<Ending> = join_all(running.into_iter().map(Running::end)).await;
    let ledgers: Vec<Value> = endings.iter().map(|ending| ending.json_of(0)).collect();
    println!("{}; {}", ledgers[0], sink.tally());
    for ledger in &ledgers {
        assert_eq!(*ledger, ledgers[0]);
    }
    assert_eq!(query::number(&records, "SELECT COUNT(*) FROM runs").await, 1);
    assert_eq!(query::number(&records, "SELECT COUNT(*) FROM invitations").await, eligible);
    ledger::is_balanced(&ledgers[0]);
    ledger::tells_what_arrived(&ledgers[0], sink);
    assert_eq!((ledger::number(&ledgers[0], "sent"), ledger::number(&ledgers[0], "in_doubt")), (eligible, 0));
}
