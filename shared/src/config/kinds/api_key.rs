//! The key by which the Hub knows a service.

use std::{fmt, sync::Arc};

use super::{Kind, Wrong};

/// What such a key begins with, and how many hexadecimal digits follow.
const PREFIX: &str = "sk_";
const DIGITS: usize = 64;

/// A key. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Arc<str>);

impl ApiKey {
    /// The key, for what needs it and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(****)")
    }
}

/// Reads an [`ApiKey`].
#[derive(Debug)]
pub struct ApiKeyKind;

impl Kind for ApiKeyKind {
    type Value = ApiKey;

    fn parse(&self, text: &str) -> Result<ApiKey, Wrong> {
        let digits = text.strip_prefix(PREFIX).ok_or_else(|| Wrong::unsaid("it does not begin with sk_"))?;
        if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Wrong::unsaid("sk_ is not followed by 64 hexadecimal digits"));
        }
        Ok(ApiKey(text.into()))
    }

    fn expected(&self) -> String {
        "sk_ and 64 hexadecimal digits".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKeyKind, DIGITS, Kind};

    #[test]
    fn a_key_has_its_prefix_and_its_digits_and_is_never_shown() {
        let key = format!("sk_{}", "0123456789abcdefABCDEF".repeat(3).split_at(DIGITS).0);
        let read = ApiKeyKind.parse(&key).expect("a key");
        assert_eq!((read.expose(), format!("{read:?}")), (&*key, "ApiKey(****)".to_owned()));
        for wrong in ["", "sk_", &key[3..], &key[..key.len() - 1], &format!("{key}0"), &key.replace('f', "g")] {
            let wrong = ApiKeyKind.parse(wrong).expect_err("no key").said_of(wrong, false);
            assert!(!wrong.contains("0123"), "{wrong}");
        }
    }
}
