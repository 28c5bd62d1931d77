//! The end of an instance, which Lambda announces half a second before.

use std::time::Duration;

use serde_json::json;
use tests::{databases::TestDatabase, lambda_host::Answer};

use crate::{doing, records, start};

/// Far away: nothing ends because of it.
const TIME: Duration = Duration::from_secs(900);

#[tokio::test]
async fn an_idle_instance_closes_its_records_and_ends_well() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[]).await;
    function.invoke(doing("answer")).await;
    function.terminate();
    let (status, output) = function.end().await;
    assert!(status.success(), "{output}");
    assert!(output.contains("the instance ends") && !output.contains("under way"), "{output}");
}

#[tokio::test]
async fn what_is_under_way_hears_of_the_end_answers_and_is_measured() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[("TAKES_RECORDS", "yes")]).await;
    let answered = function.begin(TIME, records(&[("a", "stop", "")]));
    function.says("handling").await;
    function.terminate();
    assert_eq!(answered.await.expect("an answer"), Answer::Response(json!({"batchItemFailures": []})));
    let (status, output) = function.end().await;
    assert!(status.success(), "{output}");
    assert_eq!(function.metrics().len(), 1);
}

#[tokio::test]
async fn what_does_not_end_cannot_hold_up_the_instance() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&database, &[]).await;
    let _unanswered = function.begin(TIME, doing("hang"));
    function.says("handling").await;
    function.terminate();
    let (status, output) = function.end().await;
    assert!(status.success(), "{output}");
    assert!(output.contains("the instance ends with an invocation under way"), "{output}");
}
