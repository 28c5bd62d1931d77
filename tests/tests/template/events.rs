//! The events on the bus and their schemas.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::firing::{Firing, Trigger};

use crate::{names, read};

const EVENTS: [&str; 9] = [
    "alerts-triggered",
    "cleanup-job-completed",
    "high-memory-usage",
    "job-completed",
    "job-failed",
    "job-started",
    "monthly-job-completed",
    "reminder-job-completed",
    "run-requested",
];

fn schema(name: &str) -> Value {
    serde_json::from_str(&read(&format!("infra/events/{name}.schema.json"))).expect("JSON")
}

fn examples(schema: &Value) -> &Vec<Value> {
    schema["examples"].as_array().expect("examples")
}

#[test]
fn every_event_has_a_schema_that_its_examples_keep() {
    assert_eq!(names("infra/events", ".schema.json"), EVENTS);
    for name in EVENTS {
        let schema = schema(name);
        assert_eq!((&schema["title"], &schema["properties"]["detail-type"]["const"]), (&name.into(), &name.into()));
        let validator = jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!examples(&schema).is_empty(), "{name}");
        for example in examples(&schema) {
            let faults: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{name}: {faults:?}");
        }
    }
}

#[test]
fn every_event_says_its_version_and_its_job_and_one_of_another_version_is_refused() {
    for name in EVENTS {
        let schema = schema(name);
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        for example in examples(&schema) {
            let mut of_another = example.clone();
            of_another["detail"]["version"] = 2.into();
            assert!(!validator.is_valid(&of_another), "{name}: {of_another}");
            for field in ["version", "job"] {
                let mut without = example.clone();
                without["detail"].as_object_mut().expect("an object").remove(field);
                assert!(!validator.is_valid(&without), "{name} does without {field}");
            }
        }
    }
}

#[test]
fn the_ledger_of_every_example_balances() {
    for name in EVENTS {
        for example in examples(&schema(name)) {
            let stats = &example["detail"]["stats"];
            let status = example["detail"]["status"].as_str();
            if stats.is_null() || ["job-failed", "cleanup-job-completed"].contains(&name) {
                continue;
            }
            let ledger: shared::run::ledger::Ledger = serde_json::from_value(stats.clone()).expect("a ledger");
            assert!(ledger.is_balanced(), "{name} {status:?}");
        }
    }
}

#[test]
fn a_request_for_a_run_is_a_firing_as_the_code_reads_it() {
    let schema = schema("run-requested");
    let now: DateTime<Utc> = "2026-11-06T08:00:00Z".parse().expect("a time");
    let scheduled_at: DateTime<Utc> = "2026-11-05T17:00:00Z".parse().expect("a time");
    let firings: Vec<_> = examples(&schema)
        .iter()
        .map(|event| Firing::from_event(event, "monthly-invitations", now).expect("a firing"))
        .collect();
    assert_eq!(firings, [Firing::new(scheduled_at, Trigger::Resume), Firing::new(now, Trigger::Manual)]);
}
