//! The address under which the application is reached, to which links in letters are added.

use std::fmt;

use super::authority::Authority;
use super::{Kind, Wrong};

/// An https URL (or http on this machine) without query, fragment, user or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The URL, ready to have a path that begins with `/` added.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a [`BaseUrl`].
#[derive(Debug)]
pub struct BaseUrlKind;

impl Kind for BaseUrlKind {
    type Value = BaseUrl;

    fn parse(&self, text: &str) -> Result<BaseUrl, Wrong> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| Wrong::unsaid("it has no scheme"))?;
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(start) => rest.split_at(start),
            None => (rest, ""),
        };
        let authority = Authority::parse(authority)?;
        match scheme {
            "https" => {}
            "http" if authority.is_loopback() => {}
            "http" => return Err(Wrong::of_value("is http, which links in letters must not be")),
            _ => return Err(Wrong::of_value("is neither https nor http")),
        }
        if path.contains(['?', '#']) {
            return Err(Wrong::unsaid("it has a query or fragment, so no path can be added"));
        }
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$()*+,;=:@".contains(&byte);
        if !path.bytes().all(valid) {
            return Err(Wrong::of_value(
                "has a character in its path that must be percent-encoded, or that HTML would escape",
            ));
        }
        Ok(BaseUrl(text.trim_end_matches('/').to_owned()))
    }

    fn expected(&self) -> String {
        "an https URL (http only for this machine itself), such as https://app.example.org".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{BaseUrlKind, Kind};

    #[test]
    fn https_anywhere_and_http_on_this_machine_are_taken_without_the_trailing_slash() {
        for (text, read) in [
            ("https://app.example.org", "https://app.example.org"),
            ("https://app.example.org/form/", "https://app.example.org/form"),
            ("http://localhost:3000/", "http://localhost:3000"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(BaseUrlKind.parse(text).expect(text).as_str(), read);
        }
    }

    #[test]
    fn what_would_make_a_broken_or_unsafe_link_is_refused() {
        for text in [
            "app.example.org",
            "http://app.example.org",
            "ftp://app.example.org",
            "https://",
            "https://a b.org",
            "https://user:pass@app.example.org",
            "https://app.example.org/?a=b",
            "https://app.example.org#top",
            "https://app.example.org/a\r\nb",
            "https://app.example.org/é",
        ] {
            assert!(BaseUrlKind.parse(text).is_err(), "{text}");
        }
    }
}
