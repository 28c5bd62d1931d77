//! What a batch's letters are: invitations, or reminders of them.
//!
//! Both are rows of the same shape in tables of their own: an id made of batch and position, `send_state`, `status`,
//! `sent_at`. So batches, claims, ledger and redrive know both by one code, told by the batch's [`LetterKind`].

use std::fmt;

use crate::invitation::InvitationId;

/// A letter's id in its table. An invitation is named by the letter that brings it, so both ids are of one kind.
pub use crate::invitation::InvitationId as LetterId;

/// What the letters of a batch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterKind {
    /// They invite.
    Invitation,
    /// They remind of an invitation.
    Reminder(ReminderKind),
}

/// Which reminder of an invitation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReminderKind {
    /// The first.
    First,
    /// The second, and last.
    Second,
}

/// The text is no kind of letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected invitation, first or second")]
pub struct UnknownKind;

impl LetterKind {
    /// Every kind.
    pub const ALL: [Self; 3] =
        [Self::Invitation, Self::Reminder(ReminderKind::First), Self::Reminder(ReminderKind::Second)];

    /// The word that is stored on a batch and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reminder(kind) => kind.as_str(),
        }
    }

    /// The table in which they are kept.
    pub fn table(self) -> &'static str {
        match self {
            Self::Invitation => "invitations",
            Self::Reminder(_) => "reminders",
        }
    }

    /// Its place in [`Self::ALL`].
    pub fn place(self) -> usize {
        match self {
            Self::Invitation => 0,
            Self::Reminder(ReminderKind::First) => 1,
            Self::Reminder(ReminderKind::Second) => 2,
        }
    }

    /// The kind at a place in [`Self::ALL`].
    pub fn at_place(place: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(place).ok()?).copied()
    }

    /// What the letter about an invitation is called in its headers: `42`, or `42/first`.
    pub fn message(self, invitation: InvitationId) -> String {
        match self {
            Self::Invitation => invitation.to_string(),
            Self::Reminder(kind) => format!("{invitation}/{kind}"),
        }
    }
}

impl fmt::Display for LetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for LetterKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

impl ReminderKind {
    /// The word that people and headers are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }

    /// The number that is stored; see the migration.
    pub fn stored(self) -> i64 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// Reads the stored number.
    pub fn from_stored(number: i64) -> Option<Self> {
        [Self::First, Self::Second].into_iter().find(|kind| kind.stored() == number)
    }
}

impl std::str::FromStr for ReminderKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        [Self::First, Self::Second].into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

impl fmt::Display for ReminderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_and_has_a_message_of_its_own() {
        let mut messages = Vec::new();
        for kind in LetterKind::ALL {
            assert_eq!(LetterKind::ALL[kind.place()], kind);
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(LetterKind::at_place(i64::try_from(kind.place()).expect("few")), Some(kind));
            if let LetterKind::Reminder(reminder) = kind {
                assert_eq!(ReminderKind::from_stored(reminder.stored()), Some(reminder));
            }
            messages.push(kind.message(InvitationId(42)));
        }
        assert_eq!(messages, ["42", "42/first", "42/second"]);
        assert_eq!("third".parse::<LetterKind>(), Err(UnknownKind));
        assert_eq!(ReminderKind::from_stored(0), None);
    }
}
