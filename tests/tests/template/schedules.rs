//! Schedules, and the other doors to functions that nobody waits for.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use shared::firing::{Firing, Trigger};

use crate::{
    read,
    template::{Event, Given, Template, list, target, text},
};

/// Where firings go that came to nothing.
const LOST_FIRINGS: &str = "FiringsDeadLetters";

fn of_kind<'t>(template: &'t Template, kind: &str) -> Vec<Event<'t>> {
    let events: Vec<_> = template.events().into_iter().filter(|event| event.kind == kind).collect();
    assert!(!events.is_empty(), "no {kind}");
    events
}

/// Whether EventBridge Scheduler understands the expression; else what is wrong with it.
fn check_expression(expression: &str) -> Result<(), String> {
    let (kind, inner) = expression.strip_suffix(')').and_then(|text| text.split_once('(')).ok_or("no brackets")?;
    match kind {
        "rate" => {
            let (count, unit) = inner.split_once(' ').ok_or("no unit")?;
            let units = if count == "1" { ["minute", "hour", "day"] } else { ["minutes", "hours", "days"] };
            let counts = count.parse::<u32>().is_ok_and(|count| count > 0);
            if counts && units.contains(&unit) { Ok(()) } else { Err(format!("{count} {unit}")) }
        }
        "cron" => {
            let fields: Vec<&str> = inner.split(' ').collect();
            let ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199)];
            if fields.len() != ranges.len() {
                return Err(format!("{} fields, not {}", fields.len(), ranges.len()));
            }
            // One of the two kinds of day must be left open, and only one.
            if (fields[2] == "?") == (fields[4] == "?") {
                return Err("one of the day of the month and the day of the week is '?'".to_owned());
            }
            let mut fields = fields.iter().zip(ranges);
            fields.try_for_each(|(field, range)| check_field(field, range).ok_or(format!("the field {field}")))
        }
        other => Err(format!("{other} is neither rate nor cron")),
    }
}

/// Numbers, ranges, lists and steps; names of days and months are not used here.
fn check_field(field: &str, (least, most): (u32, u32)) -> Option<()> {
    if field == "*" || field == "?" {
        return Some(());
    }
    for item in field.split(',') {
        let (span, step) = item.split_once('/').unwrap_or((item, "1"));
        let (from, to) = span.split_once('-').unwrap_or((span, span));
        let numbers = [from, to].map(|number| if number == "*" { Some(least) } else { number.parse().ok() });
        let [Some(from), Some(to)] = numbers else { return None };
        if step.parse::<u32>().ok()? == 0 || from < least || to > most || from > to {
            return None;
        }
    }
    Some(())
}

#[test]
fn every_schedule_is_one_that_the_scheduler_understands() {
    let template = Template::main();
    for schedule in of_kind(&template, "ScheduleV2") {
        for (day, hour) in (1..=28).flat_map(|day| (0..=23).map(move |hour| (day, hour))) {
            let given = Given::from([("MonthlyJobDay", json!(day)), ("MonthlyJobHour", json!(hour))]);
            let expression =
                text(&template.resolve(&schedule.properties["ScheduleExpression"], &given)).expect("a text");
            check_expression(&expression).unwrap_or_else(|fault| panic!("{}: {expression}: {fault}", schedule.name));
        }
        let zone = template.resolve(&schedule.properties["ScheduleExpressionTimezone"], &Given::new());
        let zone = zone.as_str().expect("an explicit zone");
        assert!(zone.parse::<Tz>().is_ok(), "{zone} is no zone");
    }
}

#[test]
fn expressions_that_are_none_are_found_out() {
    for wrong in ["rate(1 minutes)", "rate(5 minute)", "cron(0 18 5-28 * *)", "cron(0 18 5-28 * * *)", "5 minutes"] {
        assert!(check_expression(wrong).is_err(), "{wrong}");
    }
    for wrong in ["cron(0 24 * * ? *)", "cron(0 18 28-5 * ? *)", "cron(60 18 ? * 1 *)", "at(2026-11-05T18:00:00)"] {
        assert!(check_expression(wrong).is_err(), "{wrong}");
    }
    for right in ["rate(1 minute)", "rate(5 minutes)", "cron(0 18 5-28 * ? *)", "cron(0/15 2 ? * 1,7 2026)"] {
        assert_eq!(check_expression(right), Ok(()), "{right}");
    }
}

