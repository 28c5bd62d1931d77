//! A month's invitations, through the stack's queues, bucket, topic and bus.

use std::{env, sync::Arc};

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::types::MessageSystemAttributeName as Attribute;
use chrono::Duration;
use serde_json::{Value, json};
use shared::{
    firing::Firing,
    queue::MAX_RECEIVES,
    run::{State, job::Job as _},
};
use tests::{
    ask, cycle,
    databases::TestDatabase,
    lambda_host::TRACE,
    people,
    provider_feedback::{at, ses_bounce, ses_events},
    queues::ScriptedQueue,
    runs,
    sqs_pump::Seen,
};

use crate::{
    heard::Listener,
    house::{House, faults},
};

const SCHEDULED: &str = include_str!("../../../events/monthly-invitations.json");
const USERS: usize = 60;
const CONTACTS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "infra/prove runs it: it needs an emulator of AWS"]
async fn a_month_goes_through_the_stack_and_each_contact_is_written_to_once() {
    let house = House::with(records().await).await;
    let mut told = Table::default();

    the_schema_is_made_before_anything_else(&house, &mut told).await;
    let first = the_schedule_s_firing_is_sent_once(&house, &mut told).await;
    doubled_messages_change_nothing(&house, first, &mut told).await;
    a_closed_run_s_report_and_events_are_there(&house, first, &mut told).await;
    what_ses_says_moves_letters_and_bars_addresses(&house, &mut told).await;
    a_person_s_request_reaches_the_planner_and_a_run_that_does_not_balance_is_alerted(&house, &mut told).await;
    a_planner_that_died_is_asked_to_go_on_by_the_bus(&house, &mut told).await;
    a_message_that_nobody_understands_is_a_dead_letter_with_its_cause(&house, &mut told).await;
    the_functions_log_in_json_and_name_nobody(&house);

    told.print();
}

/// Records without a table, on the server that tests use or else in a file.
async fn records() -> TestDatabase {
    match env::var_os("ALMANAC_TEST_MYSQL") {
        Some(_) => TestDatabase::empty_mysql().await,
        None => TestDatabase::empty_sqlite().await,
    }
}

async fn the_schema_is_made_before_anything_else(house: &House, told: &mut Table) {
    let migrated = house.migrate().await;
    assert!(!migrated["applied"].as_array().expect("names").is_empty(), "{migrated}");
    assert_eq!(house.migrate().await["applied"], json!([]), "once");
    told.row("the schema's version that the function migrate made", &migrated["version"]);
}

async fn the_schedule_s_firing_is_sent_once(house: &House, told: &mut Table) -> i64 {
    add_people(house, USERS).await;
    let planned = house.plan(runs::of_an_evening_to_come(SCHEDULED)).await;
    assert_eq!((&planned["met"], &planned["plan_complete"]), (&json!("opened"), &json!(true)), "{planned}");
    let run = planned["run"].as_i64().expect("a number");
    let batches = house.depth("InvitationsQueue").await;
    assert_eq!(batches, USERS / 3, "a message a batch");
    told.row("batches that the planner put into SQS", batches);

    let seen = house.work_until_closed(run).await;
    assert_eq!((seen.done, seen.failed, seen.traced), (batches, 0, batches), "{seen:?}");
    keeps_the_mapping(house, seen);
    assert_eq!(house.depth("InvitationsQueue").await, 0);
    told.row("events that the worker was handed", seen.events);
    told.row("most messages of an event", seen.largest);
    told.row("most workers at once", seen.most_at_once);

    let ledger = cycle::ledger_of_completed(&house.database, run).await;
    assert_eq!((ledger.planned, ledger.sent), ((USERS * CONTACTS) as u64, (USERS * CONTACTS) as u64), "{ledger:?}");
    each_address_was_written_to_once(house, USERS * CONTACTS);
    told.row("bulk calls that SES took", house.ses.calls());
    told.row("letters, each to an address of its own", house.ses.tally().received());
    run
}

async fn doubled_messages_change_nothing(house: &House, run: i64, told: &mut Table) {
    let sql = "SELECT id FROM batches WHERE run_id = ? ORDER BY id";
    let batches = ask::numbers(&house.database, sql, vec![run.into()]).await;
    for batch in &batches[..3] {
        house.send("InvitationsQueue", &json!({"run": run, "batch": batch}).to_string()).await;
    }
    let (pump, calls) = (house.pump("InvitationsQueue"), house.ses.calls());
    let delivered = pump.deliver(pump.gather().await, house.worker().as_ref()).await;
    assert_eq!((delivered.done.len(), delivered.failed.len()), (3, 0));
    assert_eq!((house.ses.calls(), house.depth("InvitationsQueue").await), (calls, 0));
    told.row("messages that came twice, and wrote to nobody", delivered.done.len());
}

