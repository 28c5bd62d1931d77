//! Who carries letters.

use std::path::PathBuf;

use super::authority::Authority;
use super::{Kind, Wrong};

/// Who carries letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// `dir:PATH`: a file per letter in a folder.
    Folder(PathBuf),
    /// `null:`: letters are counted and dropped.
    Null,
    /// `smtp://HOST:PORT`: a mail server.
    Smtp {
        /// The server's name or address.
        host: String,
        /// Its port.
        port: u16,
    },
    /// `ses:`: Amazon SES, or `ses+http://HOST:PORT`: something that speaks its protocol.
    Ses {
        /// The endpoint in place of Amazon's, such as `http://127.0.0.1:9000`.
        endpoint: Option<String>,
    },
}

impl Transport {
    /// Whether letters reach people, so that what they say about their sender must be true.
    pub fn is_real(&self) -> bool {
        match self {
            Self::Folder(_) | Self::Null => false,
            Self::Smtp { .. } | Self::Ses { .. } => true,
        }
    }
}

/// A list of transports, tried in order.
#[derive(Debug)]
pub struct Transports;

impl Kind for Transports {
    type Value = Vec<Transport>;

    fn parse(&self, text: &str) -> Result<Vec<Transport>, Wrong> {
        let items: Vec<&str> = text.split(',').map(str::trim).collect();
        let alone = items.len() == 1;
        let read = |(position, item): (usize, &&str)| {
            // A transport may hold a password by mistake, so the text is not repeated.
            transport(item).map_err(|what| {
                Wrong::unsaid(if alone { what } else { format!("transport {} of the list: {what}", position + 1) })
            })
        };
        items.iter().enumerate().map(read).collect()
    }

    fn expected(&self) -> String {
        "a comma-separated list of dir:PATH, null:, smtp://HOST:PORT, ses:, ses+http://HOST:PORT".to_owned()
    }
}

fn transport(text: &str) -> Result<Transport, String> {
    if text.chars().any(char::is_control) {
        return Err("it holds a control character".to_owned());
    }
    let (scheme, rest) = text.split_once(':').ok_or("it has no scheme")?;
    match (scheme, rest) {
        ("dir", "") => Err("the folder is missing".to_owned()),
        ("dir", path) => Ok(Transport::Folder(PathBuf::from(path))),
        ("null", "") => Ok(Transport::Null),
        ("ses", "") => Ok(Transport::Ses { endpoint: None }),
        ("null" | "ses", _) => Err(format!("nothing may follow {scheme}:")),
        ("smtp", _) => host_and_port(rest).map(|(host, port)| Transport::Smtp { host, port }),
        ("ses+http", _) => host_and_port(rest).map(|_| Transport::Ses { endpoint: Some(format!("http:{rest}")) }),
        _ => Err("its scheme is not known".to_owned()),
    }
}

fn host_and_port(rest: &str) -> Result<(String, u16), String> {
    let authority = rest.strip_prefix("//").ok_or("// must follow the scheme")?;
    let authority = Authority::parse(authority).map_err(|wrong| wrong.said_of("", true))?;
    let port = authority.port.ok_or("the port is missing")?;
    Ok((authority.host, port))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Kind, Transport, Transports};

    #[test]
    fn every_transport_is_read_in_the_order_of_the_list() {
        let list = "dir:a/mail, null:,smtp://[::1]:25,ses:,ses+http://127.0.0.1:9000";
        let read = Transports.parse(list).expect("well formed");
        assert_eq!(
            read,
            [
                Transport::Folder(PathBuf::from("a/mail")),
                Transport::Null,
                Transport::Smtp { host: "::1".to_owned(), port: 25 },
                Transport::Ses { endpoint: None },
                Transport::Ses { endpoint: Some("http://127.0.0.1:9000".to_owned()) },
            ]
        );
        assert_eq!(read.iter().map(Transport::is_real).collect::<Vec<_>>(), [false, false, true, true, true]);
    }

    #[test]
    fn a_wrong_transport_is_found_by_its_place_and_a_password_is_never_repeated() {
        let text = "dir:mail,smtp://app:hunter2@mail:25";
        let wrong = Transports.parse(text).expect_err("a password");
        let said = wrong.said_of(text, false);
        assert!(said.contains("transport 2") && !said.contains("hunter2"), "{said}");
        for text in
            ["", "dir:", "ses://x", "null:x", "smtp:mail:25", "smtp://mail", "mail", "dir:a,,null:", "http://a:1"]
        {
            assert!(Transports.parse(text).is_err(), "{text}");
        }
    }
}
