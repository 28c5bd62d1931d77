//! What an SMTP server said, without its free text, which may hold an address.

use std::error::Error as _;

use lettre::transport::smtp::{self, response::Response};

use crate::mail::{Answer, Refusal};

/// Why a step of the dialogue did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server said no.
    Reply(Reply),
    /// No reply will come: the connection was closed or cannot be used.
    Lost(&'static str),
    /// No reply came in time.
    TimedOut,
    /// This server cannot take this letter, and need not be asked.
    Unfit(&'static str),
}

/// A negative reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    code: u16,
    enhanced: Option<String>,
    throttled: bool,
}

impl Failure {
    pub(super) fn from_error(error: &smtp::Error) -> Self {
        match error.status() {
            Some(code) => {
                let text = error.source().map(ToString::to_string).unwrap_or_default();
                Self::Reply(Reply::new(code.into(), &text))
            }
            None if error.is_timeout() => Self::TimedOut,
            None => Self::Lost("connection lost"),
        }
    }

    /// The answer for a letter that was definitely not taken.
    pub(super) fn refused(&self) -> Answer {
        let (refusal, cause) = match self {
            Self::Reply(reply) => (reply.refusal(), reply.cause()),
            Self::Lost(how) => (Refusal::Transient, (*how).to_owned()),
            Self::TimedOut => (Refusal::Transient, "timed out".to_owned()),
            Self::Unfit(why) => (Refusal::Permanent, (*why).to_owned()),
        };
        Answer::Refused { refusal, cause }
    }

    /// The same when the server, not the letter, is to blame: a permanent no to a login can end for the next letter.
    pub(super) fn refused_before_any_letter(&self) -> Answer {
        match self.refused() {
            Answer::Refused { refusal: Refusal::Permanent | Refusal::Transient, cause } => {
                Answer::Refused { refusal: Refusal::Unavailable, cause: format!("connecting: {cause}") }
            }
            throttled => throttled,
        }
    }

    /// Whether the server ended the connection, be it with a goodbye (421) or without.
    pub(super) fn ended_connection(&self) -> bool {
        match self {
            Self::Reply(reply) => reply.code == 421,
            Self::Lost(_) | Self::TimedOut => true,
            Self::Unfit(_) => false,
        }
    }

    /// Whether the connection was already closed, so that a new one may do better. A 421 says that of a connection that
    /// was idle; on a new one it asks for a slower pace.
    pub(super) fn is_closed(&self, reused: bool) -> bool {
        match self {
            Self::Reply(reply) => reused && reply.code == 421,
            Self::Lost(_) => true,
            Self::TimedOut | Self::Unfit(_) => false,
        }
    }
}

impl Reply {
    fn new(code: u16, text: &str) -> Self {
        let enhanced = enhanced_code(code, text);
        // X.7.Z is about policy (RFC 3463), greylisting too; Exchange Online writes "451 4.7.650 … rate limited".
        let is_rate =
            enhanced.as_deref().is_some_and(|enhanced| enhanced.starts_with("4.7.")) && text.contains("rate limit");
        // 454 is also a broken STARTTLS or login; Amazon SES writes "454 Throttling failure".
        let throttled = code == 421 || (code == 454 && text.contains("hrottl")) || is_rate;
        Self { code, enhanced, throttled }
    }

    fn refusal(&self) -> Refusal {
        match self.code {
            _ if self.throttled => Refusal::Throttled,
            400..500 => Refusal::Transient,
            _ => Refusal::Permanent,
        }
    }

    fn cause(&self) -> String {
        match &self.enhanced {
            Some(enhanced) => format!("{} {enhanced}", self.code),
            None => self.code.to_string(),
        }
    }
}

/// The enhanced status code (RFC 3463) that a reply's text starts with.
fn enhanced_code(code: u16, text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?;
    let parts: Vec<u16> = word.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts[..] {
        [class, subject, detail] if class == code / 100 => Some(format!("{class}.{subject}.{detail}")),
        _ => None,
    }
}

/// The server's own id of a mail that it took, where the reply has one in a known shape.
pub(super) fn queue_id(response: &Response) -> String {
    let text = response.first_line().unwrap_or_default();
    let after = |marker: &str| text.split_once(marker).map(|(_, rest)| rest);
    // Postfix, Exim, Amazon SES.
    let id = after("queued as ").or_else(|| after("id=")).or_else(|| text.strip_prefix("Ok ")).unwrap_or_default();
    let id = id.split_whitespace().next().unwrap_or_default();
    let is_id = id.len() <= 128 && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if is_id { id.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use lettre::transport::smtp::response::Response;

    use super::{Failure, Reply, queue_id};
    use crate::mail::{Answer, Refusal};

    fn refused(code: u16, text: &str) -> (Refusal, String) {
        match Failure::Reply(Reply::new(code, text)).refused() {
            Answer::Refused { refusal, cause } => (refusal, cause),
            answer => panic!("{answer:?}"),
        }
    }

    #[test]
    fn a_reply_is_told_apart_by_its_code_and_loses_its_free_text() {
        assert_eq!(refused(550, "5.1.1 <ada@example.org> no such user"), (Refusal::Permanent, "550 5.1.1".to_owned()));
        assert_eq!(refused(450, "4.2.0 ada greylisted"), (Refusal::Transient, "450 4.2.0".to_owned()));
        assert_eq!(refused(452, "full"), (Refusal::Transient, "452".to_owned()));
        assert_eq!(refused(550, "4.2.0 mixed classes"), (Refusal::Permanent, "550".to_owned()));
        assert_eq!(refused(421, "4.7.0 slow down"), (Refusal::Throttled, "421 4.7.0".to_owned()));
        let limited = "4.7.650 The mail server has been temporarily rate limited";
        assert_eq!(refused(451, limited), (Refusal::Throttled, "451 4.7.650".to_owned()));
        assert_eq!(refused(450, "4.7.1 greylisted"), (Refusal::Transient, "450 4.7.1".to_owned()));
        assert_eq!(refused(454, "Throttling failure: rate"), (Refusal::Throttled, "454".to_owned()));
        assert_eq!(refused(454, "4.7.0 TLS not available"), (Refusal::Transient, "454 4.7.0".to_owned()));
    }

    #[test]
    fn the_server_s_own_id_is_read_where_its_shape_is_known() {
        let id = |line: &str| queue_id(&line.parse::<Response>().expect("a reply"));
        assert_eq!(id("250 2.0.0 Ok: queued as 4F2\r\n"), "4F2");
        assert_eq!(id("250 OK id=1tXyz-0001\r\n"), "1tXyz-0001");
        assert_eq!(id("250 Ok 010201-abc-000000\r\n"), "010201-abc-000000");
        assert_eq!(id("250 thank you\r\n"), "");
        assert_eq!(id("250 queued as ada@example.org\r\n"), "");
    }
}
