//! CloudFormation's custom resources: what it asks, and what it wants to hear (AWS CloudFormation template reference,
//! "Custom resource request objects" and "Custom resource response objects").

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::records::Migrated;

/// The longest answer that CloudFormation takes.
pub const MOST_BYTES: usize = 4_096;

/// The resource's id, which never changes: a new one would have CloudFormation delete the old.
const RESOURCE: &str = "records-schema";

/// A request. It has no `Debug`, because whoever has the address may answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request {
    pub(crate) request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    pub(crate) response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum RequestType {
    Create,
    Update,
    Delete,
}

/// What became of a request.
pub(crate) enum Outcome {
    Migrated(Migrated),
    /// There was nothing to do.
    Nothing,
    /// Why not.
    Failed(String),
}

impl Outcome {
    /// The word for CloudFormation.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Migrated(_) | Self::Nothing => "SUCCESS",
            Self::Failed(_) => "FAILED",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'r> {
    status: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'r str,
    physical_resource_id: &'r str,
    stack_id: &'r str,
    request_id: &'r str,
    logical_resource_id: &'r str,
    data: Value,
}

impl Request {
    /// The request of an event, or `None` where it is none of CloudFormation's.
    pub(crate) fn from_event(event: Value) -> anyhow::Result<Option<Self>> {
        if event.get("RequestType").is_none() {
            return Ok(None);
        }
        serde_json::from_value(event).map(Some).context("the event is not a custom resource's request")
    }

    /// The answer, as JSON of at most [`MOST_BYTES`].
    pub(crate) fn response(&self, outcome: &Outcome) -> String {
        let (reason, data) = match outcome {
            Outcome::Migrated(migrated) => {
                ("", json!({"Applied": migrated.applied.join(" "), "Version": migrated.version.to_string()}))
            }
            Outcome::Nothing => ("", json!({})),
            Outcome::Failed(reason) => (reason.as_str(), json!({})),
        };
        let written = |reason: &str| {
            let response = Response {
                status: outcome.status(),
                reason,
                physical_resource_id: self.physical_resource_id.as_deref().unwrap_or(RESOURCE),
                stack_id: &self.stack_id,
                request_id: &self.request_id,
                logical_resource_id: &self.logical_resource_id,
                data: data.clone(),
            };
            serde_json::to_string(&response).expect("texts are JSON")
        };
        let mut kept = reason;
        loop {
            let body = written(kept);
            let excess = body.len().saturating_sub(MOST_BYTES);
            if excess == 0 || kept.is_empty() {
                return body;
            }
            // What JSON escapes is longer there than here, so this may take several rounds.
            kept = &kept[..kept.floor_char_boundary(kept.len().saturating_sub(excess.div_ceil(6)))];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(more: Value) -> Request {
        let mut event = json!({
            "RequestType": "Create", "ResponseURL": "https://response.example/", "StackId": "arn:stack",
            "RequestId": "r-1", "LogicalResourceId": "Migration",
        });
        event.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        Request::from_event(event).expect("a request").expect("of CloudFormation")
    }

    fn response(request: &Request, outcome: &Outcome) -> Value {
        serde_json::from_str(&request.response(outcome)).expect("JSON")
    }

    #[test]
    fn the_resource_keeps_its_id_across_updates() {
        let created = response(&request(json!({})), &Outcome::Nothing);
        let first = &created["PhysicalResourceId"];
        let update = json!({"RequestType": "Update", "PhysicalResourceId": first});
        assert_eq!(response(&request(update), &Outcome::Nothing)["PhysicalResourceId"], *first);
        let older = json!({"RequestType": "Update", "PhysicalResourceId": "another"});
        assert_eq!(response(&request(older), &Outcome::Nothing)["PhysicalResourceId"], "another");
    }

    #[test]
    fn a_reason_is_cut_so_that_cloudformation_takes_the_answer() {
        for reason in ["x".repeat(9_000), "é".repeat(3_000), "\u{1}\"".repeat(4_000)] {
            let written = request(json!({})).response(&Outcome::Failed(reason.clone()));
            assert!(written.len() <= MOST_BYTES && written.len() > MOST_BYTES - 100, "{}", written.len());
            let response: Value = serde_json::from_str(&written).expect("JSON");
            assert!(reason.starts_with(response["Reason"].as_str().expect("a reason")));
        }
    }

    #[test]
    fn an_event_that_is_no_request_of_cloudformation_s_is_told_apart_from_a_broken_one() {
        assert!(Request::from_event(json!({"migrate": {}})).expect("understood").is_none());
        assert!(Request::from_event(json!({"RequestType": "Create"})).is_err());
        assert!(Request::from_event(json!({"RequestType": "Rename", "ResponseURL": ""})).is_err());
    }
}
