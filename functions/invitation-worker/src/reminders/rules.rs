//! Who is reminded: the rules, without a database.
//!
//! Each reminder that came due gets exactly one verdict. A first that was decided about in any way counts as handled, and
//! the second is then due in its own time: only a first that went out, or may have, holds the second back.

use chrono::{DateTime, TimeDelta, Utc};
use shared::{
    letters::ReminderKind,
    people::ReminderChannel,
    reminders::{BETWEEN, MOST_LATE, ReminderParameters},
};

use super::earlier::{Earlier, Past};
use crate::{
    eligibility::{SkipReason, hard_obstacle},
    people::User,
    standing::Standing,
};

/// How long a second reminder waits at least. A wait is looked at by one run, that of its hour: one that ended sooner than
/// an hour after it was decided about might be committed when that run has looked already.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

/// What becomes of a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// It is not, for good.
    Skip(SkipReason),
    /// It is not now: it came too soon after the first, and is looked at again from this moment on.
    Wait(DateTime<Utc>),
}

/// What is to be decided about: reminders of one kind, as of a moment.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Which reminders.
    pub kind: ReminderKind,
    /// The run's parameters.
    pub parameters: ReminderParameters,
    /// The later of the run's scheduled time and the business clock's: a run that had to wait must not remind of what has
    /// expired meanwhile, and one that was asked for ahead of its time must not think that nothing is due yet.
    pub moment: DateTime<Utc>,
}

impl Rules {
    /// The rules of a run's reminders, for a worker that decides `now`.
    pub fn new(kind: ReminderKind, parameters: ReminderParameters, now: DateTime<Utc>) -> Self {
        Self { kind, parameters, moment: now.max(parameters.scheduled_at) }
    }

    /// Decides about the reminder of an invitation. `user` is `None` when the user is gone.
    pub fn judge(&self, standing: &Standing, user: Option<&User>, earlier: Earlier) -> Verdict {
        match self.obstacle(standing, user, earlier) {
            Some(reason) => Verdict::Skip(reason),
            None => self.pace(standing, earlier),
        }
    }

    fn obstacle(&self, standing: &Standing, user: Option<&User>, earlier: Earlier) -> Option<SkipReason> {
        if earlier.of(self.kind) != Past::None {
            return Some(SkipReason::AlreadyReminded);
        }
        if let Some(reason) = closed(standing.status) {
            return Some(reason);
        }
        if standing.expires_at <= self.moment {
            return Some(SkipReason::Expired);
        }
        let (Some(user), Some(contact)) = (user, &standing.contact) else { return Some(SkipReason::Gone) };
        if !user.active {
            return Some(SkipReason::UserInactive);
        }
        if let Some(reason) = hard_obstacle(contact) {
            return Some(reason);
        }
        if !user.reminders.wants(self.kind) {
            return Some(SkipReason::SwitchedOff);
        }
        (user.reminders.channel != ReminderChannel::Email).then_some(SkipReason::ChannelUnavailable)
    }

    /// Keeps the two reminders of an invitation in their order, and apart.
    fn pace(&self, standing: &Standing, earlier: Earlier) -> Verdict {
        let due = standing.sent_at + self.parameters.days.delay(self.kind);
        match (self.kind, earlier.first) {
            (ReminderKind::First, _) if self.moment > due + MOST_LATE || earlier.second != Past::None => {
                Verdict::Skip(SkipReason::Superseded)
            }
            (ReminderKind::First, _) => Verdict::Send,
            (ReminderKind::Second, Past::Planned) => self.wait(self.moment),
            (ReminderKind::Second, Past::Went(at)) => self.once(due.max(at + BETWEEN)),
            (ReminderKind::Second, Past::None | Past::DidNotGo) => self.once(due),
        }
    }

    fn once(&self, due: DateTime<Utc>) -> Verdict {
        if self.moment >= due { Verdict::Send } else { self.wait(due) }
    }

    fn wait(&self, due: DateTime<Utc>) -> Verdict {
        Verdict::Wait(due.max(self.moment + LOOK_AGAIN))
    }
}

/// Why an invitation of that status is not reminded of; see the migration for the numbers.
fn closed(status: i64) -> Option<SkipReason> {
    match status {
        0..=3 => None,
        4 => Some(SkipReason::Submitted),
        5 => Some(SkipReason::Expired),
        6 => Some(SkipReason::Bounced),
        _ => Some(SkipReason::InvitationCancelled),
    }
}

#[cfg(test)]
mod tests;
