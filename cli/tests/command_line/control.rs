//! A person's hand on a run that another process works: pause, resume, cancel, and the system's request to end.

use std::time::Duration;

use serde_json::Value;
use shared::records::Records;
use tests::{databases::TestDatabase, smtp_sink::SmtpSink};

use crate::support::{
    ledger,
    machine::Machine,
    pause,
    people::{self, CYCLE},
    query, sink, until,
};

const USERS: u32 = 100;
const REPLY: Duration = Duration::from_millis(5);

/// How often the sink's count is looked at to see that it stands still: over more than one keeping.
const LOOKS: u32 = 75;

struct House {
    machine: Machine,
    sink: SmtpSink,
    records: Records,
    eligible: u64,
    _database: TestDatabase,
}

impl House {
    async fn new(database: TestDatabase) -> Self {
        let records = database.records().clone();
        let eligible = people::make_up(&records, USERS).await;
        let sink = sink::taking(REPLY).await;
        let machine = Machine::with_records(database.url());
        let machine = machine.sending(sink::transport(&sink)).set("SCHEDULER_BATCH_SIZE", "7");
        Self { machine, sink, records, eligible, _database: database }
    }

    /// Everybody who may be written to was, once.
    fn is_complete(&self, ledger: &Value) {
        ledger::is_balanced(ledger);
        ledger::tells_what_arrived(ledger, &self.sink);
        assert_eq!((ledger::number(ledger, "sent"), ledger::number(ledger, "in_doubt")), (self.eligible, 0));
    }

    async fn calls_under_way_end(&self) {
        let open = "SELECT COUNT(*) FROM sends WHERE state = 0";
        until("calls under way end", async || query::number(&self.records, open).await == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_stands_still_and_goes_on_when_it_is_resumed_on_sqlite() {
    pause_and_resume(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_stands_still_and_goes_on_when_it_is_resumed_on_mysql() {
    pause_and_resume(TestDatabase::mysql().await).await;
}

async fn pause_and_resume(database: TestDatabase) {
    let house = House::new(database).await;
    let mut running = house.machine.start(&CYCLE);
    house.sink.tally().wait_for(200).await;
    let noted = house.machine.run(&["pause", "1", "--json"]).await.json_of(0);
    assert_eq!(noted, serde_json::json!({"run": 1, "control": "pause"}));

    house.calls_under_way_end().await;
    let received = house.sink.tally().received();
    assert!((received as u64) < house.eligible, "there was nothing left to pause");
    for _ in 0..LOOKS {
        pause().await;
        assert_eq!(house.sink.tally().received(), received);
    }
    assert!(!running.has_ended(), "a paused run is not over");

    house.machine.run(&["resume", "1", "--json"]).await.json_of(0);
    house.is_complete(&running.end().await.json_of(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_closes_with_what_was_sent_and_skips_the_rest() {
    let house = House::new(TestDatabase::sqlite().await).await;
    let running = house.machine.start(&CYCLE);
    house.sink.tally().wait_for(200).await;
    house.machine.run(&["cancel", "1"]).await;

    let ledger = running.end().await.json_of(4);
    ledger::is_balanced(&ledger);
    ledger::tells_what_arrived(&ledger, &house.sink);
    assert_eq!(ledger["status"], "cancelled");
    assert_eq!(ledger["in_doubt"], 0);
    assert!(ledger["skipped"]["cancelled"].as_u64() > Some(0), "{ledger}");
    assert!(ledger::number(&ledger, "sent") < house.eligible);

    assert_eq!(house.machine.run(&CYCLE).await.json_of(4), ledger, "what is cancelled stays so");
    let refused = house.machine.run(&["resume", "1"]).await;
    assert_eq!((refused.code, refused.err.as_str()), (1, "almanac: run 1 is closed already: cancelled\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_end_leaves_nothing_in_doubt_and_the_next_one_completes_its_run() {
    let house = House::new(TestDatabase::sqlite().await).await;
    let running = house.machine.start(&CYCLE);
    house.sink.tally().wait_for(200).await;
    running.terminate();
    let ledger = running.end().await.json_of(5);
    assert_eq!((&ledger["status"], &ledger["in_doubt"]), (&"open".into(), &0.into()));
    assert_eq!(ledger::number(&ledger, "sent"), house.sink.tally().received() as u64);
    assert!(ledger::number(&ledger, "sent") < house.eligible, "it was stopped too late");
    assert_eq!(query::number(&house.records, "SELECT COUNT(*) FROM sends WHERE state <> 1").await, 0);

    house.is_complete(&house.machine.run(&CYCLE).await.json_of(0));
}
