//! Alarms and the dashboard.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    read,
    template::{Given, Template, target, worker_timeouts},
};

/// Composite alarms with their halves, which tell nobody by themselves.
const COMPOSITES: [(&str, [&str; 2]); 7] = [
    ("CleanupMissedAlarm", ["CleanupSilentAlarm", "SchedulesOnForADayAlarm"]),
    ("CostTrackingMissedAlarm", ["CostTrackingSilentAlarm", "SchedulesOnAlarm"]),
    ("DeploymentMonitorMissedAlarm", ["DeploymentMonitorSilentAlarm", "SchedulesOnAlarm"]),
    ("GitMonitorMissedAlarm", ["GitMonitorSilentAlarm", "SchedulesOnAlarm"]),
    ("MonthlyInvitationsMissedAlarm", ["MonthlyInvitationsSilentAlarm", "PlanningDaysAlarm"]),
    ("PerformanceMonitorMissedAlarm", ["PerformanceMonitorSilentAlarm", "SchedulesOnForADayAlarm"]),
    ("RemindersMissedAlarm", ["RemindersSilentAlarm", "SchedulesOnAlarm"]),
];

/// Why it has no alarm of its own: when it fails the deployment fails, which is seen.
const WITHOUT_ALARMS: &str = "migrate";

fn alarms(template: &Template) -> Vec<(&str, &Value)> {
    template.of_type("AWS::CloudWatch::Alarm").chain(template.of_type("AWS::CloudWatch::CompositeAlarm")).collect()
}

/// The alarms on a metric of a function or queue, single or as a part of an expression.
fn watching<'t>(template: &'t Template, metric: &str, of: &str) -> Vec<(&'t str, &'t Value)> {
    let on = |metric_of: &Value| {
        metric_of["MetricName"] == metric
            && metric_of["Dimensions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|dimension| dimension["Value"].as_object().is_some() && target(&dimension["Value"]) == of)
    };
    let watches = |alarm: &Value| {
        let parts = alarm["Metrics"].as_array().into_iter().flatten();
        on(alarm) || parts.filter_map(|part| part.pointer("/MetricStat/Metric")).any(on)
    };
    alarms(template).into_iter().filter(|(_, alarm)| watches(alarm)).collect()
}

#[test]
fn every_alarm_has_a_run_book_and_every_run_book_an_alarm() {
    let template = Template::main();
    let named: BTreeSet<_> = alarms(&template).into_iter().map(|(id, _)| id.to_owned()).collect();
    let page = read("infra/README.md");
    let (_, book) = page.split_once("\n## Run book\n").expect("a run book");
    let book = book.split("\n## ").next().expect("its sections");
    let headings: BTreeSet<_> = book.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    assert_eq!(headings, named);
}

#[test]
fn every_alarm_tells_the_alerts_topic_when_it_begins_and_when_it_ends() {
    let template = Template::main();
    for (id, alarm) in alarms(&template) {
        if COMPOSITES.iter().any(|(_, halves)| halves.contains(&id)) {
            assert!(alarm.get("AlarmActions").is_none(), "{id}");
            continue;
        }
        for action in ["AlarmActions", "OKActions"] {
            assert_eq!(target(&alarm[action][0]), "AlertsTopic", "{id}");
        }
        let words = alarm["AlarmDescription"].to_string();
        assert!(words.contains(&format!("Run book, {id}.")), "{id} does not say where to read on: {words}");
    }
}

#[test]
fn errors_throttles_and_slowness_of_every_function_are_watched() {
    let template = Template::main();
    for function in template.functions().iter().filter(|function| function.binary != WITHOUT_ALARMS) {
        for metric in ["Errors", "Throttles", "Duration"] {
            assert!(!watching(&template, metric, function.id).is_empty(), "{}: {metric}", function.id);
        }
    }
}

#[test]
fn slowness_begins_at_four_fifths_of_a_functions_time_out() {
    let template = Template::main();
    for given in worker_timeouts(&template) {
        for function in template.functions() {
            let timeout = template.number(&function.block["Properties"]["Timeout"], &given);
            for (id, alarm) in watching(&template, "Duration", function.id) {
                assert_eq!(template.number(&alarm["Threshold"], &given), timeout * 1_000 * 4 / 5, "{id}");
            }
        }
    }
}

#[test]
fn every_dead_letter_and_what_is_parked_is_watched_and_so_is_the_age_of_the_queue() {
    let template = Template::main();
    for (id, _) in template.of_type("AWS::SQS::Queue") {
        if id.ends_with("DeadLetters") {
            assert!(!watching(&template, "NumberOfMessagesReceived", id).is_empty(), "{id}: what arrives");
        }
        if id.ends_with("DeadLetters") || ["Parking", "UndeliveredAlerts"].contains(&id) {
            assert!(!watching(&template, "ApproximateNumberOfMessagesVisible", id).is_empty(), "{id}: what lies there");
        }
    }
    assert!(!watching(&template, "ApproximateAgeOfOldestMessage", "InvitationsQueue").is_empty());
}

#[test]
fn a_missed_schedule_is_seen_by_missing_data() {
    let template = Template::main();
    for event in template.events().iter().filter(|event| event.kind == "ScheduleV2") {
        let silent = watching(&template, "Invocations", event.function.id);
        let seen = silent.iter().any(|(_, alarm)| {
            alarm["TreatMissingData"] == "breaching" && alarm["ComparisonOperator"] == "LessThanThreshold"
        });
        assert!(seen, "{}", event.function.id);
    }
    for (composite, halves) in COMPOSITES {
        let both = template.resource(composite)["Properties"]["AlarmRule"].to_string();
        for half in halves {
            assert!(both.contains(half), "{composite}: {half}");
        }
    }
}

#[test]
fn what_the_keeper_was_not_fired_beside_is_not_missed() {
    let template = Template::main();
    for half in ["PlanningDaysAlarm", "SchedulesOnAlarm", "SchedulesOnForADayAlarm"] {
        let watches = watching(&template, "Invocations", "RunKeeperFunction").iter().any(|(id, _)| *id == half);
        assert!(watches, "{half} would be met before the first firing");
        assert_eq!(template.resource(half)["Properties"]["TreatMissingData"], "notBreaching", "{half}");
    }
}

#[test]
fn an_alarm_looks_no_further_back_than_it_can() {
    let template = Template::main();
    for (id, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
        let periods = alarm["EvaluationPeriods"].as_u64().expect("a number");
        let parts =
            alarm["Metrics"].as_array().into_iter().flatten().filter_map(|part| part.pointer("/MetricStat/Period"));
        for period in alarm.get("Period").into_iter().chain(parts) {
            let period = period.as_u64().expect("a number");
            let most = if period >= 3_600 { 7 * 86_400 } else { 86_400 };
            assert!(period * periods <= most, "{id}");
        }
    }
}

fn dashboard() -> Value {
    serde_json::from_str(&read("infra/dashboards/almanac.json")).expect("JSON")
}

#[test]
fn the_template_carries_the_dashboard_of_its_file() {
    let template = Template::main();
    let body = template.resource("Dashboard")["Properties"]["DashboardBody"]["Fn::Sub"].as_str().expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body, dashboard(), "copy infra/dashboards/almanac.json into template.yaml");
}

