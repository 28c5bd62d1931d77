//! A process that is killed again and again in the middle of sending.

use std::time::Duration;

use serde_json::Value;
use shared::records::Records;
use tests::{databases::TestDatabase, dice::Dice, smtp_sink::SmtpSink};

use crate::support::{
    ledger,
    machine::Machine,
    people::{self, CONTACTS, CYCLE},
    query,
    sink::{self, CONNECTIONS},
};

const USERS: u32 = 160;
const KILLS: u32 = 30;
const KILLS_OF_REMINDERS: u32 = 10;

/// How long the mail server takes over a letter: long enough for calls to be under way at any moment.
const REPLY: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_written_to_twice_or_forgotten_when_the_process_is_killed_thirty_times_on_sqlite() {
    survive_kills(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_written_to_twice_or_forgotten_when_the_process_is_killed_thirty_times_on_mysql() {
    survive_kills(TestDatabase::mysql().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_in_doubt_when_nobody_kills_on_sqlite() {
    leave_no_doubt(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_in_doubt_when_nobody_kills_on_mysql() {
    leave_no_doubt(TestDatabase::mysql().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_twice_or_forgotten_when_the_process_is_killed_ten_times_on_sqlite() {
    survive_kills_of_reminders(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_twice_or_forgotten_when_the_process_is_killed_ten_times_on_mysql() {
    survive_kills_of_reminders(TestDatabase::mysql().await).await;
}

async fn survive_kills(database: TestDatabase) {
    let records = database.records().clone();
    let eligible = people::make_up(&records, USERS).await;
    let sink = sink::taking(REPLY).await;
    let machine = machine(&database, &sink);

    let most_in_doubt = kill_while_sending(&machine, &CYCLE, KILLS, &sink, &records).await;
    let ledger = machine.run(&CYCLE).await.json_of(0);
    println!("{} {}: most under way at a kill {most_in_doubt}; {}", database.url(), ledger, sink.tally());
    assert_eq!(ledger["status"], "completed");
    is_whole(&ledger, eligible);
    one_invitation_each(&records, eligible).await;
    ledger::tells_what_arrived(&ledger, &sink);
    every_doubt_is_listed(&machine, &ledger, &records).await;
    again_changes_nothing(&machine, &ledger, &sink).await;
}

async fn survive_kills_of_reminders(database: TestDatabase) {
    let records = database.records().clone();
    let eligible = people::make_up(&records, USERS).await;
    let sink = sink::taking(REPLY).await;
    let machine = machine(&database, &sink);
    assert_eq!(machine.run(&CYCLE).await.json_of(0)["sent"].as_u64(), Some(eligible));

    let at = people::days_from_now(3);
    let reminders = ["run", "reminders", "--at", &at, "--json"];
    kill_while_sending(&machine, &reminders, KILLS_OF_REMINDERS, &sink, &records).await;
    let ledger = machine.run(&reminders).await.json_of(0);
    println!("{} {}: {}", database.url(), ledger, sink.tally());
    ledger::is_balanced(&ledger);
    let of_reminders = ["planned", "sent", "in_doubt"].map(|name| ledger::number(&ledger, name));
    assert_eq!((of_reminders[0], of_reminders[1] + of_reminders[2]), (eligible, eligible));
    assert_eq!(query::number(&records, "SELECT COUNT(*) FROM reminders WHERE kind = 1").await, eligible);
    let received = sink.tally().received() as u64 - eligible;
    assert_eq!(sink.tally().duplicates(), 0, "{}", sink.tally());
    assert!(of_reminders[1] <= received && received <= eligible, "{ledger} {}", sink.tally());
}

async fn leave_no_doubt(database: TestDatabase) {
    let records = database.records().clone();
    let eligible = people::make_up(&records, USERS).await;
    let sink = sink::taking(Duration::ZERO).await;
    let machine = machine(&database, &sink);

    let ledger = machine.run(&CYCLE).await.json_of(0);
    is_whole(&ledger, eligible);
    assert_eq!(ledger["in_doubt"], 0);
    assert_eq!(ledger["sent"].as_u64(), Some(eligible));
    ledger::tells_what_arrived(&ledger, &sink);
    again_changes_nothing(&machine, &ledger, &sink).await;
}

fn machine(database: &TestDatabase, sink: &SmtpSink) -> Machine {
    // Small batches, so that every state of a batch is met.
    Machine::with_records(database.url()).sending(sink::transport(sink)).set("SCHEDULER_BATCH_SIZE", "7")
}

/// Starts a command and kills it after some more letters, so many times; gives the most letters that were under way.
async fn kill_while_sending(
    machine: &Machine,
    command: &[&str],
    kills: u32,
    sink: &SmtpSink,
    records: &Records,
) -> u64 {
    let mut dice = Dice::thrown();
    let (mut most, mut before) = (0, sink.tally().received());
    for kill in 1..=kills {
        let mut running = machine.start(command);
        let at = sink.tally().received() + dice.between(1, 100);
        while sink.tally().received() < at && !running.has_ended() {
            tokio::task::yield_now().await;
        }
        let ending = running.kill();
        assert_eq!(ending.code, -1, "kill {kill} came too late: {ending:?}");
        let doubts =
            query::number(records, "SELECT CAST(COALESCE(SUM(letters), 0) AS SIGNED) FROM sends WHERE state = 0").await;
        assert!(doubts <= CONNECTIONS, "{doubts} letters were under way at kill {kill}");
        let received = sink.tally().received();
        assert!(received > before, "nothing was sent before kill {kill}");
        (most, before) = (most.max(doubts), received);
    }
    most
}

/// Everything planned has one outcome, and everybody who may be written to was.
fn is_whole(ledger: &Value, eligible: u64) {
    ledger::is_balanced(ledger);
    assert_eq!(ledger::number(ledger, "planned"), u64::from(USERS * CONTACTS));
    assert_eq!(ledger::number(ledger, "planned") - ledger::skipped(ledger), eligible);
}

async fn one_invitation_each(records: &Records, eligible: u64) {
    let rows = "SELECT COUNT(*) FROM invitations";
    let people = "SELECT COUNT(DISTINCT i.contact_id) FROM invitations i JOIN contacts c ON c.id = i.contact_id \
                  WHERE c.opted_out = 0 AND i.month = (SELECT MAX(month) FROM invitations)";
    assert_eq!(query::number(records, rows).await, eligible);
    assert_eq!(query::number(records, people).await, eligible);
}

/// A person who asks finds every invitation in doubt: the first hundred on the terminal, all in the report.
async fn every_doubt_is_listed(machine: &Machine, ledger: &Value, records: &Records) {
    let doubtful = query::rows(records, "SELECT id FROM invitations WHERE send_state = 4 ORDER BY id").await;
    let doubtful: Vec<String> = doubtful.iter().map(|row| row.int(0).expect("an id").to_string()).collect();
    assert_eq!(ledger["in_doubt"].as_u64(), Some(doubtful.len() as u64));

    let report = machine.home().join("objects/reports/monthly-invitations/2026-11-05/run-1.json");
    let report = std::fs::read_to_string(report).expect("the report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["in_doubt"]["letters"], serde_json::json!(doubtful));

    let shown = machine.run(&["runs", "show", "1"]).await.out;
    let listed = &doubtful[..doubtful.len().min(100)];
    assert!(shown.contains(&listed.join(" ")), "{shown}");
    if let more @ 1.. = doubtful.len() - listed.len() {
        assert!(shown.contains(&format!("and {more} more, all in the run's report")), "{shown}");
    }
}

async fn again_changes_nothing(machine: &Machine, ledger: &Value, sink: &SmtpSink) {
    let received = sink.tally().received();
    assert_eq!(machine.run(&CYCLE).await.json_of(0), *ledger);
    assert_eq!(sink.tally().received(), received);
}