async fn a_closed_run_s_report_and_events_are_there(house: &House, run: i64, told: &mut Table) {
    house.keep().await;
    let report = house.report(run).await;
    assert_eq!((&report["ledger"]["balanced"], &report["ledger"]["sent"]), (&json!(true), &json!(USERS * CONTACTS)));
    assert_eq!(report["run"]["trace"], TRACE, "of the firing that opened the run");
    told.row("the report in S3, its ledger's letters", &report["ledger"]["sent"]);

    let events = house.bus.heard().await;
    let kinds = kinds(&events);
    assert!(kinds.contains(&"job-completed".to_owned()), "{kinds:?}");
    told.row("events on the bus, all as their schemas say", kinds.join(" "));
    house.keep().await;
    assert!(house.bus.heard().await.is_empty(), "nothing is said twice");
}

async fn what_ses_says_moves_letters_and_bars_addresses(house: &House, told: &mut Table) {
    let calls = house.ses.bodies();
    let bounces = ses_events(&calls[0], "Bounce", ("bounce", &ses_bounce("Permanent")));
    let deliveries = ses_events(&calls[1], "Delivery", ("delivery", &json!({"timestamp": at(2)})));
    for event in bounces.iter().chain(&deliveries) {
        house.ses_says(event).await;
    }
    let (bounced, delivered) = (bounces.len() as i64, deliveries.len() as i64);
    let recorded =
        || async { ask::number(&house.database, "SELECT COUNT(*) FROM feedback", vec![]).await == bounced + delivered };
    let seen = house.pump("FeedbackQueue").run(house.feedback(), recorded).await;
    assert_eq!((seen.failed, house.depth("FeedbackQueue").await), (0, 0), "{seen:?}");
    let barred = ask::number(&house.database, "SELECT COUNT(*) FROM suppressions", vec![]).await;
    let arrived = "SELECT COUNT(*) FROM contacts WHERE email_status = 'delivered'";
    assert_eq!((barred, ask::number(&house.database, arrived, vec![]).await), (bounced, delivered));
    told.row("events of SES, by the topic and its queue to delivery-feedback", bounced + delivered);
    told.row("addresses that bounced, on the suppression list", barred);
}

async fn a_person_s_request_reaches_the_planner_and_a_run_that_does_not_balance_is_alerted(
    house: &House,
    told: &mut Table,
) {
    add_people(house, 3).await;
    // Another job's is not this planner's.
    ask_for_a_run(house, json!({"version": 1, "job": "another-job"})).await;
    let scheduled = "2196-11-06T17:00:00Z";
    ask_for_a_run(house, json!({"version": 1, "job": "monthly-invitations", "scheduled_time": scheduled})).await;
    let planned = house.plan(fired(house).await).await;
    assert_eq!((&planned["met"], &planned["key"]), (&json!("opened"), &json!("2196-11/06")), "{planned}");
    told.row("the run that a person asked for by the bus", planned["key"].as_str().expect("a key"));

    // As if a batch had been lost after it was counted.
    let run = planned["run"].as_i64().expect("a number");
    runs::plan_by_hand(&house.database, run, 1, true).await;
    house.work_until_closed(run).await;
    assert_eq!(runs::find(&house.database, run).await.state, State::Failed);
    house.bus.heard().await;
    house.keep().await;
    let events = house.bus.heard().await;
    assert!(kinds(&events).contains(&"job-failed".to_owned()), "{events:?}");
    let alerts = alerts(house).await;
    assert_eq!(alerts, ["ledger-unbalanced raised"]);
    told.row("the alert on SNS", alerts.concat());
    each_address_was_written_to_once(house, (USERS + 3) * CONTACTS);
}

async fn a_planner_that_died_is_asked_to_go_on_by_the_bus(house: &House, told: &mut Table) {
    add_people(house, 3).await;
    let dead = runs::planner(&house.database, Arc::new(ScriptedQueue::taking_all()), 3);
    let scheduled_at = "2196-11-07T17:00:00Z".parse().expect("a time");
    let firing = Firing { scheduled_at, ..runs::firing() };
    let run = dead.open(firing).await.expect("a run").run().id;
    let long_ago = -Duration::minutes(10).num_microseconds().expect("a small number");
    let sql = "UPDATE runs SET checkpoint_at = {now+?} WHERE id = ?";
    ask::execute(&house.database, sql, vec![long_ago.into(), run.into()]).await;

    let kept = house.keep().await;
    assert_eq!(kept["resumed_planners"], 1, "{kept}");
    assert!(kinds(&house.bus.heard().await).contains(&"run-requested".to_owned()));
    assert_eq!(alerts(house).await, ["run-stuck raised"], "it was opened longer ago than a run may take");
    let planned = house.plan(fired(house).await).await;
    assert_eq!((&planned["run"], &planned["plan_complete"]), (&json!(run), &json!(true)), "{planned}");
    house.work_until_closed(run).await;
    let ledger = cycle::ledger_of_completed(&house.database, run).await;
    assert_eq!(ledger.sent, 3 * CONTACTS as u64);
    house.keep().await;
    assert_eq!(alerts(house).await, ["run-stuck cleared"]);
    each_address_was_written_to_once(house, (USERS + 6) * CONTACTS);
    told.row(
        "the run whose planner died, finished after the keeper's request",
        planned["key"].as_str().expect("a key"),
    );
}

