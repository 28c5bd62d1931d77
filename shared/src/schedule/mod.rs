//! When a schedule of EventBridge Scheduler fires.
//!
//! A [`Schedule`] is an [`Expression`] and the zone whose clocks it is read by. Everything here does what AWS documents in
//! [Schedule types in EventBridge Scheduler][types]; what a clock change does to a firing is decided by [`WallTime`] alone:
//! a time of day that is skipped in spring does not fire, one that comes twice in autumn fires once, and so says
//! [re:Post][dst] too. Of the two times in autumn AWS does not say which one it is; here it is the first, as for
//! `almanac run --at`. A rate counts hours that have passed, and knows no clock.
//!
//! [types]: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
//! [dst]: https://repost.aws/knowledge-center/eventbridge-scheduler-adjust-dst

mod affected;
mod clock_change;
mod cron;
mod days;
mod expression;
mod field;
mod policy;
mod rate;
mod wall_time;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use self::{
    affected::AffectedFirings,
    clock_change::{ClockChange, Kind, LAST_YEAR, clock_changes},
    cron::Cron,
    expression::{Expression, InvalidExpression},
    policy::{DstPolicy, UnknownPolicy},
    rate::Rate,
    wall_time::WallTime,
};

/// An expression, and the zone whose clocks it is read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When it fires, by those clocks.
    pub expression: Expression,
    /// The zone.
    pub zone: Tz,
}

impl Schedule {
    /// The moments after `after` (that one excluded) at which it fires, each later than the one before.
    ///
    /// They come to an end: with the expression's years, after an `at`, and at once for a rate, whose firings hang on the
    /// moment at which somebody created it.
    pub fn firings_after(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let from = after.with_timezone(&self.zone).naive_local();
        // In the second half of an overlap wall times follow whose first, and only, firing has passed.
        self.expression
            .wall_times_from(from)
            .filter_map(|time| WallTime::of(time, self.zone).firing())
            .filter(move |firing| *firing > after)
    }
}
