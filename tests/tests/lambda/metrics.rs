//! The metrics of an invocation, in the embedded metric format, however it ends.

use std::time::Duration;

use serde_json::{Value, json};
use shared::memory::MemoryWatch;
use tests::{
    ask,
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    polls::for_polls,
};

use crate::{doing, records, start};

/// What CloudWatch takes as embedded metrics, by the schema of its documentation.
fn schema() -> Value {
    let name = json!({"type": "string", "minLength": 1, "maxLength": 1024});
    json!({
        "type": "object",
        "required": ["_aws"],
        "properties": {"_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                // Milliseconds: seconds would lie near 1970.
                "Timestamp": {"type": "integer", "minimum": 1_000_000_000_000_i64},
                "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": {
                    "type": "object",
                    "required": ["Namespace", "Dimensions", "Metrics"],
                    "properties": {
                        "Namespace": {"type": "string", "pattern": "^[A-Za-z0-9/._#:-]{1,256}$"},
                        "Dimensions": {"type": "array", "minItems": 1, "items": {
                            "type": "array", "maxItems": 30, "items": {"type": "string", "minLength": 1, "maxLength": 250},
                        }},
                        "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "items": {
                            "type": "object",
                            "required": ["Name"],
                            "properties": {"Name": name, "Unit": {"enum": [
                                "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes",
                                "Percent", "Count", "Count/Second", "None"]}},
                        }},
                    },
                }},
            },
        }},
    })
}

/// The metrics of an invocation: its values by name, after the line was found to be as CloudWatch takes it.
fn metrics(line: &Value) -> Value {
    let validator = jsonschema::draft202012::new(&schema()).expect("a schema");
    let faults: Vec<_> = validator.iter_errors(line).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}: {line}");
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&"Almanac".into(), &json!([["job"]])));
    assert_eq!(line["job"], "wayward-function");
    let names = directive["Metrics"].as_array().expect("a list").iter().map(|metric| metric["Name"].as_str());
    let mut values = serde_json::Map::new();
    for name in names {
        let name = name.expect("a name");
        assert!(line[name].is_number(), "{name}: {line}");
        values.insert(name.to_owned(), line[name].clone());
    }
    assert!(values.remove("DurationMs").is_some_and(|duration| duration.as_f64() >= Some(0.0)));
    values.into()
}

async fn last_metrics(function: &mut LambdaHost, invocations: usize) -> Value {
    let lines = function.metrics();
    assert_eq!(lines.len(), invocations, "one line each: {lines:?}");
    metrics(&lines[invocations - 1])
}

#[tokio::test]
async fn an_invocation_that_answers_fails_panics_or_does_not_end_has_one_line_each() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[]).await;
    assert_eq!(function.invoke(doing("answer")).await, Answer::Response("with records".into()));
    let answered = json!({"ColdStarts": 1, "Records": 1, "RecordFailures": 0, "StuckRuns": 2});
    assert_eq!(last_metrics(&mut function, 1).await, answered);

    let failed = json!({"ColdStarts": 0, "Records": 1, "RecordFailures": 1});
    let ways = [("fail", "as the event says"), ("panic", "panicked at "), ("hang", "not done at the deadline")];
    for (number, (way, words)) in ways.into_iter().enumerate() {
        let Answer::Error(error) = function.invoke_for(Duration::from_millis(800), doing(way)).await else {
            panic!("{way} is no answer");
        };
        let said = error["errorMessage"].as_str().expect("a text");
        assert!(said.starts_with(words) && (way == "fail" || !said.contains("as the event says")), "{said}");
        assert_eq!(last_metrics(&mut function, number + 2).await, failed, "{way}");
    }
    assert_eq!(function.invoke(doing("answer")).await, Answer::Response("with records".into()), "it goes on");
}

#[tokio::test]
async fn records_are_counted_and_those_that_failed() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[("TAKES_RECORDS", "yes")]).await;
    let event = records(&[("a", "", ""), ("b", "panic", ""), ("c", "", "")]);
    let Answer::Response(answer) = function.invoke(event).await else { panic!("an answer") };
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
    let counted = json!({"ColdStarts": 1, "Records": 3, "RecordFailures": 1, "Sent": 15});
    assert_eq!(last_metrics(&mut function, 1).await, counted);

    let event = records(&[("a", "", ""), ("b", "hang", "")]);
    let answer = function.invoke_for(Duration::from_millis(2_200), event).await;
    assert_eq!(answer, Answer::Response(json!({"batchItemFailures": [{"itemIdentifier": "b"}]})));
    assert_eq!(last_metrics(&mut function, 2).await["RecordFailures"], 1);
}

#[tokio::test]
async fn an_event_that_is_no_queue_s_fails_like_any_other_and_shows_nothing_of_itself() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[("TAKES_RECORDS", "yes")]).await;
    for (number, event) in [json!({"Records": "ada@example.org"}), json!({}), json!(null)].into_iter().enumerate() {
        let Answer::Error(error) = function.invoke(event).await else { panic!("no queue's event is no answer") };
        assert_eq!(error["errorMessage"], "not a queue's event; expected \"Records\"");
        let failed = json!({"ColdStarts": u8::from(number == 0), "Records": 1, "RecordFailures": 1});
        assert_eq!(last_metrics(&mut function, number + 1).await, failed);
    }
    let errors: Vec<_> = function.lines().into_iter().filter(|line| line["level"] == "ERROR").collect();
    assert!(errors.len() == 3 && errors.iter().all(|line| line["request"].is_string()), "{errors:?}");
    assert!(!function.output().contains('@'), "{}", function.output());
}

#[tokio::test]
async fn no_level_that_the_log_is_held_to_takes_the_metrics_along() {
    let database = TestDatabase::sqlite().await;
    for level in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] {
        let mut function = start(&database, &[("AWS_LAMBDA_LOG_LEVEL", level)]).await;
        function.invoke(doing("answer")).await;
        last_metrics(&mut function, 1).await;
    }
}

#[tokio::test]
async fn on_a_developer_s_machine_there_are_none() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[("AWS_SAM_LOCAL", "true")]).await;
    function.invoke(doing("answer")).await;
    assert!(function.metrics().is_empty());
}

#[tokio::test]
async fn too_much_memory_is_said_once_by_an_instance() {
    let database = TestDatabase::sqlite().await;
    let little = [("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1"), ("SCHEDULER_MEMORY_ALERT_THRESHOLD", "0.5")];
    let mut function = start(&database, &little).await;
    for _ in 0..3 {
        function.invoke(doing("answer")).await;
    }
    let said = ask::texts(&database, "SELECT kind FROM outbox WHERE run_id = 0", vec![]).await;
    assert_eq!(said, ["high-memory-usage"]);

    let mut roomy = start(&database, &[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10240")]).await;
    roomy.invoke(doing("answer")).await;
    assert_eq!(ask::number(&database, "SELECT COUNT(*) FROM outbox", vec![]).await, 1);
}

#[tokio::test]
async fn too_much_memory_that_could_not_be_noted_in_time_is_said_by_the_next_look() {
    let database = TestDatabase::mysql().await;
    let watch = MemoryWatch::new(1, 0.5);
    assert!(for_polls(watch.look(&database, "test"), 1).await.is_none(), "given up before it was noted");
    for _ in 0..2 {
        watch.look(&database, "test").await.expect("noted");
    }
    assert_eq!(ask::number(&database, "SELECT COUNT(*) FROM outbox", vec![]).await, 1);
}
