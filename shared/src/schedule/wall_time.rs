//! What a time of day comes to in a zone, and whether it fires: the one place that decides about clock changes.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;

/// How often the clocks of a zone show a date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallTime {
    /// Once, at that moment.
    Once(DateTime<Utc>),
    /// Never: clocks are put forward over it.
    Skipped,
    /// Twice: clocks are put back over it.
    Twice {
        /// The earlier moment.
        first: DateTime<Utc>,
        /// The later moment.
        second: DateTime<Utc>,
    },
}

impl WallTime {
    /// When the clocks of `zone` show `time`.
    pub fn of(time: NaiveDateTime, zone: Tz) -> Self {
        match zone.from_local_datetime(&time) {
            MappedLocalTime::Single(moment) => Self::Once(moment.to_utc()),
            MappedLocalTime::Ambiguous(first, second) => Self::Twice { first: first.to_utc(), second: second.to_utc() },
            MappedLocalTime::None => Self::Skipped,
        }
    }

    /// The moment at which a schedule of that time fires, as EventBridge Scheduler does: not at all at a time that is
    /// skipped, and once, at the first, at one that comes twice.
    pub fn firing(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Once(moment) | Self::Twice { first: moment, .. } => Some(moment),
            Self::Skipped => None,
        }
    }
}
