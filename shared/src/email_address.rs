//! An e-mail address that is known to be well formed.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A well-formed address, lower-cased so that it can be a key.
///
/// Clones share the text. `Debug` hides it, because log lines and errors must not show one; `Display` and
/// [`EmailAddress::as_str`] do not.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(Arc<str>);

/// Why a text is not an address. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: {0}")]
pub struct InvalidEmailAddress(String);

/// The longest address that can stand in an SMTP path (RFC 5321, 4.5.3.1.3, less the brackets).
const LONGEST: usize = 254;

impl EmailAddress {
    /// Reads an address: surrounding white space is dropped and letters are lower-cased.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let text = text.trim().to_lowercase();
        if text.len() > LONGEST {
            return Err(InvalidEmailAddress(format!("longer than {LONGEST} bytes")));
        }
        match text.parse::<lettre::Address>() {
            Ok(_) => Ok(Self(text.into())),
            Err(error) => Err(InvalidEmailAddress(error.to_string())),
        }
    }

    /// Wraps a text that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmailAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::EmailAddress;

    #[test]
    fn an_address_is_trimmed_and_lower_cased() {
        let address = EmailAddress::parse(" Ada.Lovelace@Example.ORG ").expect("well formed");
        assert_eq!(address.as_str(), "ada.lovelace@example.org");
    }

    #[test]
    fn what_could_break_a_header_or_is_no_address_is_refused() {
        for text in ["", "ada", "ada@", "@example.org", "a b@example.org", "a@example.org\r\nBcc: x@example.org"] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@example.org", "a".repeat(250))).is_err());
    }

    #[test]
    fn debug_output_and_errors_never_show_the_address() {
        let address = EmailAddress::parse("ada@example.org").expect("well formed");
        assert!(!format!("{address:?}").contains("ada"));
        let error = EmailAddress::parse("secret person@example.org").expect_err("a blank");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
