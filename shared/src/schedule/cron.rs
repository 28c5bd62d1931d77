//! `cron(minutes hours day-of-month month day-of-week year)`.

use std::{collections::BTreeSet, str::FromStr};

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime};

use super::{
    InvalidExpression,
    days::Days,
    field::{HOURS, MINUTES, MONTH, YEAR},
};

/// The six fields, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    days: Days,
    months: BTreeSet<u32>,
    years: BTreeSet<u32>,
}

impl Cron {
    /// The dates and times from `from` on that its fields name, in order. They are looked for day by day, and no further
    /// than its last year.
    pub(super) fn wall_times_from(&self, from: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let last = self.years.last().copied();
        from.date()
            .iter_days()
            .take_while(move |date| year(*date) <= last)
            .filter(move |date| self.names(*date))
            .flat_map(move |date| self.times().map(move |time| date.and_time(time)))
            .skip_while(move |time| *time < from)
    }

    fn names(&self, date: NaiveDate) -> bool {
        let in_year = year(date).is_some_and(|year| self.years.contains(&year));
        in_year && self.months.contains(&date.month()) && self.days.includes(date)
    }

    fn times(&self) -> impl Iterator<Item = NaiveTime> {
        let of_hour =
            move |hour: u32| self.minutes.iter().filter_map(move |minute| NaiveTime::from_hms_opt(hour, *minute, 0));
        self.hours.iter().copied().flat_map(of_hour)
    }
}

/// None before the year 0.
fn year(date: NaiveDate) -> Option<u32> {
    u32::try_from(date.year()).ok()
}

/// From what stands in the brackets: `0 18 5-28 * ? *`.
impl FromStr for Cron {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let &[minutes, hours, day_of_month, month, day_of_week, year] = fields.as_slice() else {
            return Err(InvalidExpression {
                part: "cron",
                found: text.to_owned(),
                fault: "does not have six fields",
                expected: "minutes hours day-of-month month day-of-week year".to_owned(),
            });
        };
        Ok(Self {
            minutes: MINUTES.numbers(minutes)?,
            hours: HOURS.numbers(hours)?,
            days: Days::parse(day_of_month, day_of_week)?,
            months: MONTH.numbers(month)?,
            years: YEAR.numbers(year)?,
        })
    }
}
