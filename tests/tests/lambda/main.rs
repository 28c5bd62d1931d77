//! What stands around every function: its log, its metrics, its end.

mod ending;
mod log;
mod metrics;

use serde_json::{Value, json};
use tests::{databases::TestDatabase, lambda_host::LambdaHost};

const FUNCTION: &str = "wayward-function";

/// The function, with these variables beside the records that it opens.
async fn start(database: &TestDatabase, variables: &[(&str, &str)]) -> LambdaHost {
    let url = database.url();
    start_with(variables.iter().copied().chain([("DATABASE_URL", url.as_str())])).await
}

async fn start_with<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> LambdaHost {
    let json = [("AWS_LAMBDA_LOG_FORMAT", "JSON")];
    let variables = json.into_iter().chain(variables);
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_wayward-function"), variables).await.expect("the binary starts")
}

/// An event that says what to do.
fn doing(what: &str) -> Value {
    json!({ "do": what })
}

/// A queue's event of messages, each with an id, what to do with it, and the trace that it was sent with.
fn records(messages: &[(&str, &str, &str)]) -> Value {
    let text = |value: &str| json!({"stringValue": value, "dataType": "String"});
    let record = |&(id, what, trace): &(&str, &str, &str)| {
        json!({"messageId": id, "body": "{\"run\":7,\"batch\":8}", "attributes": {"ApproximateReceiveCount": "1"},
               "messageAttributes": {"do": text(what), "trace": text(trace)}, "eventSource": "aws:sqs"})
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}
