//! Where an answer leads: to the next page, or to where a repository has moved. A token goes along, so only addresses
//! under that of the API itself are followed.

use hyper::{
    HeaderMap,
    header::{LINK, LOCATION},
};
use url::Url;

use crate::facts::Why;

/// The address of the API.
#[derive(Debug, Clone)]
pub(super) struct Home(Url);

impl Home {
    /// Of its setting.
    pub(super) fn new(base: &str) -> Result<Self, url::ParseError> {
        Url::parse(base).map(Self)
    }

    /// That of the next page, where there is one.
    ///
    /// # Errors
    /// When it is not under the API's own.
    pub(super) fn next(&self, headers: &HeaderMap) -> Result<Option<String>, Why> {
        let mut links = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok());
        links.find_map(next_of).map(|url| self.within(url)).transpose()
    }

    /// That to which something has moved.
    ///
    /// # Errors
    /// When it is not under the API's own, or there is none.
    pub(super) fn moved(&self, headers: &HeaderMap) -> Result<String, Why> {
        let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
        self.within(location.ok_or(Why::Garbled)?)
    }

    fn within(&self, url: &str) -> Result<String, Why> {
        let Ok(url) = self.0.join(url) else { return Err(Why::Garbled) };
        let (home, path) = (self.0.path().trim_end_matches('/'), url.path());
        let under = path.strip_prefix(home).is_some_and(|rest| rest.starts_with('/'));
        let ours = url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none() && under;
        if !ours {
            tracing::error!("GitHub's answer leads to another address, which is not asked");
            return Err(Why::Garbled);
        }
        Ok(url.into())
    }
}

/// The link of that relation in a `Link` header (RFC 8288): `<URL>; rel="next", <URL>; rel="last"`.
fn next_of(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (url, after) = after.split_once('>')?;
        let parameters = after.split('<').next().unwrap_or_default();
        let is_next = |parameter: &str| {
            let relation = parameter.trim().strip_prefix("rel=").map(|relation| relation.trim_matches('"'));
            relation.is_some_and(|relation| relation.split(' ').any(|relation| relation == "next"))
        };
        if parameters.trim_end_matches([',', ' ']).split(';').any(is_next) {
            return Some(url);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_wherever_it_stands_among_the_links() {
        for (header, next) in [
            (r#"<https://h/a?page=2>; rel="next", <https://h/a?page=9>; rel="last""#, Some("https://h/a?page=2")),
            (
                r#"<https://h/a?page=1>; rel="prev", <https://h/a?a=1,2&page=3>; rel="next""#,
                Some("https://h/a?a=1,2&page=3"),
            ),
            (r#"<https://h/a>; title="t"; rel="last next""#, Some("https://h/a")),
            ("<https://h/a>;rel=next", Some("https://h/a")),
            (r#"<https://h/a?page=1>; rel="first", <https://h/a?page=2>; rel="prev""#, None),
            (r#"<https://h/a>; rel="nextish""#, None),
            ("<https://h/a", None),
            ("", None),
        ] {
            assert_eq!(next_of(header), next, "{header}");
        }
    }

    #[test]
    fn no_address_but_those_under_the_apis_own_is_followed() {
        let home = Home::new("https://git.example.org/api/v3").expect("a URL");
        for ours in ["https://git.example.org/api/v3/repositories/1", "https://GIT.example.org:443/api/v3/x?page=2"] {
            assert!(home.within(ours).is_ok(), "{ours}");
        }
        assert_eq!(home.within("/api/v3/x").as_deref(), Ok("https://git.example.org/api/v3/x"));
        for other in [
            "https://evil.example.org/api/v3/repositories/1",
            "http://git.example.org/api/v3/repositories/1",
            "https://git.example.org:8443/api/v3/repositories/1",
            "https://git.example.org@evil.example.org/api/v3/x",
            "https://user@git.example.org/api/v3/x",
            "https://git.example.org/api/v3",
            "https://git.example.org/api/v30/x",
            "https://git.example.org/api/v3/../../login",
            "//evil.example.org/api/v3/x",
            "javascript:alert(1)",
        ] {
            assert_eq!(home.within(other), Err(Why::Garbled), "{other}");
        }
        assert!(Home::new("https://api.github.com").expect("a URL").within("https://api.github.com/repos/a/b").is_ok());
    }
}
