//! Which of two words about a contact forbids more.
//!
//! An import takes the stricter of what the records have and what the file says, and feedback only ever tightens. Words
//! that forbid equally much make way for an import's, because they only describe: a `pending` contact may become
//! `active`, and a `delivered` letter is no reason against the next.

use super::{ContactStatus, EmailStatus};

/// A word that forbids more or less.
pub trait Strictness: Copy {
    /// How much it forbids; more is stricter.
    fn strictness(self) -> u8;

    /// What an import that says `incoming` makes of this word.
    #[must_use]
    fn tightened_by(self, incoming: Self) -> Self {
        if incoming.strictness() >= self.strictness() { incoming } else { self }
    }
}

impl Strictness for ContactStatus {
    /// A bounce may pass, a wish may be taken back by who had it, and a bar only by who set it.
    fn strictness(self) -> u8 {
        match self {
            Self::Pending | Self::Active => 0,
            Self::Bounced => 1,
            Self::OptedOut => 2,
            Self::Blocked => 3,
        }
    }
}

impl Strictness for EmailStatus {
    /// A bounce says that letters do not arrive, `unsubscribed` that they are not wanted, and a complaint harms the
    /// sender. `bounced_temporary` counts, because clean-up forgives a bounce only as long as it is written there.
    fn strictness(self) -> u8 {
        match self {
            Self::Active | Self::Sent | Self::Delivered => 0,
            Self::BouncedTemporary => 1,
            Self::BouncedPermanent => 2,
            Self::Unsubscribed => 3,
            Self::Complained => 4,
        }
    }
}

impl EmailStatus {
    /// The words that make way for this one when a provider says it: the less strict, and of those that forbid nothing
    /// the ones that come before it in a letter's life. So what feedback leaves does not depend on its order.
    pub fn makes_way(self) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |&other| (other.strictness(), other) < (self.strictness(), self))
    }
}

#[cfg(test)]
mod tests {
    use super::EmailStatus;

    #[test]
    fn of_two_words_about_an_address_one_makes_way_for_the_other_and_never_both() {
        for &one in EmailStatus::ALL {
            for &other in EmailStatus::ALL {
                let (back, forth) =
                    (one.makes_way().any(|word| word == other), other.makes_way().any(|word| word == one));
                assert_eq!(back != forth, one != other, "{one} {other}");
            }
        }
        let before_a_bounce: Vec<_> = EmailStatus::BouncedTemporary.makes_way().map(EmailStatus::as_str).collect();
        assert_eq!(before_a_bounce, ["active", "sent", "delivered"]);
        assert!(EmailStatus::Complained.makes_way().any(|word| word == EmailStatus::Unsubscribed));
    }
}
