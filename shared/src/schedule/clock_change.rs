//! The moments at which a zone's clocks are put forward or back.

use std::{iter, ops::Range};

use chrono::{DateTime, NaiveDateTime, Offset as _, SubsecRound as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// A moment at which clocks are put from one time to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockChange {
    /// The moment.
    pub at: DateTime<Utc>,
    /// What clocks would show without it.
    pub from: NaiveDateTime,
    /// What they show.
    pub to: NaiveDateTime,
}

/// What a clock change does to times of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Clocks go forward: times are skipped.
    Gap,
    /// Clocks go back: times come twice.
    Overlap,
}

impl ClockChange {
    /// Whether times are skipped or come twice.
    pub fn kind(&self) -> Kind {
        if self.from < self.to { Kind::Gap } else { Kind::Overlap }
    }

    /// The times that are skipped, or come twice.
    pub fn times(&self) -> Range<NaiveDateTime> {
        self.from.min(self.to)..self.from.max(self.to)
    }
}

/// The last year of the time-zone data: it knows no clock change after it.
pub const LAST_YEAR: i32 = 2099;

/// How finely changes are looked for. Two that undo each other within it would be missed; there are none so close.
const STEP: TimeDelta = TimeDelta::hours(1);

/// The clock changes of `zone` after `from`, up to and including `until`, in order; none after [`LAST_YEAR`].
pub fn clock_changes(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> impl Iterator<Item = ClockChange> {
    iter::successors(Some(from.trunc_subsecs(0)), |start| start.checked_add_signed(STEP))
        .take_while(move |start| *start < until)
        .filter_map(move |start| change_within(zone, start, (start + STEP).min(until)))
}

fn change_within(zone: Tz, start: DateTime<Utc>, end: DateTime<Utc>) -> Option<ClockChange> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let (before, after) = (offset(start), offset(end));
    if before == after {
        return None;
    }
    // It lies after `unchanged` and not after `changed`; offsets change on whole seconds.
    let (mut unchanged, mut changed) = (start, end.trunc_subsecs(0));
    while changed - unchanged > TimeDelta::seconds(1) {
        let middle = (unchanged + (changed - unchanged) / 2).trunc_subsecs(0);
        if offset(middle) == before {
            unchanged = middle;
        } else {
            changed = middle;
        }
    }
    let utc = changed.naive_utc();
    Some(ClockChange { at: changed, from: utc + before, to: utc + after })
}
