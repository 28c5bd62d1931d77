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

/// Reads the [`BaseUrl`] of a service of the operator's own network, which may be http anywhere.
#[derive(Debug)]
pub struct ServiceUrlKind;

impl Kind for ServiceUrlKind {
    type Value = BaseUrl;

    fn parse(&self, text: &str) -> Result<BaseUrl, Wrong> {
        // All else about it is the same.
        match text.strip_prefix("http://") {
            Some(rest) => {
                BaseUrlKind.parse(&format!("https://{rest}")).map(|url| BaseUrl(url.0.replacen("https", "http", 1)))
            }
            None => BaseUrlKind.parse(text),
        }
    }

    fn expected(&self) -> String {
        "an http or https URL, such as http://prometheus.internal:9090".to_owned()
    }
}

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
    use super::{BaseUrlKind, Kind, ServiceUrlKind};

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
    fn a_service_of_one_s_own_may_be_reached_by_http() {
        for (text, read) in [
            ("http://prometheus:9090/", "http://prometheus:9090"),
            ("https://prometheus.example.org/base", "https://prometheus.example.org/base"),
        ] {
            assert_eq!(ServiceUrlKind.parse(text).expect(text).as_str(), read);
        }
        for text in ["http://user:pass@prometheus", "http://", "ftp://prometheus", "http://prometheus/?a=b"] {
            assert!(ServiceUrlKind.parse(text).is_err(), "{text}");
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
