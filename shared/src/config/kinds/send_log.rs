//! Where what was sent is counted.

use std::fmt;

use url::Url;

use super::super::mask::masked;
use super::{Kind, Wrong};

/// Where what all workers together have sent is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendLogAt {
    /// A row of the records.
    Records,
    /// A key of Redis or Valkey.
    Redis(RedisUrl),
}

/// A `redis://` or `rediss://` URL. `Debug` and `Display` mask its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The URL with its password, for connecting and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

/// Reads a [`SendLogAt`].
#[derive(Debug)]
pub struct SendLogPlace;

impl Kind for SendLogPlace {
    type Value = SendLogAt;

    fn parse(&self, text: &str) -> Result<SendLogAt, Wrong> {
        if text == "records:" {
            return Ok(SendLogAt::Records);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Wrong::unsaid("it holds a blank or a control character"));
        }
        // Without the slashes the URL parser would take the rest, password and all, for a path.
        if !text.starts_with("redis://") && !text.starts_with("rediss://") {
            return Err(Wrong::unsaid("it begins with neither redis:// nor rediss://, and is not records:"));
        }
        let url = Url::parse(text).map_err(|_| Wrong::unsaid("it is not a well-formed URL"))?;
        let database = url.path().trim_start_matches('/');
        match () {
            () if url.host_str().is_none_or(str::is_empty) => Err(Wrong::unsaid("the host is missing")),
            // The library reads "#insecure" as: do not look at the server's certificate.
            () if url.query().is_some() || url.fragment().is_some() => Err(Wrong::unsaid("it takes no options")),
            () if !database.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(Wrong::unsaid("a database of Redis is a number"))
            }
            () => Ok(SendLogAt::Redis(RedisUrl(text.to_owned()))),
        }
    }

    fn expected(&self) -> String {
        "redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT for TLS, or records:".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, SendLogAt, SendLogPlace};

    #[test]
    fn redis_is_read_with_and_without_tls_and_records_stand_for_the_records() {
        assert_eq!(SendLogPlace.parse("records:"), Ok(SendLogAt::Records));
        for url in ["redis://127.0.0.1", "redis://cache:6379/3", "rediss://app:pw@cache.example.org:6379"] {
            let Ok(SendLogAt::Redis(read)) = SendLogPlace.parse(url) else { panic!("{url}") };
            assert_eq!(read.expose(), url);
        }
    }

    #[test]
    fn what_would_connect_to_nothing_or_without_a_check_is_refused() {
        for text in
            ["redis", "redis:cache", "redis://", "http://cache", "redis://c/x", "rediss://c/#insecure", "redis://a b"]
        {
            assert!(SendLogPlace.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_password() {
        let at = SendLogPlace.parse("rediss://app:hunter2@cache").expect("well formed");
        assert!(!format!("{at:?}").contains("hunter2"));
        let text = "redis://app:hunter2@cache:x";
        assert!(!SendLogPlace.parse(text).expect_err("no such port").said_of(text, false).contains("hunter2"));
    }
}
