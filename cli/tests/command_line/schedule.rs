//! When schedules fire next, and the proof that clock changes surprise none of them.

use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc, Weekday};
use serde_json::Value;

use crate::support::{machine::Machine, process::Ending};

/// When the questions are asked.
const NOW: &str = "2026-11-26T12:00:00Z";

/// A job that fires in the hour in which clocks change in Paris, with what its function's Metadata holds.
fn clean_up(metadata: &str) -> String {
    format!(
        "Resources:
  CleanUpFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties: {{Binary: clean-up}}
      # What it left one night it takes the next.
      {metadata}
    Properties:
      Events:
        Nightly:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: cron(0 2 * * ? *)
            ScheduleExpressionTimezone: Europe/Paris
"
    )
}

async fn ask(machine: &Machine, question: &[&str]) -> Ending {
    machine.run(&[&["schedule", "--at", NOW], question].concat()).await
}

async fn ask_of(template: &str, question: &[&str]) -> Ending {
    let machine = Machine::bare();
    std::fs::write(machine.folder().join("template.yaml"), template).expect("a file");
    ask(&machine, &[question, &["--template", "template.yaml"]].concat()).await
}

#[tokio::test]
async fn every_schedule_of_the_built_in_template_tells_its_next_firings_by_both_clocks() {
    let ending = ask(&Machine::bare(), &["--count", "4"]).await;
    assert_eq!(ending.code, 0, "{ending:?}");
    insta::assert_snapshot!(ending.out, @r"
    CleanupFunction Nightly: cron(0 2 * * ? *) in Europe/Paris, ENABLED
      when clocks change: skip-gap-once-in-overlap
      when missed: run-once-for-all
      Fri 2026-11-27 02:00:00 +01:00   2026-11-27 01:00:00 UTC
      Sat 2026-11-28 02:00:00 +01:00   2026-11-28 01:00:00 UTC
      Sun 2026-11-29 02:00:00 +01:00   2026-11-29 01:00:00 UTC
      Mon 2026-11-30 02:00:00 +01:00   2026-11-30 01:00:00 UTC
    CostTrackingFunction Budget: cron(0/15 * * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 12:15:00 +00:00   2026-11-26 12:15:00 UTC
      Thu 2026-11-26 12:30:00 +00:00   2026-11-26 12:30:00 UTC
      Thu 2026-11-26 12:45:00 +00:00   2026-11-26 12:45:00 UTC
      Thu 2026-11-26 13:00:00 +00:00   2026-11-26 13:00:00 UTC
    CostTrackingFunction Judges: cron(0/10 * * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 12:10:00 +00:00   2026-11-26 12:10:00 UTC
      Thu 2026-11-26 12:20:00 +00:00   2026-11-26 12:20:00 UTC
      Thu 2026-11-26 12:30:00 +00:00   2026-11-26 12:30:00 UTC
      Thu 2026-11-26 12:40:00 +00:00   2026-11-26 12:40:00 UTC
    DeploymentMonitorFunction QuarterHourly: cron(0/15 * * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 12:15:00 +00:00   2026-11-26 12:15:00 UTC
      Thu 2026-11-26 12:30:00 +00:00   2026-11-26 12:30:00 UTC
      Thu 2026-11-26 12:45:00 +00:00   2026-11-26 12:45:00 UTC
      Thu 2026-11-26 13:00:00 +00:00   2026-11-26 13:00:00 UTC
    GitMonitorFunction HalfHourly: cron(0/30 * * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 12:30:00 +00:00   2026-11-26 12:30:00 UTC
      Thu 2026-11-26 13:00:00 +00:00   2026-11-26 13:00:00 UTC
      Thu 2026-11-26 13:30:00 +00:00   2026-11-26 13:30:00 UTC
      Thu 2026-11-26 14:00:00 +00:00   2026-11-26 14:00:00 UTC
    MonthlyInvitationsFunction Daily: cron(0 18 5-28 * ? *) in Europe/Paris, ENABLED
      when missed: ask
      Thu 2026-11-26 18:00:00 +01:00   2026-11-26 17:00:00 UTC
      Fri 2026-11-27 18:00:00 +01:00   2026-11-27 17:00:00 UTC
      Sat 2026-11-28 18:00:00 +01:00   2026-11-28 17:00:00 UTC
      Sat 2026-12-05 18:00:00 +01:00   2026-12-05 17:00:00 UTC
    PerformanceMonitorFunction Archive: cron(1 0/6 * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 12:01:00 +00:00   2026-11-26 12:01:00 UTC
      Thu 2026-11-26 18:01:00 +00:00   2026-11-26 18:01:00 UTC
      Fri 2026-11-27 00:01:00 +00:00   2026-11-27 00:01:00 UTC
      Fri 2026-11-27 06:01:00 +00:00   2026-11-27 06:01:00 UTC
    PerformanceMonitorFunction Auth: cron(2 0/6 * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 12:02:00 +00:00   2026-11-26 12:02:00 UTC
      Thu 2026-11-26 18:02:00 +00:00   2026-11-26 18:02:00 UTC
      Fri 2026-11-27 00:02:00 +00:00   2026-11-27 00:02:00 UTC
      Fri 2026-11-27 06:02:00 +00:00   2026-11-27 06:02:00 UTC
    PerformanceMonitorFunction Bookings: cron(3 0/6 * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 12:03:00 +00:00   2026-11-26 12:03:00 UTC
      Thu 2026-11-26 18:03:00 +00:00   2026-11-26 18:03:00 UTC
      Fri 2026-11-27 00:03:00 +00:00   2026-11-27 00:03:00 UTC
      Fri 2026-11-27 06:03:00 +00:00   2026-11-27 06:03:00 UTC
    PerformanceMonitorFunction Events: cron(0 0/6 * * ? *) in UTC, DISABLED
      when missed: run-once-for-all
      Thu 2026-11-26 18:00:00 +00:00   2026-11-26 18:00:00 UTC
      Fri 2026-11-27 00:00:00 +00:00   2026-11-27 00:00:00 UTC
      Fri 2026-11-27 06:00:00 +00:00   2026-11-27 06:00:00 UTC
      Fri 2026-11-27 12:00:00 +00:00   2026-11-27 12:00:00 UTC
    RemindersFunction Hourly: cron(0 * * * ? *) in Europe/Paris, ENABLED
      when clocks change: skip-gap-once-in-overlap
      when missed: run-once-for-all
      Thu 2026-11-26 14:00:00 +01:00   2026-11-26 13:00:00 UTC
      Thu 2026-11-26 15:00:00 +01:00   2026-11-26 14:00:00 UTC
      Thu 2026-11-26 16:00:00 +01:00   2026-11-26 15:00:00 UTC
      Thu 2026-11-26 17:00:00 +01:00   2026-11-26 16:00:00 UTC
    RunKeeperFunction EveryMinute: rate(1 minute) in Europe/Paris, ENABLED
      every minute, counted from when it is created
    ");
}

#[tokio::test]
async fn machines_are_told_the_same_a_line_for_each_schedule() {
    let ending = ask(&Machine::bare(), &["--count", "1", "--json", "--parameter", "Schedules=DISABLED"]).await;
    assert_eq!(ending.code, 0, "{ending:?}");
    insta::assert_snapshot!(ending.out, @r#"
    {"every_seconds":null,"expression":"cron(0 2 * * ? *)","firings":[{"local":"2026-11-27T02:00:00+01:00","utc":"2026-11-27T01:00:00Z"}],"function":"CleanupFunction","policy":"skip-gap-once-in-overlap","schedule":"Nightly","state":"DISABLED","when_missed":"run-once-for-all","zone":"Europe/Paris"}
    {"every_seconds":null,"expression":"cron(0/15 * * * ? *)","firings":[{"local":"2026-11-26T12:15:00+00:00","utc":"2026-11-26T12:15:00Z"}],"function":"CostTrackingFunction","policy":null,"schedule":"Budget","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(0/10 * * * ? *)","firings":[{"local":"2026-11-26T12:10:00+00:00","utc":"2026-11-26T12:10:00Z"}],"function":"CostTrackingFunction","policy":null,"schedule":"Judges","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(0/15 * * * ? *)","firings":[{"local":"2026-11-26T12:15:00+00:00","utc":"2026-11-26T12:15:00Z"}],"function":"DeploymentMonitorFunction","policy":null,"schedule":"QuarterHourly","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(0/30 * * * ? *)","firings":[{"local":"2026-11-26T12:30:00+00:00","utc":"2026-11-26T12:30:00Z"}],"function":"GitMonitorFunction","policy":null,"schedule":"HalfHourly","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(0 18 5-28 * ? *)","firings":[{"local":"2026-11-26T18:00:00+01:00","utc":"2026-11-26T17:00:00Z"}],"function":"MonthlyInvitationsFunction","policy":null,"schedule":"Daily","state":"DISABLED","when_missed":"ask","zone":"Europe/Paris"}
    {"every_seconds":null,"expression":"cron(1 0/6 * * ? *)","firings":[{"local":"2026-11-26T12:01:00+00:00","utc":"2026-11-26T12:01:00Z"}],"function":"PerformanceMonitorFunction","policy":null,"schedule":"Archive","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(2 0/6 * * ? *)","firings":[{"local":"2026-11-26T12:02:00+00:00","utc":"2026-11-26T12:02:00Z"}],"function":"PerformanceMonitorFunction","policy":null,"schedule":"Auth","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(3 0/6 * * ? *)","firings":[{"local":"2026-11-26T12:03:00+00:00","utc":"2026-11-26T12:03:00Z"}],"function":"PerformanceMonitorFunction","policy":null,"schedule":"Bookings","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(0 0/6 * * ? *)","firings":[{"local":"2026-11-26T18:00:00+00:00","utc":"2026-11-26T18:00:00Z"}],"function":"PerformanceMonitorFunction","policy":null,"schedule":"Events","state":"DISABLED","when_missed":"run-once-for-all","zone":"UTC"}
    {"every_seconds":null,"expression":"cron(0 * * * ? *)","firings":[{"local":"2026-11-26T14:00:00+01:00","utc":"2026-11-26T13:00:00Z"}],"function":"RemindersFunction","policy":"skip-gap-once-in-overlap","schedule":"Hourly","state":"DISABLED","when_missed":"run-once-for-all","zone":"Europe/Paris"}
    {"every_seconds":60,"expression":"rate(1 minute)","firings":[],"function":"RunKeeperFunction","policy":null,"schedule":"EveryMinute","state":"DISABLED","when_missed":null,"zone":"Europe/Paris"}
    "#);
}

#[tokio::test]
async fn the_built_in_template_passes_from_this_day_on() {
    let ending = Machine::bare().run(&["schedule", "check", "--json"]).await;
    assert_eq!(ending.json_of(0), serde_json::json!({"checked": 12, "failed": 0, "years": 10}));
}

#[tokio::test]
async fn a_firing_at_a_clock_change_without_a_policy_fails_with_its_function_and_dates() {
    let ending = ask_of(&clean_up(""), &["check", "--years", "2"]).await;
    assert_eq!(ending.code, 1, "{ending:?}");
    insta::assert_snapshot!(ending.out, @r"
    CleanUpFunction Nightly: cron(0 2 * * ? *) in Europe/Paris: MEETS 4 CLOCK CHANGES, and the function declares no DstPolicy
      2027-03-28 02:00 is skipped
      2027-10-31 02:00 comes twice
      2028-03-26 02:00 is skipped
      2028-10-29 02:00 comes twice
    Schedules: 1; years: 2; without a policy that they need: 1.
    ");
}

#[tokio::test]
async fn ten_years_are_looked_at_and_the_dates_are_the_last_sundays_of_march_and_october() {
    let ending = ask_of(&clean_up(""), &["check", "--json"]).await;
    let line = ending.out.lines().next().expect("a schedule");
    let schedule: Value = serde_json::from_str(line).expect("JSON");
    let affected = schedule["affected"].as_array().expect("a list");
    assert_eq!((ending.code, affected.len()), (1, 20));
    for change in affected {
        let time: NaiveDateTime = serde_json::from_value(change["times"][0].clone()).expect("a time");
        let at: DateTime<Utc> = serde_json::from_value(change["at"].clone()).expect("a moment");
        let month = if change["kind"] == "gap" { 3 } else { 10 };
        assert_eq!((time.month(), time.weekday(), time.date()), (month, Weekday::Sun, at.date_naive()), "{change}");
        assert!(time.day() > 24, "{change}");
    }
}

#[tokio::test]
async fn a_declared_policy_passes_and_is_shown_and_one_that_aws_does_not_keep_is_an_error() {
    let declared = clean_up("DstPolicy: skip-gap-once-in-overlap");
    let ending = ask_of(&declared, &["check"]).await;
    assert_eq!(ending.code, 0, "{ending:?}");
    insta::assert_snapshot!(ending.out, @r"
    CleanUpFunction Nightly: cron(0 2 * * ? *) in Europe/Paris: meets 20 clock changes, skip-gap-once-in-overlap
    Schedules: 1; years: 10; without a policy that they need: 0.
    ");
    let shown = ask_of(&declared, &["--count", "1"]).await.out;
    assert!(shown.contains("  when clocks change: skip-gap-once-in-overlap\n"), "{shown}");

    let ending = ask_of(&clean_up("DstPolicy: run-twice"), &["check"]).await;
    assert_eq!(ending.code, 1, "{ending:?}");
    insta::assert_snapshot!(ending.err, @r#"almanac: template.yaml: CleanUpFunction, Nightly: DstPolicy: "run-twice" is nothing that EventBridge Scheduler does; expected skip-gap-once-in-overlap"#);
}

#[tokio::test]
async fn a_parameter_that_moves_the_planner_into_the_gap_is_found_out() {
    let ending = ask(&Machine::bare(), &["check", "--years", "3", "--parameter", "MonthlyJobHour=2"]).await;
    assert_eq!(ending.code, 1, "{ending:?}");
    // The planner fires until the 28th, so October's last Sunday is its day in one of three years.
    insta::assert_snapshot!(ending.out, @r"
    CleanupFunction Nightly: cron(0 2 * * ? *) in Europe/Paris: meets 6 clock changes, skip-gap-once-in-overlap
    CostTrackingFunction Budget: cron(0/15 * * * ? *) in UTC: meets no clock change
    CostTrackingFunction Judges: cron(0/10 * * * ? *) in UTC: meets no clock change
    DeploymentMonitorFunction QuarterHourly: cron(0/15 * * * ? *) in UTC: meets no clock change
    GitMonitorFunction HalfHourly: cron(0/30 * * * ? *) in UTC: meets no clock change
    MonthlyInvitationsFunction Daily: cron(0 2 5-28 * ? *) in Europe/Paris: MEETS 4 CLOCK CHANGES, and the function declares no DstPolicy
      2027-03-28 02:00 is skipped
      2028-03-26 02:00 is skipped
      2029-03-25 02:00 is skipped
      2029-10-28 02:00 comes twice
    PerformanceMonitorFunction Archive: cron(1 0/6 * * ? *) in UTC: meets no clock change
    PerformanceMonitorFunction Auth: cron(2 0/6 * * ? *) in UTC: meets no clock change
    PerformanceMonitorFunction Bookings: cron(3 0/6 * * ? *) in UTC: meets no clock change
    PerformanceMonitorFunction Events: cron(0 0/6 * * ? *) in UTC: meets no clock change
    RemindersFunction Hourly: cron(0 * * * ? *) in Europe/Paris: meets 6 clock changes, skip-gap-once-in-overlap
    RunKeeperFunction EveryMinute: rate(1 minute) in Europe/Paris: meets no clock change
    Schedules: 12; years: 3; without a policy that they need: 1.
    ");
    let elsewhere = ["check", "--parameter", "MonthlyJobHour=2", "--parameter", "ScheduleZone=Asia/Kolkata"];
    assert_eq!(ask(&Machine::bare(), &elsewhere).await.code, 0);
}

#[tokio::test]
async fn many_firings_at_one_clock_change_are_one_line() {
    let often = clean_up("").replace("cron(0 2 *", "cron(*/5 * *");
    let ending = ask_of(&often, &["check", "--years", "1"]).await;
    assert_eq!(ending.code, 1, "{ending:?}");
    insta::assert_snapshot!(ending.out, @r"
    CleanUpFunction Nightly: cron(*/5 * * * ? *) in Europe/Paris: MEETS 2 CLOCK CHANGES, and the function declares no DstPolicy
      2027-03-28 12 firings from 02:00 to 02:55 are skipped
      2027-10-31 12 firings from 02:00 to 02:55 come twice
    Schedules: 1; years: 1; without a policy that they need: 1.
    ");
}

#[tokio::test]
async fn a_question_that_cannot_be_meant_is_told_apart_from_a_failed_check() {
    for (question, words) in [
        (["check", "--parameter", "MonthlyJobHuor=2"], "the template has no such parameter"),
        (["check", "--parameter", "MonthlyJobHour"], "expected NAME=VALUE"),
        (["check", "--years", "0"], "0 is not in 1..=50"),
    ] {
        let ending = ask(&Machine::bare(), &question).await;
        assert_eq!(ending.code, 2, "{ending:?}");
        assert!(ending.err.contains(words), "{ending:?}");
    }
    let ending = Machine::bare().run(&["schedule", "check", "--at", "2095-01-01T00:00"]).await;
    assert_eq!(ending.code, 2, "{ending:?}");
    assert!(ending.err.contains("time-zone data ends with 2099"), "{ending:?}");
    let ending = Machine::bare().run(&["schedule", "--at", "2027-03-28T02:30"]).await;
    assert_eq!(ending.code, 2, "{ending:?}");
    assert!(ending.err.contains("does not exist in Europe/Paris"), "{ending:?}");
}
