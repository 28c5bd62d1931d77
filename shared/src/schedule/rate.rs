//! `rate(5 minutes)`: again and again, whatever clocks show.

use std::{fmt, str::FromStr};

use chrono::TimeDelta;

use super::InvalidExpression;

/// An interval between firings. Its first firing is the moment at which the schedule is created or enabled, so that no
/// later one can be told from it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    unit: Unit,
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours, also where clocks make a day one of 23 or 25.
    Day,
}

impl Rate {
    /// The time from one firing to the next.
    pub fn interval(self) -> TimeDelta {
        let count = i64::from(self.count);
        match self.unit {
            Unit::Minute => TimeDelta::minutes(count),
            Unit::Hour => TimeDelta::hours(count),
            Unit::Day => TimeDelta::days(count),
        }
    }
}

/// `every minute`, `every 5 minutes`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
        };
        match self.count {
            1 => write!(f, "every {unit}"),
            count => write!(f, "every {count} {unit}s"),
        }
    }
}

/// From what stands in the brackets: `5 minutes`. EventBridge Scheduler takes both numbers of a unit with any count.
impl FromStr for Rate {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or_else(|| InvalidExpression {
            part: "rate",
            found: text.to_owned(),
            fault: "is no interval",
            expected: "a positive whole number and minutes, hours or days".to_owned(),
        })
    }
}

fn read(text: &str) -> Option<Rate> {
    let (count, unit) = text.split_once(' ')?;
    let unit = match unit {
        "minute" | "minutes" => Unit::Minute,
        "hour" | "hours" => Unit::Hour,
        "day" | "days" => Unit::Day,
        _ => return None,
    };
    // `parse` would let a sign through.
    let count = count.bytes().all(|byte| byte.is_ascii_digit()).then(|| count.parse().ok())??;
    (count > 0).then_some(Rate { count, unit })
}
