//! What is known about people: the closed sets of words that users and contacts are described with.

pub mod strictness;

/// Declares an enum of words that are stored and exchanged as text.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of_word:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of_word])* $variant),+
        }

        impl $name {
            /// Every word, in the order of this page.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is stored.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { known: &[$($word),+] }),
                }
            }
        }
    };
}

/// The text is none of the words. It is not repeated; the words that would do are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", known.join(", "))]
pub struct UnknownWord {
    /// The words that would do.
    pub known: &'static [&'static str],
}

words! {
    /// Where a contact stands.
    ContactStatus {
        /// Not yet confirmed.
        Pending = "pending",
        /// May be invited.
        Active = "active",
        /// Asked not to be invited.
        OptedOut = "opted_out",
        /// Letters came back too often.
        Bounced = "bounced",
        /// Barred by an operator or by the owner.
        Blocked = "blocked",
    }
}

words! {
    /// What providers have said about a contact's address.
    EmailStatus {
        /// Nothing against it.
        Active = "active",
        /// A letter was sent.
        Sent = "sent",
        /// A letter arrived.
        Delivered = "delivered",
        /// A letter came back, and the next may arrive.
        BouncedTemporary = "bounced_temporary",
        /// No letter will arrive.
        BouncedPermanent = "bounced_permanent",
        /// A letter was reported as spam.
        Complained = "complained",
        /// No more letters are wanted.
        Unsubscribed = "unsubscribed",
    }
}

words! {
    /// How a contact came into an owner's list.
    Source {
        /// Typed in.
        Manual = "manual",
        /// Imported from a file.
        Csv = "csv",
        /// By answering an invitation.
        Invitation = "invitation",
        /// By two users finding each other.
        Handshake = "handshake",
    }
}

words! {
    /// The tone that a user's letters have.
    EmailTemplate {
        /// As to a friend.
        Friendly = "friendly",
        /// As to a colleague.
        Professional = "professional",
        /// With a joke.
        Fun = "fun",
    }
}

words! {
    /// How a user's reminders go out.
    ReminderChannel {
        /// As a letter.
        Email = "email",
        /// As a text message.
        Sms = "sms",
        /// As a notification of the application.
        Push = "push",
    }
}

words! {
    /// The language of a user's letters.
    Locale {
        /// French.
        French = "fr",
        /// English.
        English = "en",
    }
}

#[cfg(test)]
mod tests {
    use super::{ContactStatus, EmailStatus, EmailTemplate, Locale, ReminderChannel, Source};

    #[test]
    fn every_word_reads_back_as_itself() {
        macro_rules! check {
            ($($name:ident),+) => {
                $(for word in $name::ALL {
                    assert_eq!(word.as_str().parse(), Ok(*word));
                })+
            };
        }
        check!(ContactStatus, EmailStatus, Source, EmailTemplate, ReminderChannel, Locale);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones_and_not_repeated() {
        let error = "secret".parse::<Source>().expect_err("no such source");
        assert_eq!(error.to_string(), "must be one of manual, csv, invitation, handshake");
    }
}
