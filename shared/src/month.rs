//! The month of an invitation cycle.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A calendar month, `2026-11`; stored as 202611.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: i32,
    month: u32,
}

/// A text that is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a month such as 2026-11")]
pub struct InvalidMonth;

impl Month {
    /// The month of `moment` as people in `zone` would say it.
    pub fn of(moment: DateTime<Utc>, zone: Tz) -> Self {
        let local = moment.with_timezone(&zone);
        Self { year: local.year(), month: local.month() }
    }

    /// How it is stored.
    pub fn number(self) -> i64 {
        i64::from(self.year) * 100 + i64::from(self.month)
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let read = Self { year: year.parse().or(Err(InvalidMonth))?, month: month.parse().or(Err(InvalidMonth))? };
        let sensible = (1970..=9999).contains(&read.year) && (1..=12).contains(&read.month);
        if sensible { Ok(read) } else { Err(InvalidMonth) }
    }
}

impl TryFrom<String> for Month {
    type Error = InvalidMonth;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_is_the_schedules_own_not_utcs() {
        let last_minutes: DateTime<Utc> = "2026-11-30T23:30:00Z".parse().expect("a time");
        assert_eq!(Month::of(last_minutes, chrono_tz::Europe::Paris).to_string(), "2026-12");
        assert_eq!(Month::of(last_minutes, chrono_tz::UTC).to_string(), "2026-11");
    }

    #[test]
    fn a_month_is_read_back_as_it_was_written() {
        for text in ["2026-11", "1999-01"] {
            let month: Month = text.parse().expect("a month");
            assert_eq!(month.to_string(), text);
        }
        assert_eq!("2027-01".parse::<Month>().expect("a month").previous().to_string(), "2026-12");
        for text in ["", "2026", "2026-13", "2026-00", "x-1"] {
            assert!(text.parse::<Month>().is_err(), "{text:?}");
        }
    }
}
