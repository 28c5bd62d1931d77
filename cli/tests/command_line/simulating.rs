//! `almanac simulate`: a year is over in a few seconds, and every promise was kept in it.

use serde_json::Value;

use crate::support::machine::Machine;

/// Fewer firings than the stack's own, so that the year is over soon.
const TEMPLATE: &str = "
Parameters:
  ScheduleZone: {Type: String, Default: UTC}
Resources:
  CleanupFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties: {Binary: cleanup}
    Properties:
      Events:
        Weekly:
          Type: ScheduleV2
          Properties: {ScheduleExpression: 'cron(0 2 ? * 1 *)', ScheduleExpressionTimezone: !Ref ScheduleZone}
  MonthlyInvitationsFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties: {Binary: monthly-invitations}
    Properties:
      Events:
        Daily:
          Type: ScheduleV2
          Properties: {ScheduleExpression: cron(0 18 5-28 * ? *), ScheduleExpressionTimezone: !Ref ScheduleZone}
  RemindersFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties: {Binary: reminders}
    Properties:
      Events:
        Daily:
          Type: ScheduleV2
          Properties: {ScheduleExpression: 'cron(0 18 * * ? *)', ScheduleExpressionTimezone: !Ref ScheduleZone}
";

async fn simulate(machine: &Machine) -> Value {
    let question = ["simulate", "--year", "2026", "--users", "40", "--contacts", "3", "--template", "template.yaml"];
    machine.run(&[&question[..], &["--json"]].concat()).await.json_of(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_keeps_every_promise_and_is_the_same_each_time() {
    // Where the machine's own records and letters are is none of the simulation's business.
    let machine = Machine::with_records("mysql://nobody@127.0.0.1:1/none".to_owned())
        .sending("smtp://127.0.0.1:1".to_owned())
        .set("SCHEDULER_FIRST_REMINDER_DAYS", "4");
    std::fs::write(machine.folder().join("template.yaml"), TEMPLATE).expect("a file");
    let year = simulate(&machine).await;
    for kept in year["promises"].as_array().expect("promises") {
        assert_eq!(kept["broken"], 0, "{}", kept["promise"]);
    }
    assert_eq!((&year["approved"], &year["contacts"]), (&2.into(), &120.into()), "{year}");
    let invitations = year["invitations"].as_u64().expect("a count");
    assert!((1_200..=1_440).contains(&invitations), "a letter a contact and month, less for those who leave: {year}");
    let page = std::fs::read_to_string(year["report"].as_str().expect("a path")).expect("a page");
    assert!(page.contains("<svg") && page.contains("nobody is forgotten"), "{page}");
    let again = simulate(&machine).await;
    for figure in ["runs", "invitations", "reminders", "answers", "bounces", "leaving"] {
        assert_eq!(again[figure], year[figure], "{figure}");
    }
}
