//! A queue that delivers at least once: every message comes several times, while the process is killed again and again.

use std::time::Duration;

use tests::{databases::TestDatabase, dice::Dice};

use crate::support::{
    ledger,
    machine::Machine,
    people::{self, CYCLE},
    query, sink,
};

const USERS: u32 = 100;
const KILLS: u32 = 15;
const REPLY: Duration = Duration::from_millis(2);

/// A message more for every batch that has one, as SQS and a planner that dies before its note may send it.
const ONE_MORE: &str = "INSERT INTO queue_messages (queue, body, sent_at, visible_at) \
                        SELECT queue, body, MIN(sent_at), MIN(sent_at) FROM queue_messages WHERE dead = 0 \
                        GROUP BY queue, body";

#[tokio::test(flavor = "multi_thread")]
async fn several_messages_for_one_batch_write_to_nobody_twice_on_sqlite() {
    survive_doubled_messages(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_messages_for_one_batch_write_to_nobody_twice_on_mysql() {
    survive_doubled_messages(TestDatabase::mysql().await).await;
}

async fn survive_doubled_messages(database: TestDatabase) {
    let records = database.records().clone();
    let eligible = people::make_up(&records, USERS).await;
    let sink = sink::taking(REPLY).await;
    let machine = Machine::with_records(database.url()).sending(sink::transport(&sink));
    let machine = machine.set("SCHEDULER_BATCH_SIZE", "10");

    let mut dice = Dice::thrown();
    for kill in 1..=KILLS {
        let mut running = machine.start(&CYCLE);
        let at = sink.tally().received() + dice.between(1, 80);
        while sink.tally().received() < at && !running.has_ended() {
            tokio::task::yield_now().await;
        }
        assert_eq!(running.kill().code, -1, "kill {kill} came too late");
        query::change(&records, ONE_MORE).await;
    }
    let ledger = machine.run(&CYCLE).await.json_of(0);
    println!("{ledger}; {}", sink.tally());
    ledger::is_balanced(&ledger);
    ledger::tells_what_arrived(&ledger, &sink);
    assert_eq!(ledger::number(&ledger, "planned") - ledger::skipped(&ledger), eligible);
}
