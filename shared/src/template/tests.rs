use serde_json::{Value, json};

use super::{Declared, Given, Template};
use crate::schedule::{DstPolicy, Schedule};

const TEMPLATE: &str = r#"
Parameters:
  Zone: {Type: String, Default: Europe/Paris}
  Hour: {Type: Number, Default: 18}
  Owner: {Type: String}
  Stage: {Type: String, Default: dev}
Mappings:
  Stages:
    dev: {State: DISABLED}
    prod: {State: ENABLED}
Conditions:
  InProd: !Equals [!Ref Stage, prod]
  Elsewhere: !And [!Not [!Condition InProd], !Or [!Equals [a, b], !Equals [a, a]]]
Resources:
  NightlyFunction:
    Type: AWS::Serverless::Function
    Metadata:
      # It mends itself the next night.
      DstPolicy: skip-gap-once-in-overlap
    Properties:
      Events:
        Nightly:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: !Sub cron(0 ${Hour} * * ? *)
            ScheduleExpressionTimezone: !Ref Zone
            State: !FindInMap [Stages, !Ref Stage, State]
        Queue:
          Type: SQS
  HourlyFunction:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Hourly:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 hour)
"#;

fn template() -> Template {
    Template::parse(TEMPLATE).expect("a template")
}

/// What is said of the template with something in the place of something else.
fn problem(what: &str, instead: &str) -> String {
    assert!(TEMPLATE.contains(what), "{what}");
    let template = Template::parse(&TEMPLATE.replacen(what, instead, 1)).expect("a template");
    format!("{:#}", template.schedules(&Given::new()).expect_err("no schedules"))
}

#[test]
fn schedules_are_read_with_defaults_for_what_is_not_given() {
    let declared = |of: [&str; 4], zone, policy| {
        let [function, name, expression, state] = of.map(str::to_owned);
        let schedule = Schedule { expression: expression.parse().expect("an expression"), zone };
        Declared { function, job: String::new(), name, expression, schedule, state, policy, when_missed: None }
    };
    let nightly = ["NightlyFunction", "Nightly", "cron(0 18 * * ? *)", "DISABLED"];
    let hourly = ["HourlyFunction", "Hourly", "rate(1 hour)", "ENABLED"];
    assert_eq!(
        template().schedules(&Given::new()).expect("schedules"),
        [
            declared(nightly, chrono_tz::Europe::Paris, Some(DstPolicy::SkipGapOnceInOverlap)),
            declared(hourly, chrono_tz::UTC, None),
        ]
    );
}

#[test]
fn a_parameter_that_is_given_takes_the_place_of_its_default() {
    let given = Given::from([("Hour", json!("2")), ("Zone", json!("Asia/Kolkata")), ("Stage", json!("prod"))]);
    let schedules = template().schedules(&given).expect("schedules");
    let [nightly, _] = schedules.as_slice() else { panic!("{schedules:?}") };
    assert_eq!((nightly.expression.as_str(), nightly.state.as_str()), ("cron(0 2 * * ? *)", "ENABLED"));
    assert_eq!(nightly.schedule.zone, chrono_tz::Asia::Kolkata);
}

#[test]
fn a_schedule_that_cannot_be_read_is_named_with_what_is_wrong() {
    insta::assert_snapshot!(problem("cron(0 ${Hour}", "cron(0 2${Hour}"), @r#"NightlyFunction, Nightly: cron(0 218 * * ? *): hours: "218" is out of range; expected a number from 0 to 23"#);
    insta::assert_snapshot!(problem("${Hour}", "${Houre}"), @"NightlyFunction, Nightly: ScheduleExpression: there is neither a parameter nor a resource Houre");
    insta::assert_snapshot!(problem("!Ref Zone", "!Ref Owner"), @"NightlyFunction, Nightly: ScheduleExpressionTimezone: the parameter Owner has no default, and is not given");
    insta::assert_snapshot!(problem("Default: Europe/Paris", "Default: Europe/Pari"), @"NightlyFunction, Nightly: Europe/Pari is no zone of the IANA database");
    insta::assert_snapshot!(problem("[Stages, ", "[Steps, "), @"NightlyFunction, Nightly: State: Steps/dev/State is in no mapping");
    insta::assert_snapshot!(problem("skip-gap-once-in-overlap", "run-twice"), @r#"NightlyFunction, Nightly: DstPolicy: "run-twice" is nothing that EventBridge Scheduler does; expected skip-gap-once-in-overlap"#);
}

#[test]
fn a_schedule_of_a_kind_that_is_not_read_does_not_pass_unseen() {
    insta::assert_snapshot!(problem("Type: ScheduleV2", "Type: Schedule"), @"NightlyFunction, Nightly: a rule's schedule has no zone: the type is ScheduleV2");
    insta::assert_snapshot!(problem("State: !Find", "EndDate: 2027-01-01T00:00:00Z\n            State: !Find"), @"NightlyFunction, Nightly: EndDate is not read here");
    let apart = "Resources:\n  Alone: {Type: AWS::Scheduler::Schedule}";
    insta::assert_snapshot!(problem("Resources:", apart), @"Alone: a schedule stands in its function's block, as an event of the type ScheduleV2");
}

#[test]
fn conditions_and_the_functions_over_texts_come_to_what_cloudformation_makes_of_them() {
    let template = template();
    let given = Given::new();
    let of = |value: Value| template.resolve(&value, &given).expect("a value");
    assert_eq!(of(json!({"Fn::If": ["InProd", 1, {"Ref": "Hour"}]})), 18);
    assert_eq!(of(json!({"Fn::If": ["Elsewhere", "yes", "no"]})), "yes");
    assert_eq!(of(json!({"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Zone"}]}]})), "Paris");
    assert_eq!(of(json!({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]})), "a-dev");
    assert_eq!(of(json!([{"Ref": "AWS::NoValue"}, {"Ref": "AWS::Region"}])), json!([null, "AWS::Region"]));
    assert_eq!(of(json!({"Fn::GetAtt": ["NightlyFunction", "Arn"]})), "NightlyFunction");
    for wrong in [json!({"Fn::Sub": "${Hour"}), json!({"Fn::If": ["Never", 1, 2]}), json!({"Fn::Select": [9, ["a"]]})] {
        assert!(template.resolve(&wrong, &given).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_no_template_is_refused() {
    for text in ["", "a: [", "a: 1\n---\nb: 2", "Parameters: {}"] {
        assert!(Template::parse(text).is_err(), "{text:?}");
    }
}
