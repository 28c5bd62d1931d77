//! What is an expression, and what is said of a text that is none.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{super::Expression, next};

fn problem(text: &str) -> String {
    text.parse::<Expression>().expect_err("no expression").to_string()
}

#[test]
fn what_is_wrong_is_said_with_its_field_and_what_was_expected() {
    insta::assert_snapshot!(problem("5 minutes"), @r#"expression: "5 minutes" is none; expected cron(…), rate(…) or at(…)"#);
    insta::assert_snapshot!(problem("cron(0 18 5-28 * ?)"), @r#"cron: "0 18 5-28 * ?" does not have six fields; expected minutes hours day-of-month month day-of-week year"#);
    insta::assert_snapshot!(problem("cron(0 18 5-28 * * *)"), @r#"day-of-month and day-of-week: "5-28 *" leave both or neither open; expected ? in one of them"#);
    insta::assert_snapshot!(problem("cron(0 18 ? * ? *)"), @r#"day-of-month and day-of-week: "? ?" leave both or neither open; expected ? in one of them"#);
    insta::assert_snapshot!(problem("cron(60 18 ? * 1 *)"), @r#"minutes: "60" is out of range; expected a number from 0 to 59"#);
    insta::assert_snapshot!(problem("cron(0 +2 * * ? *)"), @r#"hours: "+2" is not understood; expected a number from 0 to 23"#);
    insta::assert_snapshot!(problem("cron(0 18 28-5 * ? *)"), @r#"day-of-month: "28-5" runs backwards; expected the lesser one first"#);
    insta::assert_snapshot!(problem("cron(0 18 1,,2 * ? *)"), @r#"day-of-month: "" is not understood; expected a number from 1 to 31"#);
    insta::assert_snapshot!(problem("cron(0 18 LW * ? *)"), @r#"day-of-month: "L" is not understood; expected a number from 1 to 31"#);
    insta::assert_snapshot!(problem("cron(0 18 1 JANUARY ? *)"), @r#"month: "JANUARY" is not understood; expected a number from 1 to 12 or a name such as JAN"#);
    insta::assert_snapshot!(problem("cron(0 18 ? * 3#1,6#3 *)"), @r#"day-of-week, after #: "1,6#3" is not understood; expected a number from 1 to 5"#);
    insta::assert_snapshot!(problem("cron(0 18 ? * 2/2 *)"), @r#"day-of-week: "/2" is a step; expected none in this field"#);
    insta::assert_snapshot!(problem("cron(0/0 18 ? * 2 *)"), @r#"minutes: "0" is no step; expected a number from 1 to 59"#);
    insta::assert_snapshot!(problem("cron(0 18 1 * ? 1969)"), @r#"year: "1969" is out of range; expected a number from 1970 to 2199"#);
    insta::assert_snapshot!(problem("rate(0 minutes)"), @r#"rate: "0 minutes" is no interval; expected a positive whole number and minutes, hours or days"#);
    insta::assert_snapshot!(problem("rate(5 weeks)"), @r#"rate: "5 weeks" is no interval; expected a positive whole number and minutes, hours or days"#);
    insta::assert_snapshot!(problem("at(2026-11-05 18:00)"), @r#"at: "2026-11-05 18:00" is no date and time; expected yyyy-mm-ddThh:mm:ss"#);
    insta::assert_snapshot!(problem("at(2026-11-5T18:00:00)"), @r#"at: "2026-11-5T18:00:00" is no date and time; expected yyyy-mm-ddThh:mm:ss"#);
}

#[test]
fn a_rate_is_an_interval_that_no_clock_changes_and_has_no_firings_of_its_own() {
    let rates = [
        ("rate(1 minute)", "every minute", TimeDelta::minutes(1)),
        ("rate(5 minutes)", "every 5 minutes", TimeDelta::minutes(5)),
        ("rate(1 hours)", "every hour", TimeDelta::hours(1)),
        ("rate(2 day)", "every 2 days", TimeDelta::hours(48)),
    ];
    for (text, said, interval) in rates {
        let Ok(Expression::Rate(rate)) = text.parse() else { panic!("{text}") };
        assert_eq!((rate.to_string().as_str(), rate.interval()), (said, interval));
        assert!(next(text, "Europe/Paris", "2027-03-27T00:00:00Z", 1).is_empty());
    }
}

#[test]
fn lists_ranges_steps_and_names_are_what_they_say() {
    let of = |expression: &str| next(expression, "UTC", "2026-01-01T00:00:00Z", 4).join(", ").replace(" +00:00", "");
    insta::assert_snapshot!(of("cron(5,50/5 22-23 * * ? *)"), @"2026-01-01 22:05, 2026-01-01 22:50, 2026-01-01 22:55, 2026-01-01 23:05");
    insta::assert_snapshot!(of("cron(0 */9 * * ? *)"), @"2026-01-01 09:00, 2026-01-01 18:00, 2026-01-02 00:00, 2026-01-02 09:00");
    insta::assert_snapshot!(of("cron(0 8-20/6 1 feb,Mar ? *)"), @"2026-02-01 08:00, 2026-02-01 14:00, 2026-02-01 20:00, 2026-03-01 08:00");
    insta::assert_snapshot!(of("cron(15 10 ? * MON-FRI 2027/100)"), @"2027-01-01 10:15, 2027-01-04 10:15, 2027-01-05 10:15, 2027-01-06 10:15");
}

#[test]
fn what_never_fires_again_comes_to_an_end() {
    for expression in ["cron(0 0 30 2 ? *)", "cron(0 0 1 1 ? 2020)", "at(2026-11-05T18:00:00)"] {
        let firings = next(expression, "Europe/Paris", "2026-11-26T12:00:00Z", 1);
        assert!(firings.is_empty(), "{expression}: {firings:?}");
    }
}

#[test]
fn at_fires_once_and_not_in_a_gap() {
    let of = |expression: &str| next(expression, "Europe/Paris", "2026-01-01T00:00:00Z", 2);
    assert_eq!(of("at(2026-11-05T18:00:00)"), ["2026-11-05 18:00 +01:00"]);
    assert_eq!(of("at(2026-10-25T02:30:00)"), ["2026-10-25 02:30 +02:00"]);
    assert!(of("at(2026-03-29T02:30:00)").is_empty());
}

proptest! {
    #[test]
    fn no_text_is_too_much_for_the_reader(text in ".*", fields in "[0-9A-Z*?/,#W -]{0,40}") {
        text.parse::<Expression>().ok();
        format!("cron({fields})").parse::<Expression>().ok();
        format!("rate({fields})").parse::<Expression>().ok();
        format!("at({fields})").parse::<Expression>().ok();
    }
}