#[test]
fn the_dashboard_shows_what_there_is() {
    let template = Template::main();
    let names: BTreeSet<_> = template
        .of_type("AWS::SQS::Queue")
        .map(|(_, queue)| &queue["QueueName"])
        .chain(template.of_type("AWS::Serverless::Function").map(|(_, function)| &function["FunctionName"]))
        .map(|name| name["Fn::Sub"].as_str().expect("a name").to_owned())
        .collect();
    let jobs: BTreeSet<_> = template.functions().iter().map(|function| function.binary).collect();
    let mut shown = 0;
    for widget in dashboard()["widgets"].as_array().expect("widgets") {
        for metric in widget["properties"]["metrics"].as_array().expect("metrics") {
            let [space, name, dimension, value] = [0, 1, 2, 3].map(|index| metric[index].as_str().expect("a text"));
            match (space, dimension) {
                ("AWS/SQS", "QueueName") | ("AWS/Lambda", "FunctionName") => assert!(names.contains(value), "{value}"),
                ("Almanac", "job") => assert!(jobs.contains(value), "{value}"),
                other => panic!("{name}: {other:?}"),
            }
            shown += 1;
        }
    }
    assert!(shown > 20, "{shown} metrics");
}

#[test]
fn an_alarm_on_a_number_of_our_own_reads_it_in_its_own_stack_and_the_dashboard_shows_it() {
    let template = Template::main();
    let (shown, mut seen) = (dashboard().to_string(), 0);
    for (id, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
        assert_ne!(alarm["Namespace"], "Almanac", "{id}: the stacks of an account all write there");
        if alarm["Namespace"]["Ref"] == "AWS::StackName" {
            let name = alarm["MetricName"].as_str().expect("a name");
            let written = template.of_type("AWS::Logs::MetricFilter").any(|(_, filter)| {
                let made = &filter["MetricTransformations"][0];
                made["MetricName"] == name && made["MetricNamespace"] == alarm["Namespace"]
            });
            assert!(written, "{id}: nothing writes {name}");
            assert!(shown.contains(name), "{id}");
            seen += 1;
        }
        assert!(!template.resolve(alarm, &Given::new()).is_null());
    }
    assert!(seen > 0, "no alarm on a number of our own");
}
