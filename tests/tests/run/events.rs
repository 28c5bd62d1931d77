//! What the code puts into the outbox, held against the schemas of the events, and the trace that leads to it.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::{
    clock::Clock,
    memory::MemoryWatch,
    run::{close::try_close, control, control::Control, job::Job as _, plan::dispatch},
    sqs::Deadline,
};
use tests::{
    ask::{execute, texts},
    cycle,
    databases::TestDatabase,
    people::add_user_with_contacts,
    queues::ScriptedQueue,
    runs::{add_planned_batch, find, firing, open_run, plan_by_hand, planner},
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    a_cycle_says_that_it_started_and_completed_as_the_schemas_have_it,
    a_start_is_said_once_however_often_the_run_is_fired,
    a_cancelled_and_a_failed_run_say_so_as_the_schemas_have_it,
    too_much_memory_is_said_as_its_schema_has_it,
    a_trace_leads_from_the_firing_through_every_message_to_the_run,
);

/// The kinds that are no events.
const NO_EVENTS: [&str; 2] = ["report", "alert"];

/// The events about a run in the outbox, in their order, each of which its schema takes.
async fn events(database: &TestDatabase, run: i64) -> Vec<(String, Value)> {
    let kinds = texts(database, "SELECT kind FROM outbox WHERE run_id = ? ORDER BY id", vec![run.into()]).await;
    let bodies = texts(database, "SELECT body FROM outbox WHERE run_id = ? ORDER BY id", vec![run.into()]).await;
    let events = kinds.into_iter().zip(bodies).filter(|(kind, _)| !NO_EVENTS.contains(&kind.as_str()));
    events.map(|(kind, body)| (kind.clone(), detail(&kind, &body))).collect()
}

fn detail(kind: &str, body: &str) -> Value {
    let path = format!("{}/../infra/events/{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{kind} has a schema: {error}"));
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let detail: Value = serde_json::from_str(body).expect("JSON");
    let event = json!({"source": "almanac", "detail-type": kind, "detail": detail});
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let faults: Vec<_> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{kind}: {faults:?}: {event}");
    detail
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(kind, _)| kind.as_str()).collect()
}

async fn a_cycle_says_that_it_started_and_completed_as_the_schemas_have_it(database: &TestDatabase) {
    add_user_with_contacts(database, 3).await;
    let (run, ledger) = cycle::through(database, firing(), &Arc::new(ScriptedMailer::new("scripted", 50))).await;
    let events = events(database, run).await;
    assert_eq!(names(&events), ["job-started", "job-completed", "monthly-job-completed"]);
    for (kind, event) in &events {
        assert_eq!((&event["run"], &event["jobId"]), (&run.into(), &"monthly-invitations/2026-11/05".into()), "{kind}");
    }
    assert_eq!(events[0].1["scheduledAt"], "2026-11-05T17:00:00Z");
    assert_eq!(events[1].1["stats"], serde_json::to_value(&ledger).expect("JSON"));
    assert_eq!((&events[2].1["month"], &events[2].1["stats"]["sent"]), (&"2026-11".into(), &3.into()));
}

async fn a_start_is_said_once_however_often_the_run_is_fired(database: &TestDatabase) {
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 10);
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(planner.open(firing()).await.expect("opened").run().id);
    }
    assert_eq!(names(&events(database, runs[0]).await), ["job-started"]);
}

async fn a_cancelled_and_a_failed_run_say_so_as_the_schemas_have_it(database: &TestDatabase) {
    let clock = Clock::system();
    let cancelled = open_run(database).await.id;
    control::set(database, cancelled, Control::Cancel).await.expect("cancelled");
    try_close(database, &clock, cancelled).await.expect("tried").expect("nothing is left to do");
    let of_cancelled = events(database, cancelled).await;
    assert_eq!(names(&of_cancelled), ["job-started", "job-completed"], "it is no monthly job");
    assert_eq!(of_cancelled[1].1["status"], "cancelled");

    let failed = open_run(database).await.id;
    plan_by_hand(database, failed, 3, true).await;
    try_close(database, &clock, failed).await.expect("tried").expect("nothing is left to do");
    let of_failed = events(database, failed).await;
    assert_eq!(names(&of_failed), ["job-started", "job-failed", "alerts-triggered"]);
    assert_eq!(of_failed[1].1["error"], "the ledger does not balance: 3 planned, 0 accounted for");
}

async fn too_much_memory_is_said_as_its_schema_has_it(database: &TestDatabase) {
    let watch = MemoryWatch::new(1, 0.8);
    for _ in 0..2 {
        watch.look(database, "run-keeper").await.expect("noted");
    }
    let said = events(database, 0).await;
    assert_eq!(names(&said), ["high-memory-usage"]);
    assert_eq!((&said[0].1["job"], &said[0].1["memUsage"]["limitBytes"]), (&"run-keeper".into(), &1_048_576.into()));
}

async fn a_trace_leads_from_the_firing_through_every_message_to_the_run(database: &TestDatabase) {
    const TRACE: &str = "1-5bef4de7-ad49b0e87f6ef6c87fc2e700";
    add_user_with_contacts(database, 2).await;
    let queue = Arc::new(ScriptedQueue::taking_all());
    let planner = planner(database, queue.clone(), 10);
    let fired = planner.fire(firing().traced(TRACE.parse().ok()), Deadline::none()).await.expect("a firing");
    assert_eq!(find(database, fired.run).await.trace, TRACE);

    // A later firing joins, and whoever queues a batch again has nothing but the run.
    planner.fire(firing(), Deadline::none()).await.expect("a firing");
    execute(database, "UPDATE batches SET queued = 0", vec![]).await;
    assert_eq!(dispatch(database, queue.as_ref(), fired.run).await.expect("sent"), 1);
    assert_eq!(queue.traces(), [Some(TRACE.to_owned()), Some(TRACE.to_owned())]);

    let untraced = open_run(database).await;
    add_planned_batch(database, untraced.id, 1).await;
    dispatch(database, queue.as_ref(), untraced.id).await.expect("sent");
    assert_eq!((untraced.trace.as_str(), queue.traces().pop()), ("", Some(None)));
}
