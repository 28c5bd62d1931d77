//! What a dry run foretells by the live quota, and that a run which cannot be over in time is not begun.

use serde_json::Value;
use shared::records::Records;
use tests::{
    databases,
    ses_fake::{Account, SesFake},
};

use crate::support::{machine::Machine, people::CYCLE, query, until};

/// The demo's people, of whom some two thousand may be written to, and an account of SES.
async fn house(per_second: f64, per_day: f64) -> (Machine, Records, SesFake) {
    let ses = SesFake::start().await.expect("a free port");
    ses.set_account(Some(Account { per_second, per_day, sent: 100.0, enabled: true }));
    let machine = Machine::bare().sending(format!("ses+http://{}", ses.address())).set("AWS_REGION", "eu-west-3");
    machine.run(&["demo", "--people-only", "--users", "120", "--json"]).await.json_of(0);
    let records = databases::open(&format!("sqlite:{}/almanac.db", machine.home().display())).await;
    (machine, records, ses)
}

async fn runs(records: &Records) -> u64 {
    query::number(records, "SELECT COUNT(*) FROM runs").await
}

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CYCLE[..], more].concat()
}

#[tokio::test]
async fn a_dry_run_says_how_long_it_takes_at_the_quota_of_the_account_and_what_it_costs() {
    let (machine, records, ses) = house(4.0, 50_000.0).await;
    let dry = machine.run(&with(&["--dry-run"])).await.json_of(0);
    let (letters, forecast) = (dry["would_send"].as_f64().expect("a number"), &dry["forecast"]);
    let seconds = forecast["seconds"].as_f64().expect("seconds");
    assert!((seconds / (letters / 4.0) - 1.0).abs() < 0.1, "{seconds} s for {letters} letters");
    assert_eq!(forecast["bounded_by"], "letters a second");
    assert_eq!((&forecast["quota"]["per_second"], &forecast["quota"]["sent"]), (&4.0.into(), &100.into()));
    let cost = &forecast["on_aws"]["cost"];
    assert_eq!((&cost["ses"], &cost["currency"]), (&((letters * 0.016).round() / 100.0).into(), &"USD".into()));

    let dry = [&CYCLE[..4], &["--dry-run"]].concat();
    let said = machine.run(&dry).await.out;
    assert!(said.contains("the sending quota: 4 letters a second, 50,000 a day, of which 100 are gone"), "{said}");
    assert!(said.contains("prices of eu-west-3 in 2026-11"), "{said}");
    // Asking writes nothing, not even what SES has said.
    for sql in ["SELECT COUNT(*) FROM runs", "SELECT COUNT(*) FROM send_quota", "SELECT COUNT(*) FROM invitations"] {
        assert_eq!(query::number(&records, sql).await, 0, "{sql}");
    }
    assert_eq!((ses.asked(), ses.calls()), (2, 0));
}

#[tokio::test]
async fn a_run_that_cannot_be_over_in_time_is_not_begun_and_says_what_would_make_it_fit() {
    let (machine, records, ses) = house(0.5, 50_000.0).await;
    let dry = machine.run(&with(&["--dry-run"])).await.json_of(6);
    let refused = machine.run(&CYCLE).await;
    let said: Value = refused.json_of(6);
    assert_eq!(said["refused"], dry["refused"]);
    assert!(refused.err.contains("almanac: not begun: "), "{}", refused.err);
    let words = said["refused"].as_str().expect("words");
    for part in
        ["allows 1 h 0 min", "letters a second (now 0.50)", "SCHEDULER_MAX_JOB_DURATION_HOURS=2", "--however-long"]
    {
        assert!(words.contains(part), "{part} is not in: {words}");
    }
    assert_eq!((runs(&records).await, ses.calls()), (0, 0));

    let dry = machine.run(&with(&["--dry-run", "--however-long"])).await.json_of(0);
    assert_eq!(dry["refused"], Value::Null);
    // What it says fits does.
    let machine = machine.set("SCHEDULER_MAX_JOB_DURATION_HOURS", "2");
    machine.run(&with(&["--dry-run"])).await.json_of(0);
}

#[tokio::test]
async fn a_day_s_quota_that_is_too_small_is_named() {
    let (machine, _, _ses) = house(1_000.0, 500.0).await;
    let dry = machine.run(&with(&["--dry-run"])).await.json_of(6);
    let words = dry["refused"].as_str().expect("words");
    assert!(words.contains("letters a day (now 500)"), "{words}");
    assert_eq!(dry["forecast"]["bounded_by"], "letters a day");
}

#[tokio::test]
async fn a_run_that_was_begun_however_long_goes_on_without_being_asked_again() {
    let (machine, records, ses) = house(1_000.0, 50_000.0).await;
    // So small batches that most of them have not been looked at when it is killed.
    let machine = machine.set("EMAIL_RATE_LIMIT_PER_MINUTE", "20").set("SCHEDULER_BATCH_SIZE", "2");
    assert_eq!(machine.run(&CYCLE).await.code, 6);
    let mut running = machine.start(&with(&["--however-long"]));
    until("a call is made", async || ses.calls() > 0 || running.has_ended()).await;
    running.kill();
    let (begun, calls) = (runs(&records).await, ses.calls());
    let mut again = machine.start(&CYCLE);
    until("another call is made", async || ses.calls() > calls || again.has_ended()).await;
    again.terminate();
    // Stopped, and not refused.
    assert_eq!((begun, again.end().await.code), (1, 5));
}

#[tokio::test]
async fn an_account_that_may_not_send_begins_nothing() {
    let (machine, records, ses) = house(1_000.0, 50_000.0).await;
    ses.set_account(Some(Account { per_second: 1_000.0, per_day: 50_000.0, sent: 0.0, enabled: false }));
    let said = machine.run(&CYCLE).await.json_of(6);
    let words = said["refused"].as_str().expect("words");
    assert!(words.contains("the provider takes no letters from this account"), "{words}");
    assert_eq!(runs(&records).await, 0);
}
