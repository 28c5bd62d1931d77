//! What a run had to give up is done again by a person's word.

use serde_json::json;
use tests::{
    ask::execute,
    cycle::plan,
    databases::TestDatabase,
    runs::{firing, park},
    smtp_sink::SmtpSink,
};

use crate::support::{
    ledger,
    machine::Machine,
    people::{self, CYCLE},
    query, sink,
};

#[tokio::test(flavor = "multi_thread")]
async fn parked_batches_are_sent_by_a_redrive_and_by_no_second_one_on_sqlite() {
    redrive(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_batches_are_sent_by_a_redrive_and_by_no_second_one_on_mysql() {
    redrive(TestDatabase::mysql().await).await;
}

async fn redrive(database: TestDatabase) {
    let records = database.records().clone();
    let eligible = people::make_up(&records, 12).await;
    let (_, messages) = plan(&records, firing(), 4).await;
    for message in messages {
        park(&records, message, "timed out").await;
    }
    let sink = SmtpSink::start().await.expect("a free port");
    let machine = Machine::with_records(database.url()).sending(sink::transport(&sink));
    assert_eq!(machine.run(&CYCLE).await.json_of(0)["failed"], 240, "all that was planned");

    let asked = machine.run(&["redrive", "1", "--dry-run", "--json"]).await.json_of(0);
    assert_eq!(asked, json!({"run": 1, "batches": 3, "planned": 240, "not_taken": 0}));
    let other_cause = machine.run(&["redrive", "1", "--cause", "panicked"]).await;
    assert_eq!(other_cause.code, 1);
    assert!(other_cause.err.contains("run 1 has no parked batch of that kind"), "{}", other_cause.err);

    // Left to an engine, it is opened and waits; asked for again, the open one is gone on with.
    let left = machine.run(&["redrive", "1", "--leave", "--json"]).await.json_of(0);
    let child = &left["run"];
    assert_eq!(left, json!({"run": child, "parent": 1, "status": "open"}));
    assert_eq!(sink.tally().received(), 0);
    let done = machine.run(&["redrive", "1", "--json"]).await.json_of(0);
    ledger::is_balanced(&done);
    ledger::tells_what_arrived(&done, &sink);
    assert_eq!((&done["run"], &done["parent"], &done["sent"]), (child, &json!(1), &json!(eligible)));
    assert_eq!(machine.run(&["redrive", "1"]).await.code, 1, "nothing is left");
    assert_eq!(sink.tally().received() as u64, eligible);

    let shown = machine.run(&["runs", "show", "1"]).await.out;
    assert!(shown.contains("3  timed out  (3 done again)"), "{shown}");
    assert!(shown.contains(&format!("Done again by run {child}.")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_is_shown_and_sent_again() {
    let database = TestDatabase::sqlite().await;
    let records = database.records().clone();
    let eligible = people::make_up(&records, 1).await;
    let sink = SmtpSink::start().await.expect("a free port");
    let machine = Machine::with_records(database.url()).sending(sink::transport(&sink));
    machine.run(&CYCLE).await.json_of(0);
    // As after a night that concluded so of the first two.
    let not_taken = "UPDATE invitations SET send_state = 6, status = 0, sent_at = 0 WHERE id % 65536 < 2";
    for sql in [not_taken, "UPDATE batches SET not_taken = 2"] {
        execute(&records, sql, vec![]).await;
    }

    let shown = machine.run(&["runs", "show", "1"]).await.out;
    let since = format!("What was heard since then makes it sent {}, failed 2, in doubt 0.", eligible - 2);
    for words in [&*since, "Not taken by their provider", "  65536 65537\n`almanac redrive 1` sends them."] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let now = &machine.run(&["runs", "show", "1", "--json"]).await.json_of(0)["now"];
    assert_eq!(*now, json!({"sent": eligible - 2, "failed": 2, "in_doubt": 0}));
    let contact = query::number(&records, "SELECT contact_id FROM invitations WHERE id = 65536").await.to_string();
    let story = machine.run(&["why", &contact]).await.out;
    assert!(story.contains("not taken by its provider"), "{story}");

    let asked = machine.run(&["redrive", "1", "--dry-run"]).await.out;
    assert!(asked.contains("and 2 letters that were not taken by their provider"), "{asked}");
    let done = machine.run(&["redrive", "1", "--json"]).await.json_of(0);
    assert_eq!((&done["planned"], &done["sent"]), (&json!(2), &json!(2)));
    assert_eq!(sink.tally().received() as u64, eligible + 2);
    assert!(!machine.run(&["runs", "show", "1"]).await.out.contains("Not taken"));
}
