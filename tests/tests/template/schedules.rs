//! Schedules, and the other doors to functions that nobody waits for.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::{
    firing::{Firing, Trigger},
    hackathon::{self, Criterion},
};

use crate::{
    names, read,
    template::{Event, Given, Template, list, target, text},
    yaml,
};

/// Where firings go that came to nothing.
const LOST_FIRINGS: &str = "FiringsDeadLetters";

fn of_kind<'t>(template: &'t Template, kind: &str) -> Vec<Event<'t>> {
    let events: Vec<_> = template.events().into_iter().filter(|event| event.kind == kind).collect();
    assert!(!events.is_empty(), "no {kind}");
    events
}

#[test]
fn every_schedule_is_one_that_the_scheduler_understands_and_says_its_zone() {
    let template = Template::main();
    let events = of_kind(&template, "ScheduleV2");
    for (day, hour) in (1..=28).flat_map(|day| (0..=23).map(move |hour| (day, hour))) {
        let given = Given::from([("MonthlyJobDay", json!(day)), ("MonthlyJobHour", json!(hour))]);
        assert_eq!(template.schedules(&given).len(), events.len());
    }
    for event in events {
        assert!(!event.properties["ScheduleExpressionTimezone"].is_null(), "{}", event.name);
    }
}

#[test]
fn no_schedule_of_any_stage_meets_a_clock_change_in_ten_years_without_a_policy() {
    let template = Template::main();
    let now = Utc::now();
    let stages = names("infra/stages", ".yaml").into_iter().map(|stage| yaml(&format!("infra/stages/{stage}.yaml")));
    for parameters in stages.chain([json!({})]) {
        let parameters = parameters.as_object().expect("parameters");
        let given = parameters.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        for declared in template.schedules(&given).iter().filter(|declared| declared.policy.is_none()) {
            let affected: Vec<_> = declared.schedule.affected_firings(now, now + TimeDelta::days(3653)).collect();
            assert!(affected.is_empty(), "{}, {}: {affected:?}", declared.function, declared.name);
        }
    }
}

#[test]
fn every_job_that_opens_runs_does_about_missed_firings_what_the_template_declares() {
    let of_code = [
        (cleanup::JOB, cleanup::WHEN_MISSED),
        (Criterion::BudgetTracking.job(), hackathon::WHEN_MISSED),
        (Criterion::JudgeScore.job(), hackathon::WHEN_MISSED),
        (Criterion::DeployedSolution.job(), hackathon::WHEN_MISSED),
        (Criterion::CodeRepo.job(), hackathon::WHEN_MISSED),
        (monthly_invitations::JOB, monthly_invitations::WHEN_MISSED),
        (Criterion::ArchiveSearch.job(), hackathon::WHEN_MISSED),
        (Criterion::AuthPerformance.job(), hackathon::WHEN_MISSED),
        (Criterion::TicketBooking.job(), hackathon::WHEN_MISSED),
        (Criterion::EventSearch.job(), hackathon::WHEN_MISSED),
        (reminders::JOB, reminders::WHEN_MISSED),
    ];
    let declared: Vec<_> = Template::main()
        .schedules(&Given::new())
        .into_iter()
        .filter_map(|declared| Some((declared.job, declared.when_missed?)))
        .collect();
    assert_eq!(declared, of_code.map(|(job, policy)| (job.to_owned(), policy)));
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
    let (utc, on, off) = (|| "UTC".to_owned(), || "ENABLED".to_owned(), || "DISABLED".to_owned());
    assert_eq!(
        said,
        [
            ("cleanup", "cron(0 2 * * ? *)".to_owned(), paris(), on()),
            ("cost-tracking", "cron(0/15 * * * ? *)".to_owned(), utc(), off()),
            ("cost-tracking", "cron(0/10 * * * ? *)".to_owned(), utc(), off()),
            ("deployment-monitor", "cron(0/15 * * * ? *)".to_owned(), utc(), off()),
            ("git-monitor", "cron(0/30 * * * ? *)".to_owned(), utc(), off()),
            ("monthly-invitations", "cron(0 18 5-28 * ? *)".to_owned(), paris(), on()),
            ("performance-monitor", "cron(1 0/6 * * ? *)".to_owned(), utc(), off()),
            ("performance-monitor", "cron(2 0/6 * * ? *)".to_owned(), utc(), off()),
            ("performance-monitor", "cron(3 0/6 * * ? *)".to_owned(), utc(), off()),
            ("performance-monitor", "cron(0 0/6 * * ? *)".to_owned(), utc(), off()),
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
    let declared = template.schedules(&Given::new());
    for rule in of_kind(&template, "EventBridgeRule") {
        let of_function = declared.iter().filter(|declared| declared.function == rule.function.id);
        let jobs: Vec<_> = of_function.map(|declared| &*declared.job).collect();
        let pattern = json!({"source": ["almanac"], "detail-type": ["run-requested"], "detail": {"job": jobs}});
        assert_eq!(rule.properties["Pattern"], pattern);
        assert_eq!(target(&rule.properties["EventBusName"]), "Bus");
    }
}

#[test]
fn the_schedules_of_a_monitor_are_on_where_it_is_and_name_its_criterion() {
    let template = Template::main();
    for (on, judges) in [("true", "false"), ("false", "true")] {
        let given = Given::from([("CostTracking", json!(on)), ("JudgeScore", json!(judges))]);
        let declared = template.schedules(&given);
        let states = ["cost-tracking", "judge-score"]
            .map(|job| &*declared.iter().find(|declared| declared.job == job).expect("a schedule").state);
        let state = |on| if on == "true" { "ENABLED" } else { "DISABLED" };
        assert_eq!(states, [state(on), state(judges)]);
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
        let answers = !function.block["Properties"]["FunctionUrlConfig"].is_null();
        if !polled && !answers {
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
    let mut scheduled: Vec<_> = of_kind(&template, "ScheduleV2").iter().map(|event| event.function.binary).collect();
    scheduled.dedup();
    assert_eq!(named, scheduled);
}
