//! The data stores that a stack may make: who reaches them, and that whatever can be said of them can be said to the stack.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::template::{Template, list, target};

/// What only the stack itself knows.
const FROM_THE_STACK: [&str; 3] = ["KeyArn", "Name", "ObjectsArn"];

/// Whom a security group lets in, and under which condition.
fn admitted<'t>(stores: &'t Template, group: &str) -> BTreeSet<(&'t str, Option<&'t str>)> {
    let who = |rule: &'t Value| target(rule.get("SourceSecurityGroupId").unwrap_or(&rule["CidrIp"]));
    let own =
        list(&stores.resource(group)["Properties"]["SecurityGroupIngress"]).into_iter().map(|rule| (who(rule), None));
    let apart = stores.resources().filter(|(_, block)| {
        block["Type"] == "AWS::EC2::SecurityGroupIngress" && target(&block["Properties"]["GroupId"]) == group
    });
    own.chain(apart.map(|(_, block)| (who(&block["Properties"]), block["Condition"].as_str()))).collect()
}

#[test]
fn the_proxy_admits_functions_and_whom_the_operator_names_and_the_cluster_the_proxy() {
    let stores = Template::data_stores();
    let to_the_proxy = [
        ("FunctionsSecurityGroup", None),
        ("OperatorsRange", Some("HasOperatorsRange")),
        ("OperatorsSecurityGroup", Some("HasOperatorsSecurityGroup")),
    ];
    assert_eq!(admitted(&stores, "ProxySecurityGroup"), BTreeSet::from(to_the_proxy));
    assert_eq!(admitted(&stores, "ClusterSecurityGroup"), BTreeSet::from([("ProxySecurityGroup", None)]));
    for parameter in ["OperatorsRange", "OperatorsSecurityGroup"] {
        assert_eq!(
            stores.section("Parameters")[parameter]["Default"],
            "",
            "{parameter}: nobody, unless they are named"
        );
    }
}

#[test]
fn whatever_can_be_said_of_the_stores_can_be_said_to_the_stack_and_is_checked_alike() {
    let (main, stores) = (Template::main(), Template::data_stores());
    let passed = main.resource("DataStores")["Properties"]["Parameters"].as_object().expect("parameters");
    let said = main.section("Parameters");
    let names =
        |parameters: &Value| parameters.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let wanted = names(stores.section("Parameters"));
    assert_eq!(passed.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    for (name, value) in passed.iter().filter(|(name, _)| !FROM_THE_STACK.contains(&name.as_str())) {
        let (outer, inner) = (&said[target(value)], &stores.section("Parameters")[name]);
        for part in ["Type", "Default", "AllowedPattern", "AllowedValues", "MinValue", "MaxValue"] {
            assert_eq!(outer[part], inner[part], "{name}: {part}");
        }
    }
}

#[test]
fn whatever_the_stores_tell_is_used_or_told_on() {
    let (main, stores) = (Template::main(), Template::data_stores());
    let used = format!("{} {} {}", main.section("Globals"), main.section("Resources"), main.section("Outputs"));
    for output in stores.section("Outputs").as_object().expect("outputs").keys() {
        assert!(used.contains(&format!("[\"DataStores\",\"Outputs.{output}\"]")), "{output}");
    }
}

#[test]
fn what_the_stores_log_is_kept_for_as_long_as_functions_logs_and_under_the_same_key() {
    let (main, stores) = (Template::main(), Template::data_stores());
    let passed = &main.resource("DataStores")["Properties"]["Parameters"]["Name"];
    assert_eq!(target(passed), "AWS::StackName");
    let key = &main.resource("Key")["Properties"]["KeyPolicy"]["Statement"];
    let of_logs = list(key).into_iter().find(|statement| statement["Sid"] == "LogGroupsOfThisStack").expect("a right");
    let groups: Vec<_> = list(&of_logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"])
        .into_iter()
        .map(|arn| arn["Fn::Sub"].as_str().and_then(|arn| arn.split_once(":log-group:")).expect("log groups").1)
        .collect();
    let encrypted = |name: &str| {
        groups.iter().any(|group| group.strip_suffix('*').map_or(*group == name, |prefix| name.starts_with(prefix)))
    };
    let mut logs = BTreeSet::new();
    for (id, group) in stores.of_type("AWS::Logs::LogGroup") {
        let name = group["LogGroupName"]["Fn::Sub"].as_str().expect("a name").replace("${Name}", "${AWS::StackName}");
        assert!(encrypted(&name), "{id}: the key does not serve {name}");
        assert_eq!(target(&group["RetentionInDays"]), "LogRetentionDays", "{id}");
        logs.insert(name);
    }
    let exported = list(&stores.resource("Cluster")["Properties"]["EnableCloudwatchLogsExports"]);
    for log in exported {
        let name = format!("/aws/rds/cluster/${{AWS::StackName}}/{}", log.as_str().expect("a log"));
        assert!(logs.contains(&name), "{name} would be kept for ever");
    }
}
