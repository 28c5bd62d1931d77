//! The two fields of cron that say on which days, of which one is left open.

use std::collections::BTreeSet;

use chrono::{Datelike as _, NaiveDate, TimeDelta, Weekday};

use super::{
    InvalidExpression,
    field::{DAY_OF_MONTH, DAY_OF_WEEK, WEEK_OF_MONTH},
};

/// Which days of a month. Days of the week count from Sunday, 1, to Saturday, 7.
///
/// `L`, `W` and `#` stand for themselves alone, not in a list, and not with each other (`LW`): more AWS does not document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    /// `1,15`, `*`: by the day of the month.
    OfMonth(BTreeSet<u32>),
    /// `L` as the day of the month: its last.
    LastOfMonth,
    /// `15W`: the day from Monday to Friday nearest to that day, in the same month; none where the month lacks that day.
    NearestWeekday(u32),
    /// `MON-FRI`, and `L`, Saturday: by the day of the week.
    OfWeek(BTreeSet<u32>),
    /// `6L`: the month's last Friday.
    LastOfWeekday(u32),
    /// `3#2`: the month's second Tuesday.
    NthOfWeekday { weekday: u32, nth: u32 },
}

impl Days {
    /// Reads both fields.
    pub(super) fn parse(of_month: &str, of_week: &str) -> Result<Self, InvalidExpression> {
        match (of_month == "?", of_week == "?") {
            (false, true) => Self::of_month(of_month),
            (true, false) => Self::of_week(of_week),
            _ => Err(InvalidExpression {
                part: "day-of-month and day-of-week",
                found: format!("{of_month} {of_week}"),
                fault: "leave both or neither open",
                expected: "? in one of them".to_owned(),
            }),
        }
    }

    fn of_month(text: &str) -> Result<Self, InvalidExpression> {
        if text.eq_ignore_ascii_case("L") {
            Ok(Self::LastOfMonth)
        } else if let Some(day) = text.strip_suffix(['W', 'w']) {
            DAY_OF_MONTH.number(day).map(Self::NearestWeekday)
        } else {
            DAY_OF_MONTH.numbers(text).map(Self::OfMonth)
        }
    }

    fn of_week(text: &str) -> Result<Self, InvalidExpression> {
        if text.eq_ignore_ascii_case("L") {
            Ok(Self::OfWeek(BTreeSet::from([number(Weekday::Sat)])))
        } else if let Some(weekday) = text.strip_suffix(['L', 'l']) {
            DAY_OF_WEEK.number(weekday).map(Self::LastOfWeekday)
        } else if let Some((weekday, nth)) = text.split_once('#') {
            Ok(Self::NthOfWeekday { weekday: DAY_OF_WEEK.number(weekday)?, nth: WEEK_OF_MONTH.number(nth)? })
        } else {
            DAY_OF_WEEK.numbers(text).map(Self::OfWeek)
        }
    }

    /// Whether that day is one of them.
    pub(super) fn includes(&self, date: NaiveDate) -> bool {
        let (day, weekday) = (date.day(), number(date.weekday()));
        let last = u32::from(date.num_days_in_month());
        match self {
            Self::OfMonth(days) => days.contains(&day),
            Self::LastOfMonth => day == last,
            Self::NearestWeekday(wanted) => date.with_day(*wanted).map(nearest_weekday) == Some(date),
            Self::OfWeek(weekdays) => weekdays.contains(&weekday),
            Self::LastOfWeekday(wanted) => weekday == *wanted && day + 7 > last,
            Self::NthOfWeekday { weekday: wanted, nth } => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
        }
    }
}

fn number(weekday: Weekday) -> u32 {
    weekday.number_from_sunday()
}

/// The day from Monday to Friday that is nearest, without leaving the month.
fn nearest_weekday(date: NaiveDate) -> NaiveDate {
    let (first, last) = (date.day() == 1, date.day() == u32::from(date.num_days_in_month()));
    let days = match date.weekday() {
        Weekday::Sat if first => 2,
        Weekday::Sat => -1,
        Weekday::Sun if last => -2,
        Weekday::Sun => 1,
        _ => 0,
    };
    date + TimeDelta::days(days)
}
