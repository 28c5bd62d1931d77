//! What services know us by.

use std::{fmt, sync::Arc};

use super::{Kind, Wrong};

/// What a key to the Hub begins with, and how many hexadecimal digits follow.
const PREFIX: &str = "sk_";
const DIGITS: usize = 64;

/// The most characters of a token: longer headers are refused by many servers.
const LONGEST: usize = 4_096;

/// A key or token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// The token, for what needs it and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(****)")
    }
}

/// Reads a [`Token`] of any service.
#[derive(Debug)]
pub struct TokenKind;

impl Kind for TokenKind {
    type Value = Token;

    fn parse(&self, text: &str) -> Result<Token, Wrong> {
        if text.len() > LONGEST {
            return Err(Wrong::unsaid(format!("it has more than {LONGEST} characters")));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Wrong::unsaid("it has a space, or a character that is not ASCII"));
        }
        Ok(Token(text.into()))
    }

    fn expected(&self) -> String {
        "a token without spaces".to_owned()
    }
}

/// Reads the [`Token`] by which the Hub knows a service.
#[derive(Debug)]
pub struct ApiKeyKind;

impl Kind for ApiKeyKind {
    type Value = Token;

    fn parse(&self, text: &str) -> Result<Token, Wrong> {
        let digits = text.strip_prefix(PREFIX).ok_or_else(|| Wrong::unsaid("it does not begin with sk_"))?;
        if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Wrong::unsaid("sk_ is not followed by 64 hexadecimal digits"));
        }
        Ok(Token(text.into()))
    }

    fn expected(&self) -> String {
        "sk_ and 64 hexadecimal digits".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKeyKind, DIGITS, Kind, LONGEST, TokenKind};

    #[test]
    fn a_key_has_its_prefix_and_its_digits_and_is_never_shown() {
        let key = format!("sk_{}", "0123456789abcdefABCDEF".repeat(3).split_at(DIGITS).0);
        let read = ApiKeyKind.parse(&key).expect("a key");
        assert_eq!((read.expose(), format!("{read:?}")), (&*key, "Token(****)".to_owned()));
        for wrong in ["", "sk_", &key[3..], &key[..key.len() - 1], &format!("{key}0"), &key.replace('f', "g")] {
            let wrong = ApiKeyKind.parse(wrong).expect_err("no key").said_of(wrong, false);
            assert!(!wrong.contains("0123"), "{wrong}");
        }
    }

    #[test]
    fn a_token_fits_into_a_header_and_no_error_repeats_it() {
        assert_eq!(TokenKind.parse("glsa_Ab1.-~").expect("a token").expose(), "glsa_Ab1.-~");
        for wrong in ["a secret", "sécret", "secret\n", &"secret".repeat(LONGEST)] {
            let wrong = TokenKind.parse(wrong).expect_err("no token").said_of(wrong, false);
            assert!(!wrong.contains("cret"), "{wrong}");
        }
    }
}
