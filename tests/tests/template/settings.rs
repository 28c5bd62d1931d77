//! What the template sets are settings, and the values that it lets through are values of theirs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::config::{Section, table::TABLE};

use crate::{
    names,
    template::{Given, Template, text, worker_timeouts},
    yaml,
};

/// The variables of a function, those of all functions included.
pub fn variables<'t>(template: &'t Template, block: &'t Value) -> Vec<(&'t str, &'t Value)> {
    let places = [&template.section("Globals")["Function"], &block["Properties"]];
    let sets =
        places.into_iter().filter_map(|place| place.pointer("/Environment/Variables").and_then(Value::as_object));
    sets.flatten().map(|(name, value)| (name.as_str(), value)).collect()
}

fn allowed_values(template: &Template) -> Vec<Given> {
    let mut all = worker_timeouts(template);
    let ranges = [
        ("BatchSize", [1, 300]),
        ("FirstReminderDays", [1, 90]),
        ("InvitationDeadlineHours", [1, 168]),
        ("LongestRunHours", [1, 168]),
        ("MonthlyJobDay", [1, 28]),
        ("MonthlyJobHour", [0, 23]),
        ("SecondReminderDays", [2, 180]),
    ];
    for (parameter, ends) in ranges {
        for (index, end) in ends.into_iter().enumerate() {
            let limit = &template.section("Parameters")[parameter][["MinValue", "MaxValue"][index]];
            assert_eq!(limit.as_u64(), Some(end), "{parameter}");
            all.push(Given::from([(parameter, json!(end))]));
        }
    }
    for rate in ["", "1", "9999"] {
        all.push(Given::from([("EmailRatePerSecond", json!(rate))]));
    }
    for url in ["", "redis://cache", "rediss://cache.example.com:6379"] {
        all.push(Given::from([("SendLogUrl", json!(url))]));
    }
    for switch in ["true", "false"] {
        let on = json!(switch);
        let hub = ("HubBaseUrl", json!("https://hub.example.org/x"));
        let mut given =
            Given::from([hub, ("HackathonId", json!("7")), ("HackathonStart", json!("2026-11-06T18:00:00Z"))]);
        given.extend(
            ["CostTracking", "JudgeScore", "DeploymentMonitor", "GitMonitor", "LoadTests"]
                .map(|name| (name, on.clone())),
        );
        given.insert("PrometheusUrl", json!("http://prometheus.internal:9090"));
        all.push(given.clone());
        given.insert("PrometheusUrl", json!(""));
        given.insert("GitHubAppId", json!("12345"));
        given.extend([("GrafanaApiUrl", json!("https://grafana.example.org")), ("GrafanaDataSource", json!("k6"))]);
        all.push(given);
    }
    for policy in ["never-again", "once-more"] {
        all.push(Given::from([("InvitationsInDoubt", json!(policy)), ("RemindersInDoubt", json!(policy))]));
    }
    all
}

#[test]
fn every_variable_is_a_setting() {
    let template = Template::main();
    let known: BTreeSet<_> = TABLE.iter().map(|row| row.about().name).collect();
    for function in template.functions() {
        for (name, _) in variables(&template, function.block) {
            assert!(known.contains(name), "{}: {name} is no setting", function.id);
        }
    }
}

#[test]
fn every_value_that_the_template_allows_is_one_of_the_setting() {
    let template = Template::main();
    for given in allowed_values(&template) {
        for function in template.functions() {
            for (name, value) in variables(&template, function.block) {
                let Some(row) = TABLE.iter().find(|row| row.about().name == name) else { continue };
                // Only AWS knows the names, ARNs and addresses of what it made.
                let of_aws =
                    template.resolve(value, &given).as_str().is_some_and(|value| value == "UnsubscribeFunctionUrl");
                if row.about().section == Section::Aws || of_aws {
                    continue;
                }
                // A variable without a value is not set, and an empty one counts as not set.
                let Some(value) = text(&template.resolve(value, &given)).filter(|value| !value.is_empty()) else {
                    continue;
                };
                assert!(row.check(&value).is_ok(), "{name}={value}: expected {}", row.expected());
            }
        }
    }
}

