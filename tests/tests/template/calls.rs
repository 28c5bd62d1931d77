//! For each call that a function makes there is a right, on the kinds of resources and under the conditions that the
//! action knows. A condition on a key that an action does not carry is never met: then every call is refused.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    rights::{Statement, statements},
    settings::variables,
    template::{Function, Given, Template, list, target, text},
};

/// What IAM knows of an action (AWS's Service Authorization Reference, read in November 2026).
struct Action {
    name: &'static str,
    /// The kinds of resources that its call is checked against, each of which a right must name.
    on: &'static [&'static str],
    /// The condition keys of its own, besides the global ones (`aws:…`).
    knows: &'static [&'static str],
}

impl Action {
    const fn new(name: &'static str, on: &'static [&'static str]) -> Self {
        Self { name, on, knows: &[] }
    }

    const fn under(self, knows: &'static [&'static str]) -> Self {
        Self { knows, ..self }
    }
}

const MAIL: &[&str] = &["identity", "configuration-set", "template"];
const OF_KEYS: &[&str] = &["kms:CallerAccount", "kms:EncryptionContextKeys", "kms:ViaService"];
const BY_SENDER: &[&str] =
    &["ses:ApiVersion", "ses:FeedbackAddress", "ses:FromAddress", "ses:FromDisplayName", "ses:Recipients"];

/// Actions that name no resource have no kinds.
const ACTIONS: &[Action] = &[
    Action::new("ec2:AssignPrivateIpAddresses", &[]),
    Action::new("ec2:CreateNetworkInterface", &[]),
    Action::new("ec2:DeleteNetworkInterface", &[]),
    Action::new("ec2:DescribeNetworkInterfaces", &[]),
    Action::new("ec2:DescribeSubnets", &[]),
    Action::new("ec2:UnassignPrivateIpAddresses", &[]),
    Action::new("events:PutEvents", &["event-bus"]).under(&["events:detail-type", "events:source"]),
    Action::new("kms:Decrypt", &["key"]).under(OF_KEYS),
    Action::new("kms:GenerateDataKey", &["key"]).under(OF_KEYS),
    Action::new("lambda:InvokeFunction", &["function"]),
    Action::new("logs:CreateLogStream", &["log-stream"]),
    Action::new("logs:PutLogEvents", &["log-stream"]),
    Action::new("s3:AbortMultipartUpload", &["object"]),
    Action::new("s3:PutObject", &["object"]),
    Action::new("secretsmanager:GetSecretValue", &["secret"]),
    Action::new("ses:GetAccount", &[]).under(&["ses:ApiVersion"]),
    Action::new("ses:SendBulkEmail", MAIL).under(&["ses:ApiVersion", "ses:MultiRegionEndpointId", "ses:TenantName"]),
    Action::new("ses:SendBulkTemplatedEmail", MAIL).under(BY_SENDER),
    Action::new("sns:Publish", &["topic"]),
    Action::new("sqs:ChangeMessageVisibility", &["queue"]),
    Action::new("sqs:DeleteMessage", &["queue"]),
    Action::new("sqs:GetQueueAttributes", &["queue"]),
    Action::new("sqs:ReceiveMessage", &["queue"]),
    Action::new("sqs:SendMessage", &["queue"]),
    Action::new("ssm:GetParameter", &["parameter"]),
    Action::new("xray:PutTelemetryRecords", &[]),
    Action::new("xray:PutTraceSegments", &[]),
];

/// What a function calls where it is told of something in AWS, by the setting that tells it. Of one call SES checks two
/// actions.
const CALLS: &[(&str, &[&str])] = &[
    ("ALERTS_TOPIC", &["sns:Publish"]),
    ("DATABASE_SECRET", &["secretsmanager:GetSecretValue", "ssm:GetParameter"]),
    ("EMAIL_TRANSPORTS", &["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail", "ses:GetAccount"]),
    ("EVENT_BUS", &["events:PutEvents"]),
    ("GITHUB_APP_KEY_SECRET", &["secretsmanager:GetSecretValue", "ssm:GetParameter"]),
    ("GITHUB_TOKEN_SECRET", &["secretsmanager:GetSecretValue", "ssm:GetParameter"]),
    ("GRAFANA_TOKEN_SECRET", &["secretsmanager:GetSecretValue", "ssm:GetParameter"]),
    ("INVITATIONS_QUEUE", &["sqs:SendMessage"]),
    ("MONITOR_QUEUE", &["sqs:SendMessage"]),
    ("OBJECTS", &["s3:PutObject", "s3:AbortMultipartUpload"]),
    ("SERVICE_API_KEY_SECRET", &["secretsmanager:GetSecretValue", "ssm:GetParameter"]),
];

/// What Lambda calls for a function, with the function's rights: to poll a queue, to log, to trace.
const POLLING: &[&str] =
    &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"];
const LOGGING: &[&str] = &["logs:CreateLogStream", "logs:PutLogEvents"];
const TRACING: &[&str] = &["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

fn action(name: &str) -> &'static Action {
    ACTIONS.iter().find(|action| action.name == name).unwrap_or_else(|| panic!("{name} is not in the table of actions"))
}

/// What a statement names, as `If` may choose it.
fn named(value: &Value) -> Vec<&Value> {
    match value.get("Fn::If") {
        Some(choice) => list(choice).into_iter().skip(1).flat_map(named).collect(),
        None => list(value).into_iter().flat_map(|one| if one == value { vec![one] } else { named(one) }).collect(),
    }
}

