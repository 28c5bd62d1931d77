//! The address that a team names, read.

use serde::{Deserialize, Serialize};
use url::{Host, Position, Url};

use crate::Reserved;

/// The variable that names it.
pub(crate) const VARIABLE: &str = "ENDPOINT_URL";

/// The most letters of an address.
const LONGEST: usize = 2_048;

/// Where a team's server is: what stands before the path of each probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it is reached by https.
    pub https: bool,
    /// Its name or address. Decimal, octal and hexadecimal spellings of an address have become that address.
    pub host: Host,
    /// Any from 1 on: teams use what their hosts give them, and at a public address no port is more ours than another.
    pub port: u16,
    /// Host and port as a `Host` header has them.
    pub authority: String,
    /// What stands before each probe's path: nothing, or a path that does not end with `/`.
    pub base: String,
}

/// Why a team is not probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unprobed {
    /// It names no address.
    Missing,
    /// What it names is none, such as a value that the Hub masks.
    Unreadable,
    /// Its name leads to no address, or did not in time.
    Unresolved,
    /// Neither http nor https.
    Scheme,
    /// It holds a user's name or password.
    UserInfo,
    /// Port 0, at which nothing can be.
    Port,
    /// It leads to addresses that are not public.
    Address(Reserved),
}

impl Endpoint {
    /// Reads what a team names. A query and a fragment are left out: each probe has its own.
    ///
    /// # Errors
    /// When it is no address, or none that is probed whatever its name leads to.
    pub fn parse(text: &str) -> Result<Self, Unprobed> {
        if text.len() > LONGEST {
            return Err(Unprobed::Unreadable);
        }
        let url = Url::parse(text).map_err(|_| Unprobed::Unreadable)?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Unprobed::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unprobed::UserInfo);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Unprobed::Unreadable);
        };
        if port == 0 {
            return Err(Unprobed::Port);
        }
        Ok(Self {
            https,
            host: host.to_owned(),
            port,
            authority: url[Position::BeforeHost..Position::AfterPort].to_owned(),
            base: url.path().trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(bool, String, u16, String), Unprobed> {
        let endpoint = Endpoint::parse(text)?;
        Ok((endpoint.https, endpoint.host.to_string(), endpoint.port, endpoint.base))
    }

    #[test]
    fn an_address_is_read_with_its_port_and_the_path_before_the_probes_own() {
        for (text, https, host, port, base) in [
            ("https://team.example.org", true, "team.example.org", 443, ""),
            ("http://team.example.org/", false, "team.example.org", 80, ""),
            ("HTTPS://Team.Example.org:8443/v1/", true, "team.example.org", 8_443, "/v1"),
            ("http://team.example.org:1/a/b//?x=1#y", false, "team.example.org", 1, "/a/b"),
            ("http://[2606:4700::1111]:8080", false, "[2606:4700::1111]", 8_080, ""),
            ("https://bücher.example", true, "xn--bcher-kva.example", 443, ""),
        ] {
            assert_eq!(parsed(text), Ok((https, host.to_owned(), port, base.to_owned())), "{text}");
        }
        let endpoint = Endpoint::parse("http://team.example.org:8080/v1").expect("an address");
        assert_eq!(endpoint.authority, "team.example.org:8080");
        assert_eq!(Endpoint::parse("https://team.example.org:443").expect("an address").authority, "team.example.org");
    }

    #[test]
    fn an_address_in_disguise_is_that_address() {
        for text in [
            "http://2130706433",
            "http://017700000001",
            "http://0x7f000001",
            "http://0x7f.1",
            "http://127.1",
            "http://0177.0.0.1",
            "http://127.0.0.1.",
            "http://127。0。0。1",
            "http://①②⑦.⓪.⓪.①",
            "http:127.0.0.1",
            "http:\\\\127.0.0.1",
            "http://127.0.0.1\\@example.org",
        ] {
            assert_eq!(
                Endpoint::parse(text).map(|endpoint| endpoint.host),
                Ok(Host::Ipv4([127, 0, 0, 1].into())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_probed_whatever_it_leads_to_is_told_apart() {
        for (text, why) in [
            ("********", Unprobed::Unreadable),
            ("team.example.org", Unprobed::Unreadable),
            ("https://", Unprobed::Unreadable),
            ("https://exa mple.org", Unprobed::Unreadable),
            ("http://256.1.1.1", Unprobed::Unreadable),
            ("http://a:65536", Unprobed::Unreadable),
            ("ftp://example.org", Unprobed::Scheme),
            ("file:///etc/passwd", Unprobed::Scheme),
            ("gopher://127.0.0.1:6379/_INFO", Unprobed::Scheme),
            ("localhost:3000", Unprobed::Scheme),
            ("javascript:alert(1)", Unprobed::Scheme),
            ("https://user@example.org", Unprobed::UserInfo),
            ("https://user:secret@example.org", Unprobed::UserInfo),
            ("https://example.org@127.0.0.1", Unprobed::UserInfo),
            ("http://example.org:0", Unprobed::Port),
        ] {
            assert_eq!(parsed(text), Err(why), "{text}");
        }
        let long = format!("https://example.org/{}", "a".repeat(LONGEST));
        assert_eq!(parsed(&long), Err(Unprobed::Unreadable));
    }
}
