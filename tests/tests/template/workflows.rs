//! What the build server does: pinned, and with no more rights than it needs.

use serde_json::Value;

use crate::{names, read, yaml};

fn workflows() -> Vec<(String, Value)> {
    let workflow = |name: String| {
        let document = yaml(&format!(".github/workflows/{name}.yml"));
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

#[test]
fn sam_is_called_where_its_settings_are() {
    let mut deployed = 0;
    for (name, workflow) in workflows() {
        for (job, body) in workflow["jobs"].as_object().expect("jobs") {
            let commands = body["steps"].as_array().into_iter().flatten().filter_map(|step| step["run"].as_str());
            for command in commands.filter(|command| command.contains("sam deploy")) {
                // SAM reads the samconfig.toml that lies beside a template that is named.
                assert!(!command.contains("--template"), "{name}, {job}: {command}");
                deployed += 1;
            }
        }
    }
    assert!(deployed > 0, "nothing is deployed");
}

#[test]
fn a_stage_is_built_with_the_parameters_that_it_is_deployed_with() {
    let config = read("samconfig.toml");
    for stage in names("infra/stages", ".yaml") {
        for command in ["build", "deploy"] {
            let (_, section) = config.split_once(&format!("\n[{stage}.{command}.parameters]\n")).expect("a section");
            let section = section.split("\n[").next().unwrap_or(section);
            let file = format!("parameter_overrides = \"file://infra/stages/{stage}.yaml\"");
            assert!(section.lines().any(|line| line == file), "{stage}: {command}");
        }
    }
    let (_, deploy) = workflows().into_iter().find(|(name, _)| name == "deploy").expect("a deployment");
    assert_eq!(deploy["jobs"]["build"]["with"]["stage"], "${{ inputs.stage }}");
}