/// The kinds of resource, in IAM's words, that what is named may be.
fn kinds<'t>(template: &'t Template, one: &'t Value) -> Vec<&'t str> {
    if let Some(arn) = one["Fn::Sub"].as_str() {
        let (_, rest) = arn.split_once("${AWS::AccountId}:").unwrap_or(("", "object"));
        return vec![rest.split(['/', ':']).next().unwrap_or(rest)];
    }
    if one == "*" {
        return Vec::new();
    }
    let id = target(one);
    match (id, template.section("Resources")[id]["Type"].as_str()) {
        ("DatabaseSecret" | "GitHubAppKeySecret" | "GitHubTokenSecret" | "GrafanaTokenSecret" | "HubKeySecret", _) => {
            vec!["secret", "parameter"]
        }
        ("DatabaseSecretKey" | "KeyArn", _) | (_, Some("AWS::KMS::Key")) => vec!["key"],
        ("DataStores", _) | (_, Some("AWS::SecretsManager::Secret")) => vec!["secret"],
        (_, Some("AWS::Events::EventBus")) => vec!["event-bus"],
        // Its ARN ends in `:*`, which is its streams.
        (_, Some("AWS::Logs::LogGroup")) => vec!["log-stream"],
        (_, Some("AWS::SNS::Topic")) => vec!["topic"],
        (_, Some("AWS::SQS::Queue")) => vec!["queue"],
        other => panic!("{other:?} is no resource that a right is known for"),
    }
}

/// The rights that a role has, and not who may take it.
fn rights_of<'t>(template: &'t Template, role: &str) -> Vec<Statement<'t>> {
    let all = statements(template).into_iter();
    all.filter(|one| one.resource == role && one.body.get("Principal").is_none()).collect()
}

fn actions<'t>(statement: &Statement<'t>) -> Vec<&'t str> {
    list(&statement.body["Action"]).into_iter().map(|one| one.as_str().expect("an action")).collect()
}

/// Every call of a function, and the resource of the template that it goes to, where there is one.
fn calls<'t>(template: &'t Template, function: &Function<'t>) -> Vec<(&'static str, Option<&'t str>)> {
    let mut calls = Vec::new();
    for (setting, value) in variables(template, function.block) {
        let Some((_, called)) = CALLS.iter().find(|(of, _)| *of == setting) else { continue };
        let told = text(&template.resolve(value, &Given::new())).unwrap_or_default();
        let id = template.resources().map(|(id, _)| id).find(|id| *id == told.trim_start_matches("s3://"));
        calls.extend(called.iter().map(|call| (*call, id)));
    }
    for event in template.events().iter().filter(|event| event.function.id == function.id && event.kind == "SQS") {
        calls.extend(POLLING.iter().map(|call| (*call, Some(target(&event.properties["Queue"])))));
    }
    let logs = target(&function.block["Properties"]["LoggingConfig"]["LogGroup"]);
    calls.extend(LOGGING.iter().map(|call| (*call, Some(logs))));
    calls.extend(TRACING.iter().map(|call| (*call, None)));
    calls
}

/// Whether what is named is that resource, or lies in it.
fn is_of(one: &Value, id: &str) -> bool {
    match one["Fn::Sub"].as_str() {
        Some(arn) => arn.starts_with(&format!("${{{id}.")),
        None => one != "*" && target(one) == id,
    }
}

#[test]
fn for_each_call_that_a_function_makes_there_is_a_right_on_all_that_it_is_checked_against() {
    let template = Template::main();
    for function in template.functions() {
        let role = function.id.replace("Function", "Role");
        let rights: Vec<_> =
            [role.as_str(), "EveryFunctionMay"].into_iter().flat_map(|of| rights_of(&template, of)).collect();
        let calls = calls(&template, &function);
        assert!(calls.len() > LOGGING.len() + TRACING.len(), "{} calls nothing", function.id);
        for (call, on) in calls {
            let may: Vec<_> = rights.iter().filter(|right| actions(right).contains(&call)).collect();
            assert!(!may.is_empty(), "{}: no right to {call}", function.id);
            let granted: Vec<_> = may.iter().flat_map(|right| named(&right.body["Resource"])).collect();
            if let Some(id) = on {
                assert!(granted.iter().any(|one| is_of(one, id)), "{}: no right to {call} on {id}", function.id);
            }
            let covered: BTreeSet<_> = granted.iter().flat_map(|one| kinds(&template, one)).collect();
            for kind in action(call).on {
                assert!(covered.contains(kind), "{}: {call} is checked against the {kind} too", function.id);
            }
        }
    }
}

#[test]
fn a_right_names_what_its_actions_know_under_conditions_that_they_carry() {
    let mut seen = 0;
    for template in [Template::main(), Template::data_stores()] {
        let holders = ["AWS::IAM::Role", "AWS::IAM::ManagedPolicy"];
        for (holder, _) in template.resources().filter(|(_, block)| holders.iter().any(|kind| block["Type"] == *kind)) {
            for right in rights_of(&template, holder) {
                let keys: Vec<_> = list(&right.body["Condition"])
                    .into_iter()
                    .flat_map(|condition| condition.as_object().into_iter().flat_map(|operators| operators.values()))
                    .flat_map(|keys| keys.as_object().into_iter().flat_map(|keys| keys.keys()))
                    .collect();
                let kinds: BTreeSet<_> =
                    named(&right.body["Resource"]).into_iter().flat_map(|one| kinds(&template, one)).collect();
                let known: BTreeSet<_> = actions(&right).iter().flat_map(|name| action(name).on).copied().collect();
                assert!(kinds.is_subset(&known), "{holder}, {}: {kinds:?}, but {known:?} are known", right.sid);
                for action in actions(&right).into_iter().map(action) {
                    let unknown =
                        keys.iter().find(|key| !key.starts_with("aws:") && !action.knows.contains(&key.as_str()));
                    assert_eq!(unknown, None, "{holder}: {} does not carry it, so it is never met", action.name);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 40, "{seen} actions");
}
