//! The lines that a function writes, read from its own binary.

use serde_json::Value;
use tests::{
    databases::TestDatabase,
    lambda_host::{LambdaHost, TRACE},
};

use crate::{doing, records, start, start_with};

const OTHER_TRACE: &str = "1-5c000000-000000000000000000000001";

/// The function's lines of that message.
fn lines(function: &mut LambdaHost, message: &str) -> Vec<Value> {
    function.lines().into_iter().filter(|line| line["message"] == *message).collect()
}

#[tokio::test]
async fn every_line_of_an_invocation_says_when_and_which_job_request_and_trace() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[]).await;
    for _ in 0..2 {
        function.invoke(doing("answer")).await;
    }
    let handling = lines(&mut function, "handling");
    assert_eq!(handling.len(), 2);
    for (line, cold_start) in handling.iter().zip([true, false]) {
        assert_eq!((&line["level"], &line["job"]), (&"INFO".into(), &"wayward-function".into()), "{line}");
        assert_eq!((&line["trace"], &line["cold_start"]), (&TRACE.into(), &cold_start.into()), "{line}");
        let timestamp = line["timestamp"].as_str().expect("a text");
        chrono::DateTime::parse_from_rfc3339(timestamp).expect("RFC 3339");
    }
    assert_ne!(handling[0]["request"], handling[1]["request"]);
}

#[tokio::test]
async fn every_line_of_a_record_says_its_message_run_and_batch_and_the_trace_of_its_run() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[("TAKES_RECORDS", "yes")]).await;
    function
        .invoke(records(&[("a", "", OTHER_TRACE), ("b", "panic", OTHER_TRACE), ("c", "", "ada@example.org")]))
        .await;
    let by_id = |lines: Vec<Value>, id: &str| {
        let of_id: Vec<Value> = lines.into_iter().filter(|line| line["message_id"] == *id).collect();
        assert_eq!(of_id.len(), 1, "{of_id:?}");
        of_id[0].clone()
    };
    let failed = by_id(lines(&mut function, "failed"), "b");
    assert_eq!(failed["level"], "ERROR");
    let cause = failed["cause"].as_str().expect("a text");
    assert!(cause.starts_with("panicked at ") && cause.contains("wayward-function.rs:"), "{cause}");
    let handled = by_id(lines(&mut function, "handling"), "a");
    let panicked = by_id(lines(&mut function, "panicked"), "b");
    for line in [handled, panicked, failed] {
        assert_eq!(
            (&line["run"], &line["batch"], &line["trace"]),
            (&7.into(), &8.into(), &OTHER_TRACE.into()),
            "{line}"
        );
    }
    let foreign = by_id(lines(&mut function, "handling"), "c");
    assert_eq!(foreign["trace"], TRACE, "what is no trace is not written down");
    let log = function.output();
    assert!(!log.contains('@') && !log.contains("as the message says"), "{log}");
}

#[tokio::test]
async fn an_error_is_one_line_with_its_whole_chain_and_keeps_its_ids_whatever_level_is_asked_for() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[("AWS_LAMBDA_LOG_LEVEL", "ERROR")]).await;
    function.invoke(doing("fail")).await;
    assert!(lines(&mut function, "handling").is_empty(), "Lambda asked for less");
    let failed = lines(&mut function, "the invocation failed");
    assert_eq!(failed.len(), 1);
    assert_eq!(function.lines().iter().filter(|line| line["level"] == "ERROR").count(), 1, "{}", function.output());
    assert_eq!((&failed[0]["error"], &failed[0]["trace"]), (&"as the event says".into(), &TRACE.into()));
}

#[tokio::test]
async fn rust_log_chooses_of_the_lines_that_lambda_passes_on() {
    let database = TestDatabase::sqlite().await;
    for (level, chosen, there) in [("INFO", "info", 1), ("INFO", "wayward_function=warn", 0), ("ERROR", "info", 0)] {
        let mut function = start(&database, &[("AWS_LAMBDA_LOG_LEVEL", level), ("RUST_LOG", chosen)]).await;
        function.invoke(doing("answer")).await;
        assert_eq!(lines(&mut function, "handling").len(), there, "{level} {chosen}");
    }
}

#[tokio::test]
async fn no_level_shows_what_passes_through_a_library() {
    let mut event = doing("answer");
    event["to"] = "ada@example.org".into();
    for chosen in [("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_LOG", "trace,sqlx=trace,lambda_runtime=trace")] {
        let mut function = start(&TestDatabase::empty_sqlite().await, &[chosen]).await;
        function.invoke(event.clone()).await;
        assert_eq!(lines(&mut function, "handling").len(), 1);
        let log = function.output();
        assert!(!log.contains('@') && !log.contains("CREATE TABLE"), "{log}");
    }
}

#[tokio::test]
async fn where_lambda_asks_for_text_a_line_is_text() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[("AWS_LAMBDA_LOG_FORMAT", "Text")]).await;
    function.invoke(doing("answer")).await;
    let log = function.output();
    assert!(log.contains("INFO") && log.contains("handling") && log.contains(TRACE), "{log}");
    assert!(lines(&mut function, "handling").is_empty());
}

#[tokio::test]
async fn a_function_whose_settings_are_wrong_can_still_answer() {
    let mut function = start_with([("SCHEDULER_TIMEZON", "UTC")]).await;
    assert_eq!(function.invoke(doing("answer")).await, tests::lambda_host::Answer::Response("without records".into()));
}
