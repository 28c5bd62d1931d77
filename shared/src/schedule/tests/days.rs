//! The days that `L`, `W` and `#` mean.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{moment, next, oracle::made_up, schedule};

fn days(of_month: &str, of_week: &str) -> String {
    let firings = next(&format!("cron(0 12 {of_month} * {of_week} *)"), "UTC", "2026-01-01T00:00:00Z", 8);
    let days: Vec<_> = firings.iter().map(|firing| &firing[5..10]).collect();
    days.join(" ")
}

#[test]
fn l_is_the_last_day_of_the_month_and_saturday_of_the_week() {
    insta::assert_snapshot!(days("L", "?"), @"01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31");
    insta::assert_snapshot!(days("?", "L"), @"01-03 01-10 01-17 01-24 01-31 02-07 02-14 02-21");
}

#[test]
fn l_after_a_day_of_the_week_is_the_month_s_last_one() {
    insta::assert_snapshot!(days("?", "6L"), @"01-30 02-27 03-27 04-24 05-29 06-26 07-31 08-28");
    assert_eq!(days("?", "friL"), days("?", "6L"));
}

#[test]
fn w_is_the_nearest_weekday_and_does_not_leave_the_month() {
    // The 1st of February is a Sunday and the 1st of August a Saturday; the 31st of January and of May are a Saturday
    // and a Sunday at the end of their months.
    insta::assert_snapshot!(days("1W", "?"), @"01-01 02-02 03-02 04-01 05-01 06-01 07-01 08-03");
    insta::assert_snapshot!(days("31W", "?"), @"01-30 03-31 05-29 07-31 08-31 10-30 12-31 01-29");
    insta::assert_snapshot!(days("15W", "?"), @"01-15 02-16 03-16 04-15 05-15 06-15 07-15 08-14");
}

#[test]
fn a_hash_counts_the_days_of_that_name() {
    insta::assert_snapshot!(days("?", "3#2"), @"01-13 02-10 03-10 04-14 05-12 06-09 07-14 08-11");
    insta::assert_snapshot!(days("?", "THU#5"), @"01-29 04-30 07-30 10-29 12-31 04-29 07-29 09-30");
}

proptest! {
    #[test]
    fn over_four_years_the_days_are_those_that_a_look_at_each_of_them_finds(made_up in made_up()) {
        let made_up = made_up.at_noon();
        let noon = moment("2025-01-01T12:00:00Z");
        let days: Vec<DateTime<Utc>> = (0..1461).map(|day| noon + TimeDelta::days(day)).collect();
        let schedule = schedule(&made_up.text(), "UTC");
        let firings: Vec<_> = schedule.firings_after(noon - TimeDelta::days(1)).take_while(|at| *at <= days[1460]).collect();
        let found: Vec<_> = days.into_iter().filter(|day| made_up.takes(day.naive_utc())).collect();
        prop_assert_eq!(firings, found, "{}", made_up.text());
    }
}
