//! What values can look like. Every kind refuses control characters, so that no value can break a header or a log.

mod address;
mod authority;
mod aws;
mod base_url;
mod database;
mod doubt;
mod moment;
mod networks;
mod plain;
mod send_log;
mod switch;
mod token;
mod transport;
mod user_agent;

pub use address::Address;
pub use aws::{
    AlertsAt, AlertsPlace, DatabaseName, EventsAt, EventsPlace, HostName, ObjectsAt, ObjectsPlace, QueueAt, QueuePlace,
    SecretArn, SecretName, SecretStore,
};
pub use base_url::{BaseUrl, BaseUrlKind, ServiceUrlKind};
pub use database::{Database, DatabaseKind, MySqlUrl};
pub use doubt::DoubtPolicy;
pub use moment::Moment;
pub use networks::Networks;
pub use plain::{Folder, Fraction, Text, Whole, Zone};
pub use send_log::{RedisUrl, SendLogAt, SendLogPlace};
pub use switch::Switch;
pub use token::{ApiKeyKind, Token, TokenKind};
pub use transport::Transports;
pub use user_agent::UserAgent;

/// Turns a text into a value, or says what is wrong with it.
pub trait Kind: Sync {
    /// What the text becomes.
    type Value;

    /// Reads a value. The text is never empty: an empty setting counts as unset.
    fn parse(&self, text: &str) -> Result<Self::Value, Wrong>;

    /// What a value must look like, to stand after "expected".
    fn expected(&self) -> String;
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    what: String,
    repeat: bool,
}

/// A longer value is cut in an error, which should stay one readable line.
const SHOWN: usize = 60;

impl Wrong {
    /// A predicate such as `is above 28`, said of the value, which is repeated before it.
    pub fn of_value(what: impl Into<String>) -> Self {
        Self { what: what.into(), repeat: true }
    }

    /// A whole sentence, for values that are not to be repeated: addresses, URLs that may hold a password.
    pub fn unsaid(what: impl Into<String>) -> Self {
        Self { what: what.into(), repeat: false }
    }

    /// The sentence for an error. A secret is never repeated.
    pub(super) fn said_of(&self, text: &str, secret: bool) -> String {
        if !self.repeat {
            return self.what.clone();
        }
        if secret {
            return format!("the value {}", self.what);
        }
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{:?}… {}", &text[..end], self.what),
            None => format!("{text:?} {}", self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wrong;

    #[test]
    fn a_wrong_value_is_repeated_on_one_short_line_unless_it_is_secret() {
        let wrong = Wrong::of_value("is odd");
        assert_eq!(wrong.said_of("a\nb", false), "\"a\\nb\" is odd");
        assert_eq!(wrong.said_of("hunter2", true), "the value is odd");
        assert!(wrong.said_of(&"é".repeat(500), false).len() < 200);
        assert_eq!(Wrong::unsaid("no host").said_of("hunter2", false), "no host");
    }
}