#[test]
fn every_job_fires_at_its_time_in_paris() {
    let template = Template::main();
    let said: Vec<_> = of_kind(&template, "ScheduleV2")
        .iter()
        .map(|schedule| {
            let of = |name: &str| text(&template.resolve(&schedule.properties[name], &Given::new())).expect("a text");
            (schedule.function.binary, of("ScheduleExpression"), of("ScheduleExpressionTimezone"), of("State"))
        })
        .collect();
    let paris = || "Europe/Paris".to_owned();
    let on = || "ENABLED".to_owned();
    assert_eq!(
        said,
        [
            ("monthly-invitations", "cron(0 18 5-28 * ? *)".to_owned(), paris(), on()),
            ("cleanup", "cron(0 2 * * ? *)".to_owned(), paris(), on()),
            ("reminders", "cron(0 * * * ? *)".to_owned(), paris(), on()),
            ("run-keeper", "rate(1 minute)".to_owned(), paris(), on()),
        ]
    );
}

#[test]
fn a_schedules_input_is_the_event_that_the_function_reads() {
    let template = Template::main();
    for schedule in of_kind(&template, "ScheduleV2") {
        let input = schedule.properties["Input"].as_str().expect("an input");
        let scheduled: DateTime<Utc> = "2026-11-05T17:00:00Z".parse().expect("a time");
        let sent = input
            .replace("<aws.scheduler.scheduled-time>", "2026-11-05T17:00:00Z")
            .replace("<aws.scheduler.execution-id>", "d32c5ebc-9a5f-4f5d-b3d6-6f3a1c0f7e51");
        let sent: Value = serde_json::from_str(&sent).expect("JSON");
        let firing = Firing::from_event(&sent, schedule.function.binary, Utc::now()).expect("a firing");
        assert_eq!(firing, Firing::new(scheduled, Trigger::Schedule));

        let example: Value =
            serde_json::from_str(&read(&format!("events/{}.json", schedule.function.binary))).expect("JSON");
        let fields = |event: &Value| event.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(fields(&sent), fields(&example), "{}", schedule.function.binary);
    }
}

#[test]
fn a_run_that_is_asked_for_comes_to_its_own_planner() {
    let template = Template::main();
    for rule in of_kind(&template, "EventBridgeRule") {
        let job = rule.function.binary;
        let pattern = json!({"source": ["almanac"], "detail-type": ["run-requested"], "detail": {"job": [job]}});
        assert_eq!(rule.properties["Pattern"], pattern);
        assert_eq!(target(&rule.properties["EventBusName"]), "Bus");
    }
}

#[test]
fn a_firing_is_tried_again_and_is_never_lost_in_silence() {
    let template = Template::main();
    for kind in ["ScheduleV2", "EventBridgeRule"] {
        for event in of_kind(&template, kind) {
            let of = event.properties;
            assert_eq!(target(&of["DeadLetterConfig"]["Arn"]), LOST_FIRINGS, "{}", event.name);
            assert!(
                of["RetryPolicy"]["MaximumRetryAttempts"].as_u64().is_some_and(|tries| tries > 0),
                "{}",
                event.name
            );
            assert!(of["RetryPolicy"]["MaximumEventAgeInSeconds"].as_u64().is_some(), "{}", event.name);
        }
    }
    // A hand-off that worked says nothing of the function, so each that nobody waits for says where its failures go.
    for function in template.functions() {
        let polled = template.events().iter().any(|event| event.function.id == function.id && event.kind == "SQS");
        if !polled {
            let place = "/Properties/EventInvokeConfig/DestinationConfig/OnFailure/Destination";
            let failures = function.block.pointer(place).map(target);
            assert_eq!(failures, Some(LOST_FIRINGS), "{}", function.id);
            assert!(may_send(&template, &function.id.replace("Function", "Role")), "{}", function.id);
        }
    }
    assert!(may_send(&template, "SchedulerRole"));
}

fn may_send(template: &Template, role: &str) -> bool {
    let statements = template.resource(role).pointer("/Properties/Policies/0/PolicyDocument/Statement");
    list(statements.expect("a policy")).iter().any(|statement| {
        statement["Action"] == "sqs:SendMessage"
            && list(&statement["Resource"]).iter().any(|queue| target(queue) == LOST_FIRINGS)
    })
}

#[test]
fn the_scheduler_may_fire_what_has_a_schedule_and_nothing_else() {
    let template = Template::main();
    let policy = template.resource("SchedulerRole").pointer("/Properties/Policies/0/PolicyDocument/Statement/0");
    let may = policy.expect("a statement");
    assert_eq!(may["Action"], "lambda:InvokeFunction");
    let named: Vec<_> = list(&may["Resource"])
        .iter()
        .map(|arn| arn["Fn::Sub"].as_str().and_then(|arn| arn.split("${AWS::StackName}-").nth(1)).expect("a function"))
        .collect();
    let scheduled: Vec<_> = of_kind(&template, "ScheduleV2").iter().map(|event| event.function.binary).collect();
    assert_eq!(named, scheduled);
}
