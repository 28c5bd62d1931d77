//! An invitation: one contact, one month, one mail.

use std::fmt;

/// The most positions of one batch; an invitation's id is its batch's times this, plus its position.
pub const POSITIONS: i64 = 65_536;

/// An invitation's id: a batch and a position in it. So a batch's rows lie together in the primary key, a claim is a
/// range of it, and no id is ever asked of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvitationId(pub i64);

impl InvitationId {
    /// The invitation at `position` of `batch`.
    pub fn new(batch: i64, position: u32) -> Self {
        Self(batch * POSITIONS + i64::from(position))
    }

    /// The batch that sends it.
    pub fn batch(self) -> i64 {
        self.0 / POSITIONS
    }

    /// Where it stands in its batch.
    pub fn position(self) -> u32 {
        u32::try_from(self.0 % POSITIONS).unwrap_or_default()
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What our sending has come to. That one is *sending* is not stored: it is planned, and under an open claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendState {
    /// Not sent yet.
    Planned,
    /// A provider accepted it.
    Sent,
    /// Definitely not accepted, for good.
    Failed,
    /// Handed to a provider, and nothing is known of the result.
    InDoubt,
    /// Its run was cancelled first.
    Cancelled,
    /// It had been in doubt, and its provider, which spoke of all letters around it, never spoke of it: it has failed, unless
    /// something is heard of it after all. See [`crate::claims::silence`].
    NotTaken,
}

impl SendState {
    /// Reads the stored number; see the migration that makes the table.
    pub fn from_stored(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Planned,
            2 => Self::Sent,
            3 => Self::Failed,
            4 => Self::InDoubt,
            5 => Self::Cancelled,
            6 => Self::NotTaken,
            _ => return None,
        })
    }

    /// The number that is stored.
    pub fn stored(self) -> i64 {
        match self {
            Self::Planned => 0,
            Self::Sent => 2,
            Self::Failed => 3,
            Self::InDoubt => 4,
            Self::Cancelled => 5,
            Self::NotTaken => 6,
        }
    }

    /// The word that people are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::InDoubt => "in doubt",
            Self::Cancelled => "cancelled",
            Self::NotTaken => "not taken by its provider",
        }
    }
}

/// How far an invitation has come, in the domain's own words. It only moves forward, and this is the order: what bounced
/// and was opened all the same has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Not sent yet.
    Queued,
    /// A provider took it.
    Sent,
    /// It did not arrive.
    Bounced,
    /// It was looked at.
    Opened,
    /// The form was begun.
    Started,
    /// Its time is over.
    Expired,
    /// The form was sent in.
    Submitted,
    /// It was taken back before it was sent.
    Cancelled,
}

impl Status {
    /// Every status, by the number that is stored.
    const STORED: [Self; 8] = [
        Self::Queued,
        Self::Sent,
        Self::Opened,
        Self::Started,
        Self::Submitted,
        Self::Expired,
        Self::Bounced,
        Self::Cancelled,
    ];

    /// Reads the stored number; see the migration that makes the table.
    pub fn from_stored(number: i64) -> Option<Self> {
        Self::STORED.get(usize::try_from(number).ok()?).copied()
    }

    /// The number that is stored.
    pub fn stored(self) -> i64 {
        (0..).zip(Self::STORED).find(|(_, status)| *status == self).map_or(0, |(number, _)| number)
    }

    /// The word that people are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Bounced => "bounced",
            Self::Opened => "opened",
            Self::Started => "started",
            Self::Expired => "expired",
            Self::Submitted => "submitted",
            Self::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_gives_back_its_batch_and_position(batch in 1..(i64::MAX / POSITIONS), position in 0..65_536_u32) {
            let id = InvitationId::new(batch, position);
            prop_assert_eq!((id.batch(), id.position()), (batch, position));
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        for number in 0..8 {
            assert_eq!(Status::from_stored(number).map(Status::stored), Some(number));
        }
        assert_eq!((Status::from_stored(8), Status::from_stored(-1)), (None, None));
        for state in [0, 2, 3, 4, 5, 6] {
            assert_eq!(SendState::from_stored(state).map(SendState::stored), Some(state));
        }
    }
}
