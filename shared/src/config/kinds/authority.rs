//! `HOST` and `HOST:PORT`, as they stand in a URL.

use std::net::{IpAddr, Ipv6Addr};

use super::Wrong;

/// A host, without the brackets of an IPv6 address. A port is checked, and used by whoever reads the whole URL.
pub(super) struct Authority {
    pub(super) host: String,
}

impl Authority {
    /// Reads what stands between `//` and the path. A user or password is refused, and never repeated.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        if text.contains('@') {
            return Err(Wrong::unsaid("a user or password does not belong here"));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(|| Wrong::unsaid("a bracket is not closed"))?;
                host.parse::<Ipv6Addr>().map_err(|_| Wrong::unsaid("what stands in brackets is no IPv6 address"))?;
                match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if rest.is_empty() => (host, None),
                    None => return Err(Wrong::unsaid("something other than a port follows the host")),
                }
            }
            None => match text.split_once(':') {
                Some((host, port)) => (named(host)?, Some(port)),
                None => (named(text)?, None),
            },
        };
        port.map(port_number).transpose()?;
        Ok(Self { host: host.to_owned() })
    }

    /// Whether the host is this machine itself.
    pub(super) fn is_loopback(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }
}

fn named(host: &str) -> Result<&str, Wrong> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    match host {
        "" => Err(Wrong::unsaid("the host is missing")),
        _ if host.bytes().all(valid) => Ok(host),
        _ => Err(Wrong::unsaid("the host holds a character that no host name has")),
    }
}

fn port_number(text: &str) -> Result<u16, Wrong> {
    match text.parse() {
        Ok(port) if port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(Wrong::unsaid("the port is not a number from 1 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::Authority;

    #[test]
    fn names_and_addresses_are_read_with_and_without_a_port() {
        for (text, host) in [
            ("mail.example.org:2525", "mail.example.org"),
            ("example.org", "example.org"),
            ("[::1]:25", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(Authority::parse(text).expect(text).host, host);
        }
    }

    #[test]
    fn what_is_no_host_or_port_is_refused() {
        for text in ["", ":25", "a b", "a:0", "a:65536", "a:+1", "a:", "[::1", "[x]", "[::1]25", "u:p@a:25", "a:1:2"] {
            assert!(Authority::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [("localhost", true), ("127.0.0.9", true), ("[::1]", true), ("localhost.org", false)] {
            assert_eq!(Authority::parse(text).expect(text).is_loopback(), loopback, "{text}");
        }
    }
}
