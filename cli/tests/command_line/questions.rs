//! What an operator asks: who would be written to, why somebody was not, which runs there were.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::records::Records;
use tests::databases;

use crate::support::{ledger, machine::Machine, people::CYCLE, query};

/// How many users the demo's people are.
const USERS: &str = "120";

/// A machine with the demo's people, which sends to nobody.
async fn house() -> (Machine, Records) {
    let machine = Machine::bare().set("EMAIL_TRANSPORTS", "null:");
    machine.run(&["demo", "--people-only", "--users", USERS, "--json"]).await.json_of(0);
    let records = databases::open(&format!("sqlite:{}/almanac.db", machine.home().display())).await;
    (machine, records)
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_says_what_the_run_then_does() {
    let (machine, records) = house().await;
    let dry = machine.run(&[&CYCLE[..], &["--dry-run"]].concat()).await.json_of(0);
    for sql in ["SELECT COUNT(*) FROM runs", "SELECT COUNT(*) FROM invitations", "SELECT COUNT(*) FROM queue_messages"]
    {
        assert_eq!(query::number(&records, sql).await, 0, "{sql}");
    }
    let run = machine.run(&CYCLE).await.json_of(0);
    ledger::is_balanced(&run);
    assert_eq!(
        (&dry["planned"], &dry["would_send"], &dry["skipped"]),
        (&run["planned"], &run["sent"], &run["skipped"])
    );
    assert!(ledger::skipped(&run) > 0 && ledger::number(&run, "sent") > 0, "{run}");

    let again = machine.run(&[&CYCLE[..], &["--dry-run"]].concat()).await.json_of(0);
    assert_eq!(again["would_send"], 0, "everybody has been written to this month");
}

#[tokio::test]
async fn every_contact_s_story_tells_what_became_of_it() {
    let (machine, records) = house().await;
    machine.run(&CYCLE).await.json_of(0);
    let sent = query::number(&records, "SELECT MIN(contact_id) FROM invitations WHERE send_state = 2").await;
    let last = "SELECT contact_id FROM invitations WHERE id = (SELECT MAX(id) FROM invitations)";
    let doubtful = query::number(&records, last).await;
    // What a process leaves that dies in the middle of a call.
    let open = "UPDATE sends SET state = 2 WHERE batch_id = (SELECT MAX(id) / 65536 FROM invitations)";
    query::change(&records, open).await;
    let unknown = "UPDATE invitations SET send_state = 4, status = 0, sent_at = 0 \
                   WHERE id = (SELECT MAX(id) FROM invitations)";
    query::change(&records, unknown).await;
    let outcomes = |story: &Value| story["months"][0]["outcome"].as_str().unwrap_or_default().to_owned();

    let story = machine.run(&["why", &sent.to_string(), "--json"]).await.json_of(0);
    assert_eq!(outcomes(&story), "sent");
    assert_eq!(story["months"][0]["attempts"][0]["outcome"], "accepted");
    let story = machine.run(&["why", &doubtful.to_string(), "--json"]).await.json_of(0);
    assert_eq!(outcomes(&story), "in doubt (status queued)");
    assert_eq!(story["months"][0]["attempts"][0]["outcome"], "no result");

    let rows = query::rows(&records, "SELECT reason, MIN(contact_ids) FROM skips GROUP BY reason").await;
    let skipped: BTreeMap<String, String> =
        rows.iter().map(|row| (row.text(0).expect("a reason"), row.text(1).expect("ids"))).collect();
    assert!(skipped.len() > 3, "the demo has many awkward cases: {skipped:?}");
    for (reason, ids) in skipped {
        let contact = ids.split(',').next().expect("a contact");
        let story = machine.run(&["why", contact, "--json"]).await.json_of(0);
        assert_eq!(outcomes(&story), format!("skipped: {reason}"));
    }
}

#[tokio::test]
async fn runs_are_listed_newest_first_a_line_of_json_each() {
    let (machine, _) = house().await;
    machine.run(&["run", "monthly-invitations", "--at", "2026-10-05T18:00", "--json"]).await.json_of(0);
    machine.run(&CYCLE).await.json_of(0);
    let listed = machine.run(&["runs", "--json"]).await.out;
    let runs: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        runs.iter().map(|run| run["key"].as_str()).collect::<Vec<_>>(),
        [Some("2026-11/05"), Some("2026-10/05")]
    );
    for run in &runs {
        let shown = machine.run(&["runs", "show", &run["run"].to_string(), "--json"]).await.json_of(0);
        assert_eq!(shown, *run);
        ledger::is_balanced(run);
    }
    assert_eq!(machine.run(&["runs", "--json", "--limit", "1"]).await.out.lines().count(), 1);
}

#[tokio::test]
async fn a_closed_run_s_report_is_written_by_the_next_call_when_its_process_died_before() {
    let (machine, records) = house().await;
    machine.run(&CYCLE).await.json_of(0);
    let report = machine.home().join("objects/reports/monthly-invitations/2026-11-05/run-1.html");
    std::fs::remove_file(&report).expect("the report was written");
    query::change(&records, "UPDATE outbox SET state = 'due'").await;
    machine.run(&CYCLE).await.json_of(0);
    assert!(report.is_file());
}

#[tokio::test]
async fn a_migration_says_what_it_applied_and_again_that_there_is_nothing_to_do() {
    let machine = Machine::bare();
    let first = machine.run(&["migrate", "--json"]).await.json_of(0);
    assert_eq!((&first["applied"][0], &first["applied"][1]), (&"0001_people".into(), &"0002_runs".into()));
    let again = machine.run(&["migrate", "--json"]).await.json_of(0);
    assert_eq!(again, serde_json::json!({"applied": [], "version": first["version"]}));
    let said = machine.run(&["migrate"]).await.out;
    assert_eq!(said, format!("Nothing to apply: the schema is at version {}.\n", first["version"]));
}

#[tokio::test]
async fn a_run_that_waits_for_a_person_says_so_and_goes_on_when_one_runs_it() {
    let (machine, records) = house().await;
    let begun = "INSERT INTO runs (job, run_key, owner_token, trigger_kind, scheduled_at, started_at, parameters, \
                 ledger, error, resumed_checkpoint, vain_resumes) \
                 VALUES ('monthly-invitations', '2026-11/05', '', 'schedule', 1793898000000000, 1793898000000000, \
                 json_object('month', '2026-11', 'day', 5, 'scheduled_at', '2026-11-05T17:00:00Z', 'last_user', 120, \
                 'last_contact', 100000), '', '', 0, 1)";
    query::change(&records, begun).await;
    let show = ["runs", "show", "1"];
    assert!(machine.run(&show).await.out.contains("then `almanac resume 1`"));
    assert_eq!(machine.run(&[&show[..], &["--json"]].concat()).await.json_of(0)["waits_for_person"], true);
    let ledger = machine.run(&CYCLE).await.json_of(0);
    assert_eq!((&ledger["run"], &ledger["waits_for_person"]), (&1.into(), &false.into()));
    assert!(ledger::number(&ledger, "sent") > 0, "{ledger}");
}
