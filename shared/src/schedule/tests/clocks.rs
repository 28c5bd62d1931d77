//! Firings where clocks change, by examples whose dates are known.

use chrono::Datelike as _;

use super::{
    super::{Kind, LAST_YEAR, clock_changes},
    moment, next, schedule,
};

#[test]
fn a_firing_in_the_gap_is_skipped_and_the_next_day_s_comes_as_usual() {
    insta::assert_debug_snapshot!(next("cron(30 2 * * ? *)", "America/New_York", "2022-03-12T00:00:00Z", 3), @r#"
    [
        "2022-03-12 02:30 -05:00",
        "2022-03-14 02:30 -04:00",
        "2022-03-15 02:30 -04:00",
    ]
    "#);
}

#[test]
fn a_firing_in_the_overlap_comes_once_at_its_first_time() {
    insta::assert_debug_snapshot!(next("cron(0 2 * * ? *)", "Europe/Paris", "2026-10-24T12:00:00Z", 2), @r#"
    [
        "2026-10-25 02:00 +02:00",
        "2026-10-26 02:00 +01:00",
    ]
    "#);
}

#[test]
fn an_hourly_schedule_leaves_an_hour_out_in_autumn() {
    insta::assert_debug_snapshot!(next("cron(0 * * * ? *)", "Europe/Paris", "2026-10-24T23:30:00Z", 3), @r#"
    [
        "2026-10-25 02:00 +02:00",
        "2026-10-25 03:00 +01:00",
        "2026-10-25 04:00 +01:00",
    ]
    "#);
}

#[test]
fn half_an_hour_is_a_clock_change_too() {
    let howe = |after: &str| next("cron(*/15 * * * ? *)", "Australia/Lord_Howe", after, 4);
    insta::assert_debug_snapshot!(howe("2027-10-02T15:10:00Z"), @r#"
    [
        "2027-10-03 01:45 +10:30",
        "2027-10-03 02:30 +11:00",
        "2027-10-03 02:45 +11:00",
        "2027-10-03 03:00 +11:00",
    ]
    "#);
}

#[test]
fn clocks_in_paris_change_on_the_last_sundays_of_march_and_october_at_one_utc() {
    let changes: Vec<_> =
        clock_changes(chrono_tz::Europe::Paris, moment("2026-11-26T12:00:00Z"), moment("2036-11-26T12:00:00Z"))
            .collect();
    assert_eq!(changes.len(), 20);
    for change in changes {
        let (month, kind) = (change.at.month(), change.kind());
        assert!(matches!((month, kind), (3, Kind::Gap) | (10, Kind::Overlap)), "{change:?}");
        assert_eq!((change.at.weekday(), change.at.day() > 24), (chrono::Weekday::Sun, true), "{change:?}");
        assert_eq!(change.at.format("%H:%M:%S").to_string(), "01:00:00");
    }
}

#[test]
fn the_end_of_the_time_asked_for_counts_and_its_beginning_does_not() {
    let paris = chrono_tz::Europe::Paris;
    let (change, hour) = (moment("2027-03-28T01:00:00Z"), chrono::TimeDelta::hours(1));
    assert_eq!(clock_changes(paris, change - hour * 5, change).count(), 1);
    assert_eq!(clock_changes(paris, change - hour / 3600, change).count(), 1);
    assert_eq!(clock_changes(paris, change, change + hour * 5).count(), 0);
    assert_eq!(clock_changes(paris, change - hour * 5, change - hour / 3600).count(), 0);
}

#[test]
fn clock_changes_are_known_to_the_end_of_the_last_year_and_no_further() {
    let from = |year: i32| moment(&format!("{year}-01-01T00:00:00Z"));
    let in_year = |year| clock_changes(chrono_tz::Europe::Paris, from(year), from(year + 1)).count();
    assert_eq!([LAST_YEAR - 1, LAST_YEAR, LAST_YEAR + 1].map(in_year), [2, 2, 0]);
}

#[test]
fn what_a_change_skips_or_repeats_is_told_with_it() {
    let schedule = schedule("cron(0,30 2-3 * * ? *)", "Europe/Paris");
    let affected = schedule.affected_firings(moment("2026-11-26T12:00:00Z"), moment("2027-11-26T12:00:00Z"));
    let said: Vec<_> = affected
        .map(|affected| {
            let times: Vec<_> = affected.times.iter().map(|time| time.format("%d %H:%M").to_string()).collect();
            format!("{:?}: {}", affected.change.kind(), times.join(", "))
        })
        .collect();
    assert_eq!(said, ["Gap: 28 02:00, 28 02:30", "Overlap: 31 02:00, 31 02:30"]);
}
