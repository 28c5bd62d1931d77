//! What an `smtp://` or `smtps://` URL says.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

/// One SMTP server and how to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) login: Option<Login>,
    pub(super) tls: Tls,
    pub(super) connections: usize,
    /// How long one command may wait for its reply.
    pub(super) command_timeout: Duration,
}

/// When the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    None,
    /// STARTTLS where the server offers it.
    Opportunistic,
    /// STARTTLS, or no mail.
    Required,
    /// TLS from the first byte (`smtps://`).
    Implicit,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// Just below what Postfix takes from one client by default.
const DEFAULT_CONNECTIONS: usize = 48;
const MOST_CONNECTIONS: usize = 64;
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// A letter may take three times as long, and its claim's lease must be longer still.
const LONGEST_TIMEOUT: u64 = 120;

impl SmtpSettings {
    /// Reads `smtp://[user:password@]host:port?tls=none|opportunistic|required&connections=N&timeout=SECONDS`. The error
    /// says what is wrong without repeating the URL.
    pub(in crate::mail) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let implicit = url.scheme() == "smtps";
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("a host is missing")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let mut settings = Self {
            port: url.port().unwrap_or(if implicit { 465 } else { 587 }),
            login: login(&url)?,
            tls: match (implicit, is_loopback(&host)) {
                (true, _) => Tls::Implicit,
                (false, true) => Tls::None,
                (false, false) => Tls::Opportunistic,
            },
            host,
            connections: DEFAULT_CONNECTIONS,
            command_timeout: COMMAND_TIMEOUT,
        };
        for (name, value) in url.query_pairs() {
            settings.set(&name, &value)?;
        }
        if settings.login.is_some() && settings.tls == Tls::None && !settings.on_loopback() {
            return Err("a password needs TLS: leave tls=none out".to_owned());
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "tls" if self.tls == Tls::Implicit => return Err("smtps:// is always encrypted: leave tls out".to_owned()),
            "tls" => {
                self.tls = match value {
                    "none" => Tls::None,
                    "opportunistic" => Tls::Opportunistic,
                    "required" => Tls::Required,
                    _ => return Err("tls is none, opportunistic or required".to_owned()),
                }
            }
            "connections" => {
                self.connections = value
                    .parse()
                    .ok()
                    .filter(|connections| (1..=MOST_CONNECTIONS).contains(connections))
                    .ok_or_else(|| format!("connections is a number from 1 to {MOST_CONNECTIONS}"))?;
            }
            "timeout" => {
                self.command_timeout = value
                    .parse()
                    .ok()
                    .filter(|seconds| (1..=LONGEST_TIMEOUT).contains(seconds))
                    .map(Duration::from_secs)
                    .ok_or_else(|| format!("timeout is a number of seconds from 1 to {LONGEST_TIMEOUT}"))?;
            }
            _ => return Err(format!("{name} is not an option: use tls, connections or timeout")),
        }
        Ok(())
    }

    /// Whether what is sent never leaves the machine, so that a password may go unencrypted.
    pub(super) fn on_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn login(url: &Url) -> Result<Option<Login>, String> {
    let decode = |text: &str| {
        percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| "the login is not UTF-8".to_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) => Ok(Some(Login { user: decode(user)?, password: decode(password)? })),
        (_, None) => Err("a user needs a password".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{SmtpSettings, Tls};

    fn parse(text: &str) -> SmtpSettings {
        SmtpSettings::parse(text).expect("well formed")
    }

    #[test]
    fn mail_to_another_machine_is_encrypted_where_the_server_can() {
        assert_eq!(parse("smtp://mail.example.org").tls, Tls::Opportunistic);
        assert_eq!(parse("smtp://mail.example.org").port, 587);
        for loopback in ["smtp://localhost:25", "smtp://127.0.0.1:25", "smtp://[::1]:25"] {
            assert_eq!(parse(loopback).tls, Tls::None, "{loopback}");
        }
        assert_eq!(parse("smtps://mail.example.org").tls, Tls::Implicit);
        assert_eq!(parse("smtps://mail.example.org").port, 465);
    }

    #[test]
    fn a_password_is_never_sent_in_the_clear_to_another_machine() {
        assert!(SmtpSettings::parse("smtp://ada:secret@mail.example.org?tls=none").is_err());
        assert!(SmtpSettings::parse("smtp://ada:secret@127.0.0.1?tls=none").is_ok());
    }

    #[test]
    fn a_login_may_hold_any_character() {
        let login = parse("smtp://ada%40example.org:p%2Fw%3A@mail.example.org").login.expect("a login");
        assert_eq!((login.user.as_str(), login.password.as_str()), ("ada@example.org", "p/w:"));
    }
}
