//! Which firings of a schedule meet a clock change.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{ClockChange, Schedule, clock_changes};

/// A clock change, and a schedule's times that it skips or shows twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedFirings {
    /// The change.
    pub change: ClockChange,
    /// The schedule's times among those that the change skips or repeats; at least one, in order.
    pub times: Vec<NaiveDateTime>,
}

impl Schedule {
    /// The clock changes after `from`, up to and including `until`, that meet a firing, in order.
    pub fn affected_firings(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> impl Iterator<Item = AffectedFirings> {
        clock_changes(self.zone, from, until).filter_map(move |change| {
            let range = change.times();
            let times: Vec<_> =
                self.expression.wall_times_from(range.start).take_while(|time| *time < range.end).collect();
            (!times.is_empty()).then_some(AffectedFirings { change, times })
        })
    }
}