async fn a_message_that_nobody_understands_is_a_dead_letter_with_its_cause(house: &House, told: &mut Table) {
    house.send("InvitationsQueue", "{malformed").await;
    let pump = house.pump("InvitationsQueue");
    for receive in 1..=MAX_RECEIVES {
        let messages = pump.gather().await;
        let counted =
            messages[0].attributes.as_ref().map(|attributes| &attributes[&Attribute::ApproximateReceiveCount]);
        assert_eq!(counted, Some(&receive.to_string()));
        let delivered = pump.deliver(messages, house.worker().as_ref()).await;
        assert_eq!((delivered.done.len(), delivered.failed.len()), (0, 1), "receive {receive}");
        assert_eq!(house.depth("InvitationsQueue").await, 1, "it is invisible, and there");
        pump.show_again(&delivered.failed).await;
    }
    assert!(pump.gather().await.is_empty(), "SQS moves it at its next receive");
    assert_eq!(house.depth("InvitationsQueue").await, 0);
    assert_eq!(house.depth("InvitationsDeadLetters").await, 1);

    let recorded = || async { ask::number(&house.database, "SELECT COUNT(*) FROM dead_letters", vec![]).await > 0 };
    let seen = house.pump("InvitationsDeadLetters").run(house.dead_letters(), recorded).await;
    assert_eq!((seen.done, seen.failed), (1, 0));
    assert_eq!(house.depth("InvitationsDeadLetters").await, 0);
    let cause = ask::texts(&house.database, "SELECT cause FROM dead_letters", vec![]).await.remove(0);
    house.keep().await;
    assert_eq!(alerts(house).await, ["unreadable-dead-letter raised"]);
    told.row("receives before SQS took it for a dead letter", MAX_RECEIVES);
    told.row("the dead letter's recorded cause", cause);
}

fn the_functions_log_in_json_and_name_nobody(house: &House) {
    let logs = house.logs();
    assert!(!logs.is_empty(), "the functions log");
    let no_json = logs.lines().find(|line| !serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()));
    assert_eq!(no_json, None);
    let named = logs.lines().find(|line| line.contains("@of") || line.contains("malformed"));
    assert_eq!(named, None);
}

async fn add_people(house: &House, users: usize) {
    for _ in 0..users {
        people::add_user_with_contacts(&house.database, CONTACTS).await;
    }
}

fn keeps_the_mapping(house: &House, seen: Seen) {
    let mapping = house.stack.mapping("InvitationsQueue");
    assert!(seen.largest <= mapping.batch_size && seen.most_at_once <= mapping.most_at_once, "{seen:?} {mapping:?}");
    assert!(house.workers() <= mapping.most_at_once, "{} workers", house.workers());
}

fn each_address_was_written_to_once(house: &House, letters: usize) {
    let tally = house.ses.tally();
    assert_eq!((tally.received(), tally.distinct(), house.addresses().len()), (letters, letters, letters));
}

/// The kinds of events, each of which is as its schema says.
fn kinds(events: &[Value]) -> Vec<String> {
    let faults: Vec<_> = events.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{faults:?}");
    events.iter().map(|event| event["detail-type"].as_str().expect("a kind").to_owned()).collect()
}

/// What people were told by the topic, cause and state; it is as the event's schema says.
async fn alerts(house: &House) -> Vec<String> {
    let message =
        |told: &Value| -> Value { serde_json::from_str(told["Message"].as_str().expect("a message")).expect("JSON") };
    let told: Vec<_> = house.alerts.heard().await.iter().map(message).collect();
    let as_event = |told: &Value| json!({"source": "almanac", "detail-type": "alerts-triggered", "detail": told});
    kinds(&told.iter().map(as_event).collect::<Vec<_>>());
    let text = |alert: &Value, field: &str| alert[field].as_str().expect("a text").to_owned();
    let alerts = told.iter().flat_map(|told| told["alerts"].as_array().expect("alerts"));
    alerts.map(|alert| format!("{} {}", text(alert, "cause"), text(alert, "state"))).collect()
}

async fn ask_for_a_run(house: &House, detail: Value) {
    let entry = PutEventsRequestEntry::builder().event_bus_name(house.stack.bus()).source("almanac");
    let entry = entry.detail_type("run-requested").detail(detail.to_string()).build();
    let put = house.stack.buses().put_events().entries(entry).send().await.expect("a bus that answers");
    assert_eq!(put.failed_entry_count(), 0);
}

/// The one event that the template's rule hands to the planner.
async fn fired(house: &House) -> Value {
    let mut events = Listener::on_the_queue(&house.stack, house.stack.fired("monthly-invitations")).heard().await;
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

/// What was seen, for people.
#[derive(Default)]
struct Table(Vec<(&'static str, String)>);

impl Table {
    fn row(&mut self, what: &'static str, seen: impl ToString) {
        self.0.push((what, seen.to_string()));
    }

    fn print(&self) {
        let width = self.0.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
        println!();
        for (what, seen) in &self.0 {
            println!("{what:width$}  {seen}");
        }
    }
}
