//! A database server that dies in the middle of a cycle and comes back.

use std::time::Duration;

use tests::{databases, dice::Dice, own_server::OwnServer};

use crate::support::{
    ledger,
    machine::Machine,
    people::{self, CYCLE},
    sink,
};

const USERS: u32 = 150;
const DEATHS: usize = 4;
const REPLY: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_database_that_was_killed_and_finishes_with_nobody_written_to_twice() {
    let Some(mut server) = OwnServer::start().await else { return };
    let url = server.new_database().await;
    let records = databases::open(&url).await;
    let eligible = people::make_up(&records, USERS).await;
    records.close().await;
    let sink = sink::taking(REPLY).await;
    let machine = Machine::with_records(url).sending(sink::transport(&sink)).set("SCHEDULER_BATCH_SIZE", "7");

    let mut dice = Dice::thrown();
    let mut running = machine.start(&CYCLE);
    for death in 1..=DEATHS {
        sink.tally().wait_for(sink.tally().received() + dice.between(100, 400)).await;
        server.kill();
        assert!(!running.has_ended(), "death {death} came too late");
        server.start_again().await;
    }
    let ending = running.end().await;
    let ledger = ending.json_of(0);
    println!("{ledger}; {}", sink.tally());
    assert!(ending.err.contains("the database does not answer; waiting for it"), "{}", ending.err);
    ledger::is_balanced(&ledger);
    ledger::tells_what_arrived(&ledger, &sink);
    // The process lived on with every result in hand, so nothing is in doubt.
    assert_eq!((ledger::number(&ledger, "sent"), ledger::number(&ledger, "in_doubt")), (eligible, 0), "{}", ending.err);
    assert_eq!(machine.run(&CYCLE).await.json_of(0), ledger);
    assert_eq!(sink.tally().received() as u64, eligible);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_to_end_does_not_wait_for_a_database_that_was_killed() {
    let Some(mut server) = OwnServer::start().await else { return };
    let url = server.new_database().await;
    let records = databases::open(&url).await;
    people::make_up(&records, 1).await;
    let machine = Machine::with_records(url).set("EMAIL_TRANSPORTS", "null:");
    let running = machine.start_paused_run(&records).await;
    records.close().await;
    server.kill();
    running.terminate();
    let ending = running.end().await;
    assert_eq!(ending.code, 5, "{ending:?}");
}
