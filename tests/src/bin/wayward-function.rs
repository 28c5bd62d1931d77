//! A function that does what its event says: answers, fails, panics, or does not end. For the tests of what stands
//! around every function.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_runtime::Error;
use serde_json::Value;
use shared::{
    counters::{Counter, count},
    lambda::Function,
    sqs::{Deadline, Limits, Message, Outcome, RecordHandler},
};

const JOB: &str = "wayward-function";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let function = Function::starting(JOB);
    // What the function needs may be away; it answers all the same, and says so.
    let opened = function.open().await.map(drop);
    if let Err(error) = &opened {
        tracing::error!(error = format!("{error:#}"), "the records could not be opened");
    }
    if std::env::var_os("TAKES_RECORDS").is_some() {
        let limits = Limits { at_once: 4, record_timeout: std::time::Duration::from_secs(900) };
        return function.serve_records(Arc::new(Wayward), limits).await;
    }
    let handler = async |event: Value, invocation: shared::lambda::Invocation| {
        tracing::info!("handling");
        match event["do"].as_str().unwrap_or_default() {
            "panic" => panic!("as the event says"),
            "hang" => std::future::pending().await,
            "stop" => invocation.deadline.near(std::time::Duration::ZERO).await,
            "fail" => anyhow::bail!("as the event says"),
            _ => count(Counter::StuckRuns, 2),
        }
        Ok(if opened.is_ok() { "with records" } else { "without records" })
    };
    function.serve(handler).await
}

struct Wayward;

#[async_trait]
impl RecordHandler for Wayward {
    async fn handle(&self, message: &Message, deadline: Deadline) -> anyhow::Result<Outcome> {
        tracing::info!("handling");
        count(Counter::Sent, 5);
        match message.attributes.get("do").map(String::as_str) {
            Some("panic") => panic!("as the message says"),
            Some("hang") => std::future::pending().await,
            Some("stop") => deadline.near(std::time::Duration::ZERO).await,
            _ => {}
        }
        Ok(Outcome::Done)
    }
}
