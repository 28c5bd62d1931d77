//! The RFC 5322 message of one letter, as the folder and SMTP carry it.
//!
//! Everything constant is encoded once: the `From` header here, the literals of a template when it is read. What is left
//! for one mail is copying, because a mail must cost microseconds.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use lettre::message::header::{self, Header as _, Headers};
use lettre::message::{Mailbox, Mailboxes};

use super::headers::{ATTEMPT, INVITATION};
use super::providers::Sender;
use super::{Call, Letter};

/// Builds messages from one sender.
pub struct Composer {
    from_header: String,
    domain: String,
}

/// Cannot occur in the parts: quoted-printable never has an underscore after an equals sign.
const BOUNDARY: &str = "=_almanac";

/// What the constant lines between the parts take, and the headers.
const FRAME_BYTES: usize = 1024;

impl Composer {
    /// A composer for mails from `sender`.
    pub fn new(sender: &Sender) -> Self {
        let domain = sender.address.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        Self { from_header: from_header(sender), domain }
    }

    /// The whole message of one letter of `call`, dated `at`: lines end with CRLF, all bytes are ASCII unless the address
    /// is not, and no line starts with a dot.
    pub fn compose(&self, call: Call<'_>, letter: &Letter, at: DateTime<Utc>) -> String {
        let mut out = String::with_capacity(call.template.quoted_bytes() + FRAME_BYTES);
        self.write_headers(call, letter, at, &mut out);
        write_part_headers("text/plain", &mut out);
        call.template.write_quoted_text(letter, &mut out);
        write_part_headers("text/html", &mut out);
        call.template.write_quoted_html(letter, &mut out);
        out.push_str("\r\n--");
        out.push_str(BOUNDARY);
        out.push_str("--\r\n");
        out
    }

    fn write_headers(&self, call: Call<'_>, letter: &Letter, at: DateTime<Utc>, out: &mut String) {
        out.push_str(&self.from_header);
        let (message, attempt) = (one_word(&letter.message), one_word(call.attempt));
        write!(
            out,
            "To: {}\r\n\
             {}\
             Date: {}\r\n\
             Message-ID: <{message}.{attempt}@{}>\r\n\
             List-Unsubscribe: <{}>\r\n\
             List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
             {INVITATION}: {message}\r\n\
             {ATTEMPT}: {attempt}\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative; boundary=\"{BOUNDARY}\"\r\n",
            letter.to,
            subject_header(call.template.subject(letter)),
            at.to_rfc2822(),
            self.domain,
            one_word(letter.unsubscribe_url()),
        )
        .expect("writing into a String cannot fail");
    }
}

fn from_header(sender: &Sender) -> String {
    // An address that lettre cannot name has already been refused by `EmailAddress`, which asks lettre.
    let address = sender.address.as_str().parse().expect("an EmailAddress is an address for lettre");
    let name = Some(sender.name.clone()).filter(|name| !name.is_empty());
    let mut headers = Headers::new();
    headers.set(header::From::from(Mailboxes::from(Mailbox::new(name, address))));
    headers.to_string()
}

/// The sender as the value of a header, on one line.
pub(super) fn from_value(sender: &Sender) -> String {
    from_header(sender).trim_start_matches("From: ").replace("\r\n", "")
}

/// The subject's header line, encoded where it is not ASCII.
fn subject_header(subject: String) -> String {
    let mut headers = Headers::with_capacity(1);
    headers.insert_raw(header::Subject::from(subject).display());
    headers.to_string()
}

fn write_part_headers(content_type: &str, out: &mut String) {
    for text in [
        "\r\n--",
        BOUNDARY,
        "\r\nContent-Type: ",
        content_type,
        "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
    ] {
        out.push_str(text);
    }
}

/// `text` without what could end a header or its angle brackets.
pub(super) fn one_word(text: &str) -> Cow<'_, str> {
    let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>');
    if text.as_bytes().iter().all(fits) {
        return Cow::Borrowed(text);
    }
    text.bytes().filter(fits).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::Composer;
    use crate::email_address::EmailAddress;
    use crate::letters::LetterKind;
    use crate::mail::providers::Sender;
    use crate::mail::template::{EmailTemplate, Locale, Templates};
    use crate::mail::{Call, Letter};

    fn compose(sender_name: &str, values: Vec<String>) -> (String, crate::mail::template::Rendered) {
        let address = EmailAddress::parse("invitations@almanac.example").expect("well formed");
        let sender = Sender { address, name: sender_name.to_owned() };
        let templates = Templates::embedded();
        let template = templates.get(LetterKind::Invitation, EmailTemplate::Friendly, Locale::French);
        let letter = Letter {
            message: "42/first".to_owned(),
            to: EmailAddress::parse("ada@example.org").expect("well formed"),
            values,
        };
        let call = Call { attempt: "attempt-1", template, letters: &[&letter] };
        let at = DateTime::from_timestamp(1_793_901_600, 0).expect("a time");
        (Composer::new(&sender).compose(call, &letter, at), template.render(&letter))
    }

    #[test]
    fn a_reader_finds_the_words_that_were_rendered() {
        let mut values = vec!["Zoë-«Ünï»-🦀".repeat(20); 7];
        values[2] = ".\n..\nDots, =3D, --=_almanac-- and a long line ".repeat(30);
        let (message, rendered) = compose("Jeanne d’Arc, \"Pucelle\"", values);
        let parsed = mail_parser::MessageParser::default().parse(&message).expect("a message");
        assert_eq!(parsed.subject(), Some(rendered.subject.as_str()));
        assert_eq!(parsed.body_text(0).as_deref(), Some(rendered.text.replace('\n', "\r\n").as_str()));
        assert_eq!(parsed.body_html(0).as_deref(), Some(rendered.html.replace('\n', "\r\n").as_str()));
        let from = parsed.from().and_then(|from| from.first()).expect("a sender");
        assert_eq!(from.name(), Some("Jeanne d’Arc, \"Pucelle\""));
        assert_eq!(from.address(), Some("invitations@almanac.example"));
        for line in message.split("\r\n") {
            assert!(line.is_ascii() && line.len() <= 998 && !line.starts_with('.'), "{line:?}");
        }
    }

    #[test]
    fn no_value_can_add_a_header() {
        let mut values = vec!["x\r\nBcc: eve@example.org".to_owned(); 7];
        values[6] = "https://almanac.example/u/42.x\r\nBcc: <eve@example.org>".to_owned();
        let (message, _) = compose("Ada", values);
        let (headers, _) = message.split_once("\r\n\r\n").expect("headers and body");
        insta::assert_snapshot!(headers.replace("\r\n", "\n"), @r#"
        From: Ada <invitations@almanac.example>
        To: ada@example.org
        Subject: xBcc: eve@example.org aimerait avoir de vos nouvelles
        Date: Thu, 5 Nov 2026 18:00:00 +0000
        Message-ID: <42/first.attempt-1@almanac.example>
        List-Unsubscribe: <https://almanac.example/u/42.xBcc:eve@example.org>
        List-Unsubscribe-Post: List-Unsubscribe=One-Click
        X-Almanac-Invitation: 42/first
        X-Almanac-Attempt: attempt-1
        MIME-Version: 1.0
        Content-Type: multipart/alternative; boundary="=_almanac"
        "#);
    }
}
