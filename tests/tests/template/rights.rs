//! Rights: no wildcard beyond those named here, each with its reason.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::template::{Template, list};

/// Statements that name more than they can count: resource, statement, and why.
const WIDE: [(&str, &str, &str); 13] = [
    ("CleanupRole", "WriteTheArchive", "the objects of one folder, whose names are the invitations'"),
    ("EveryFunctionMay", "SendTraces", "X-Ray names no resources"),
    ("EveryFunctionMay", "AttachToTheNetwork", "there is no interface to name before it is made"),
    (
        "InvitationWorkerRole",
        "SendInBulk",
        "a template that comes with the call has no name, and in the sandbox any recipient is an identity; it sends \
         nothing without the next",
    ),
    ("InvitationWorkerRole", "SendFromTheAddress", "the same, and only from one address"),
    ("InvitationWorkerRole", "ReadTheSendingQuota", "SES names no resource for it; it reads the account's quota"),
    ("RunKeeperRole", "WriteReports", "the objects of one bucket, whose names are the runs'"),
    ("ObjectsPolicy", "OnlyOverTls", "it denies"),
    ("Key", "Administration", "in a key's own policy * is that key; without this nobody could ever change it"),
    ("Key", "ServicesThatDeliver", "in a key's own policy * is that key"),
    ("Key", "LogGroupsOfThisStack", "in a key's own policy * is that key"),
    ("S3Endpoint", "Reports", "it narrows what functions may do; the objects of one bucket"),
    ("S3Endpoint", "AnswersToCloudFormation", "it narrows what functions may do; the bucket is CloudFormation's own"),
];

/// Policies of AWS's own that roles carry, and why.
const FOREIGN: [(&str, &str, &str); 1] =
    [("MonitoringRole", "AmazonRDSEnhancedMonitoringRole", "RDS names its log groups itself")];

/// One statement of a policy.
pub struct Statement<'t> {
    /// The name of the resource that carries it.
    pub resource: &'t str,
    pub sid: &'t str,
    pub body: &'t Value,
}

/// Every statement of every policy, those under a condition included.
pub fn statements(template: &Template) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    for (resource, block) in template.resources() {
        for document in documents(&block["Properties"]) {
            collect(resource, &document["Statement"], &mut found);
        }
    }
    found
}

/// A policy document is what has statements, wherever it lies.
fn documents(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(object) if object.contains_key("Statement") => vec![value],
        Value::Object(object) => object.values().flat_map(documents).collect(),
        Value::Array(items) => items.iter().flat_map(documents).collect(),
        _ => Vec::new(),
    }
}

fn collect<'t>(resource: &'t str, value: &'t Value, found: &mut Vec<Statement<'t>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(resource, item, found)),
        Value::Object(object) if object.contains_key("Effect") => {
            found.push(Statement { resource, sid: value["Sid"].as_str().unwrap_or("(unnamed)"), body: value });
        }
        Value::Object(object) => object.values().for_each(|value| collect(resource, value, found)),
        _ => {}
    }
}

fn has_wildcard(value: &Value) -> bool {
    list(value).iter().any(|one| one.to_string().contains('*'))
}

fn is_wide(statement: &Statement<'_>) -> bool {
    ["Action", "Resource", "Principal"].iter().any(|part| has_wildcard(&statement.body[*part]))
}

#[test]
fn no_statement_is_wider_than_those_with_a_reason() {
    let (main, stores) = (Template::main(), Template::data_stores());
    let all: Vec<_> = statements(&main).into_iter().chain(statements(&stores)).collect();
    assert!(all.len() > 30, "{} statements found", all.len());
    let wide: BTreeSet<_> =
        all.iter().filter(|one| is_wide(one)).map(|statement| (statement.resource, statement.sid)).collect();
    let reasoned: BTreeSet<_> = WIDE.iter().map(|(resource, sid, _)| (*resource, *sid)).collect();
    assert_eq!(wide, reasoned);
}

#[test]
fn whoever_may_act_is_named_and_acts_by_name() {
    let (main, stores) = (Template::main(), Template::data_stores());
    for statement in statements(&main).into_iter().chain(statements(&stores)) {
        let place = format!("{}, {}", statement.resource, statement.sid);
        let denies = statement.body["Effect"] == "Deny";
        for absent in ["NotAction", "NotResource", "NotPrincipal"] {
            assert!(statement.body.get(absent).is_none(), "{place}: {absent}");
        }
        let anybody = has_wildcard(&statement.body["Principal"]);
        assert!(!anybody || denies || statement.resource == "S3Endpoint", "{place}: anybody may");
        let everything = has_wildcard(&statement.body["Action"]);
        assert!(!everything || denies || statement.sid == "Administration", "{place}: any action");
    }
}

#[test]
fn roles_carry_no_policies_of_others_beyond_those_with_a_reason() {
    let (main, stores) = (Template::main(), Template::data_stores());
    let mut foreign = BTreeSet::new();
    for template in [&main, &stores] {
        for (id, role) in template.of_type("AWS::IAM::Role") {
            for policy in list(&role["ManagedPolicyArns"]) {
                if policy.get("Ref").is_none() {
                    let arn = policy["Fn::Sub"].as_str().expect("an ARN").to_owned();
                    foreign.insert((id, arn.rsplit('/').next().expect("a name").to_owned()));
                }
            }
        }
    }
    let reasoned: BTreeSet<_> = FOREIGN.iter().map(|(role, policy, _)| (*role, (*policy).to_owned())).collect();
    assert_eq!(foreign, reasoned);
}

#[test]
fn every_function_has_a_role_of_its_own_so_that_sam_adds_nothing() {
    let template = Template::main();
    let mut roles = BTreeSet::new();
    for function in template.functions() {
        let properties = &function.block["Properties"];
        let role = properties["Role"].pointer("/Fn::GetAtt/0").and_then(Value::as_str).expect("a role of the template");
        assert_eq!(role, function.id.replace("Function", "Role"));
        assert!(properties.get("Policies").is_none(), "{}", function.id);
        assert!(roles.insert(role.to_owned()), "{role} serves two functions");
    }
}
