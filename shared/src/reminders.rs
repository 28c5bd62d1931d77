//! Reminders of invitations: what their planner fixes and their workers go by.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{letters::ReminderKind, records::never};

/// The job that runs them.
pub const JOB: &str = "reminders";

/// How long the second reminder leaves after the first.
pub const BETWEEN: TimeDelta = TimeDelta::days(3);

/// How late a first reminder may come: one that is later is superseded. The first run there ever is looks back no further
/// either, so that whoever switches reminders on reminds nobody of what is long past.
pub const MOST_LATE: TimeDelta = TimeDelta::days(4);

/// How many days after its invitation each reminder is due: the second later than the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderDays {
    /// The first.
    pub first: u32,
    /// The second.
    pub second: u32,
}

impl ReminderDays {
    /// How long after its invitation a reminder of this kind is due.
    pub fn delay(self, kind: ReminderKind) -> TimeDelta {
        TimeDelta::days(match kind {
            ReminderKind::First => self.first.into(),
            ReminderKind::Second => self.second.into(),
        })
    }
}

/// What a run of the reminders must not see change under it.
///
/// A run looks at whatever came due after the run before it and until its own scheduled time. Where it begins is what the
/// run before wrote down, for each kind by itself: so a missed hour is made good by the next, fewer days leave nothing out
/// of what was sent in between, and more days have nothing looked at twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderParameters {
    /// The firing's scheduled time: what is due until then is taken.
    pub scheduled_at: DateTime<Utc>,
    /// After how many days reminders are due.
    pub days: ReminderDays,
    /// When the invitations were sent of which a first reminder came due.
    pub first: Stretch,
    /// When the invitations were sent of which a second reminder came due.
    pub second: Stretch,
    /// When the second reminders may go that had to wait.
    pub waited: Stretch,
}

/// A stretch of time, without its beginning and with its end; nothing when that is the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// It begins after this moment.
    pub after: DateTime<Utc>,
    /// It ends with this moment.
    pub until: DateTime<Utc>,
}

impl Stretch {
    /// The stretch after one moment and until another; nothing, where that comes before.
    pub fn between(after: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { after, until: until.max(after) }
    }
}

impl ReminderParameters {
    /// Those of a run before which there was none: what came due lately is taken, and whatever waits.
    pub fn of_first_run(scheduled_at: DateTime<Utc>, days: ReminderDays) -> Self {
        let lately = |kind| {
            let until = scheduled_at - days.delay(kind);
            Stretch::between(until - MOST_LATE, until)
        };
        Self {
            scheduled_at,
            days,
            first: lately(ReminderKind::First),
            second: lately(ReminderKind::Second),
            waited: Stretch::between(never(), scheduled_at),
        }
    }

    /// Those of the run that comes after this one: each stretch goes on where this one's ended.
    #[must_use]
    pub fn next(&self, scheduled_at: DateTime<Utc>, days: ReminderDays) -> Self {
        let since = |kind| Stretch::between(self.sent(kind).until, scheduled_at - days.delay(kind));
        Self {
            scheduled_at,
            days,
            first: since(ReminderKind::First),
            second: since(ReminderKind::Second),
            waited: Stretch::between(self.waited.until, scheduled_at),
        }
    }

    /// When the invitations were sent of which reminders of this kind came due.
    pub fn sent(&self, kind: ReminderKind) -> Stretch {
        match kind {
            ReminderKind::First => self.first,
            ReminderKind::Second => self.second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        never() + TimeDelta::days(1_000 + day)
    }

    fn days(first: u32, second: u32) -> ReminderDays {
        ReminderDays { first, second }
    }

    fn stretch(after: i64, until: i64) -> Stretch {
        Stretch { after: day(after), until: day(until) }
    }

    #[test]
    fn a_first_run_looks_back_over_what_may_still_be_sent_and_no_further() {
        let run = ReminderParameters::of_first_run(day(100), days(3, 7));
        assert_eq!((run.first, run.second), (stretch(93, 97), stretch(89, 93)));
        assert_eq!(run.waited, Stretch { after: never(), until: day(100) });
    }

    #[test]
    fn a_run_goes_on_where_the_one_before_it_ended() {
        let run = ReminderParameters::of_first_run(day(100), days(3, 7)).next(day(110), days(3, 7));
        assert_eq!((run.first, run.second, run.waited), (stretch(97, 107), stretch(93, 103), stretch(100, 110)));
    }

    #[test]
    fn fewer_days_take_what_was_sent_in_between_along() {
        let run = ReminderParameters::of_first_run(day(100), days(3, 7)).next(day(101), days(1, 2));
        assert_eq!((run.first, run.second), (stretch(97, 100), stretch(93, 99)));
    }

    #[test]
    fn more_days_look_at_nothing_until_what_was_not_looked_at_is_old_enough() {
        let before = ReminderParameters::of_first_run(day(100), days(3, 7));
        let run = before.next(day(101), days(5, 30));
        assert_eq!((run.first, run.second), (stretch(97, 97), stretch(93, 93)));
        let later = run.next(day(103), days(5, 30));
        assert_eq!((later.first, later.second), (stretch(97, 98), stretch(93, 93)));
    }
}
