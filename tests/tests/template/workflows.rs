//! What the build server does: pinned, and with no more rights than it needs.

use serde_json::Value;

use crate::{names, read, yaml::Document};

fn workflows() -> Vec<(String, Value)> {
    let workflow = |name: String| {
        let document = Document::parse(&read(&format!(".github/workflows/{name}.yml"))).json();
        (name, document)
    };
    names(".github/workflows", ".yml").into_iter().map(workflow).collect()
}

#[test]
fn there_is_a_test_a_build_a_deployment_and_a_look_for_drift() {
    let names: Vec<_> = workflows().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["build", "deploy", "drift", "test"]);
}

#[test]
fn every_action_is_pinned_to_a_major_version() {
    for (name, workflow) in workflows() {
        for (job, body) in workflow["jobs"].as_object().expect("jobs") {
            for step in body["steps"].as_array().into_iter().flatten() {
                let Some(action) = step["uses"].as_str() else { continue };
                let version = action.split_once("@v").map(|(_, version)| version);
                assert!(version.is_some_and(|version| version.parse::<u32>().is_ok()), "{name}, {job}: {action}");
            }
        }
    }
}

#[test]
fn a_workflow_reads_and_only_what_speaks_to_aws_may_ask_for_credentials() {
    for (name, workflow) in workflows() {
        assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}), "{name}");
        for (job, body) in workflow["jobs"].as_object().expect("jobs") {
            let steps = body["steps"].as_array().into_iter().flatten();
            let speaks =
                steps.filter_map(|step| step["uses"].as_str()).any(|action| action.starts_with("aws-actions/"));
            let asks = body["permissions"]["id-token"] == "write";
            assert_eq!(speaks, asks, "{name}, {job}");
            let writes = body["permissions"].as_object().into_iter().flatten().filter(|(_, right)| *right == "write");
            assert_eq!(writes.count(), usize::from(asks), "{name}, {job}");
        }
    }
}