#[test]
fn what_stands_in_aws_is_a_resource_of_the_kind_that_the_setting_means() {
    let template = Template::main();
    let kinds = [
        ("INVITATIONS_QUEUE", "AWS::SQS::Queue"),
        ("MONITOR_QUEUE", "AWS::SQS::Queue"),
        ("OBJECTS", "AWS::S3::Bucket"),
        ("ALERTS_TOPIC", "AWS::SNS::Topic"),
        ("EVENT_BUS", "AWS::Events::EventBus"),
    ];
    for (setting, kind) in kinds {
        let mut told = 0;
        for function in template.functions() {
            for (_, value) in variables(&template, function.block).into_iter().filter(|(name, _)| *name == setting) {
                let named = text(&template.resolve(value, &Given::new())).expect("a name");
                let id = named.trim_start_matches("s3://");
                assert_eq!(template.resource(id)["Type"], kind, "{}: {setting}", function.id);
                told += 1;
            }
        }
        assert!(told > 0, "{setting}");
    }
}

#[test]
fn every_function_is_told_what_it_does_not_start_without() {
    let template = Template::main();
    let in_aws = TABLE.iter().filter(|row| row.about().section == Section::Aws);
    for row in in_aws.map(|row| row.about()) {
        for function in template.functions().iter().filter(|function| row.read_by.contains(&function.binary)) {
            let told = variables(&template, function.block).iter().any(|(name, _)| *name == row.name);
            assert!(told, "{} reads {}", function.id, row.name);
        }
    }
}

#[test]
fn a_secret_s_arn_that_the_template_takes_is_one_of_the_setting_and_rds_s_own_are_among_them() {
    let template = Template::main();
    let pattern = &template.section("Parameters")["DatabaseSecret"]["AllowedPattern"];
    for other in ["HubKeySecret", "GitHubAppKeySecret", "GitHubTokenSecret", "GrafanaTokenSecret"] {
        assert_eq!(pattern, &template.section("Parameters")[other]["AllowedPattern"]);
    }
    let row = TABLE.iter().find(|row| row.about().name == "DATABASE_SECRET").expect("a setting");
    for secret in [
        "secretsmanager:eu-west-3:123456789012:secret:almanac/records-AbCdEf",
        "secretsmanager:eu-west-3:123456789012:secret:rds!cluster-0a1b2c3d-AbCdEf",
        "secretsmanager:eu-west-3:123456789012:secret:a_b+c=d.e@f-AbCdEf",
        "ssm:eu-west-3:123456789012:parameter/almanac/records",
    ] {
        let arn = format!("arn:aws:{secret}");
        assert!(jsonschema::is_valid(&json!({ "pattern": pattern }), &json!(arn)), "{arn}");
        assert!(row.check(&arn).is_ok(), "{arn}");
    }
}

#[test]
fn a_batch_may_take_as_long_as_the_worker() {
    let template = Template::main();
    for given in worker_timeouts(&template) {
        let timeout = template.number(&template.resource("InvitationWorkerFunction")["Properties"]["Timeout"], &given);
        let variables = variables(&template, template.resource("InvitationWorkerFunction"));
        let (_, told) = variables.iter().find(|(name, _)| *name == "SCHEDULER_WORKER_TIMEOUT").expect("it is told");
        assert_eq!(template.number(told, &given), timeout * 1_000);
    }
}

#[test]
fn a_stage_sets_parameters_that_there_are_to_values_that_they_take() {
    let template = Template::main();
    let parameters = template.section("Parameters");
    let stages = names("infra/stages", ".yaml");
    assert_eq!(stages, ["dev", "prod"]);
    for stage in stages {
        let values = yaml(&format!("infra/stages/{stage}.yaml"));
        assert_eq!(values["Stage"], *stage);
        for (name, value) in values.as_object().expect("a mapping") {
            let parameter = parameters.get(name).unwrap_or_else(|| panic!("{stage}: no parameter {name}"));
            let value = text(value).expect("a value");
            if let Some(allowed) = parameter["AllowedValues"].as_array() {
                assert!(allowed.iter().filter_map(text).any(|one| one == value), "{stage}: {name}: {value}");
            }
            if parameter["Type"] == "Number" {
                let number: f64 = value.parse().expect("a number");
                let least = parameter["MinValue"].as_f64().is_none_or(|least| least <= number);
                let most = parameter["MaxValue"].as_f64().is_none_or(|most| number <= most);
                assert!(least && most, "{stage}: {name}: {value}");
            }
        }
    }
}

#[test]
fn secrets_are_named_and_never_passed() {
    let template = Template::main();
    for (name, parameter) in template.section("Parameters").as_object().expect("parameters") {
        let name = name.to_lowercase();
        // The ARN of a secret is none.
        let is_arn = name.ends_with("secret");
        assert!(is_arn || !name.contains("password") && !name.contains("token"), "{name}");
        assert!(parameter["NoEcho"].is_null(), "{name} would lie in an environment");
    }
}
