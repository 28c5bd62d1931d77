//! `cron(…)`, `rate(…)` or `at(…)`.

use std::str::FromStr;

use chrono::NaiveDateTime;

use super::{Cron, Rate};

/// When a schedule fires, by the clocks of its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Whenever clocks show what its fields say: `cron(0 18 5-28 * ? *)`.
    Cron(Cron),
    /// After every interval: `rate(5 minutes)`.
    Rate(Rate),
    /// Once: `at(2026-11-05T18:00:00)`. What AWS says of clock changes it says of cron; the same is taken to hold here.
    At(NaiveDateTime),
}

/// A text that is no expression: which part of it, what is wrong, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {found:?} {fault}; expected {expected}")]
pub struct InvalidExpression {
    /// The kind of expression or the field of cron.
    pub part: &'static str,
    /// What stands there.
    pub found: String,
    /// What is wrong with it.
    pub fault: &'static str,
    /// What may stand there.
    pub expected: String,
}

impl Expression {
    /// The dates and times from `from` on (that one included) at which clocks would have to show for it to fire, in order,
    /// whether or not they ever do. A rate has none.
    pub(super) fn wall_times_from(&self, from: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let (cron, at) = match self {
            Self::Cron(cron) => (Some(cron), None),
            Self::At(at) => (None, Some(*at)),
            Self::Rate(_) => (None, None),
        };
        let once = at.filter(|at| *at >= from);
        cron.into_iter().flat_map(move |cron| cron.wall_times_from(from)).chain(once)
    }
}

impl FromStr for Expression {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some(("cron", fields)) => fields.parse().map(Self::Cron),
            Some(("rate", interval)) => interval.parse().map(Self::Rate),
            Some(("at", time)) => date_and_time(time).map(Self::At),
            _ => Err(InvalidExpression {
                part: "expression",
                found: text.to_owned(),
                fault: "is none",
                expected: "cron(…), rate(…) or at(…)".to_owned(),
            }),
        }
    }
}

fn date_and_time(text: &str) -> Result<NaiveDateTime, InvalidExpression> {
    const SHAPE: &str = "%Y-%m-%dT%H:%M:%S";
    let read = NaiveDateTime::parse_from_str(text, SHAPE).ok();
    // The parser also takes digits that are missing and a sign; EventBridge Scheduler does not.
    read.filter(|time| time.format(SHAPE).to_string() == text).ok_or_else(|| InvalidExpression {
        part: "at",
        found: text.to_owned(),
        fault: "is no date and time",
        expected: "yyyy-mm-ddThh:mm:ss".to_owned(),
    })
}
