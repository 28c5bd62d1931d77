//! Reminders of invitations: what their planner fixes and their workers go by.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::letters::ReminderKind;

/// The job that runs them.
pub const JOB: &str = "reminders";

/// How long the second reminder leaves after the first.
pub const BETWEEN: TimeDelta = TimeDelta::days(3);

/// What a run of the reminders must not see change under it.
///
/// A run looks at every reminder that came due after the run before it and until its own scheduled time; so a missed hour
/// is made good by the next, and each due moment is looked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderParameters {
    /// The firing's scheduled time: what is due until then is taken.
    pub scheduled_at: DateTime<Utc>,
    /// What was due until then an earlier run has taken.
    pub after: DateTime<Utc>,
    /// How many days after its invitation the first reminder is due.
    pub first_days: u32,
    /// How many days after its invitation the second reminder is due, more than for the first; and from then on a first
    /// that was not sent is superseded.
    pub second_days: u32,
}

/// A stretch of time, without its beginning and with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// It begins after this moment.
    pub after: DateTime<Utc>,
    /// It ends with this moment.
    pub until: DateTime<Utc>,
}

impl ReminderParameters {
    /// How long after its invitation a reminder of this kind is due.
    pub fn delay(&self, kind: ReminderKind) -> TimeDelta {
        TimeDelta::days(match kind {
            ReminderKind::First => self.first_days.into(),
            ReminderKind::Second => self.second_days.into(),
        })
    }

    /// When the run's due moments lie.
    pub fn due(&self) -> Stretch {
        Stretch { after: self.after, until: self.scheduled_at }
    }

    /// When the invitations were sent of which reminders of this kind came due.
    pub fn sent(&self, kind: ReminderKind) -> Stretch {
        let delay = self.delay(kind);
        Stretch { after: self.after - delay, until: self.scheduled_at - delay }
    }
}
