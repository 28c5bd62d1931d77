//! Who carries letters.

use super::{Kind, Wrong};
use crate::mail::providers::Provider;

/// A list of mail providers, tried in order.
#[derive(Debug)]
pub struct Transports;

impl Kind for Transports {
    type Value = Vec<Provider>;

    fn parse(&self, text: &str) -> Result<Vec<Provider>, Wrong> {
        if text.chars().any(char::is_control) {
            return Err(Wrong::unsaid("it holds a control character"));
        }
        // A provider may hold a password, so the text is not repeated; the error shows it without one.
        Provider::parse_list(text).map_err(|error| Wrong::unsaid(error.to_string()))
    }

    fn expected(&self) -> String {
        "a comma-separated list of dir:PATH, null:, smtp://HOST:PORT, ses:, ses+http://HOST:PORT".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Provider, Transports};

    #[test]
    fn real_transports_are_those_that_reach_people() {
        let list = "dir:a/mail, null:,smtp://[::1]:25,ses:,ses+http://127.0.0.1:9000";
        let read = Transports.parse(list).expect("well formed");
        assert_eq!(read.iter().map(Provider::is_real).collect::<Vec<_>>(), [false, false, true, true, true]);
    }

    #[test]
    fn a_wrong_transport_is_refused_and_a_password_is_never_repeated() {
        let text = "dir:mail,smtp://app:hunter2@mail:port";
        let said = Transports.parse(text).expect_err("a port that is none").said_of(text, false);
        assert!(!said.contains("hunter2"), "{said}");
        for text in ["", "dir:", "null:x", "smtp:mail:25", "mail", "dir:a,,null:", "http://a:1"] {
            assert!(Transports.parse(text).is_err(), "{text}");
        }
    }
}
