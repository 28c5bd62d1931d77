//! Mails of a bounce mailbox: delivery status notifications (RFC 3464) and reports of spam (RFC 5965).
//!
//! Anybody can send such a mail, so one is believed only as far as it brings back the headers of a letter of ours: its
//! attempt's id, which nobody can guess, and its contact's own signed unsubscribe link, which no other letter has. Whom it
//! names as the recipient is not looked at.

use chrono::{DateTime, SubsecRound, Utc};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders as _, PartType};
use shared::{
    claims::evidence::AttemptId,
    feedback::{Feedback, Kind, LetterName, Source},
    links::LinkKeys,
    mail::headers,
};

use crate::{
    Reading, Unreadable,
    ses::{is_complaint, word},
};

/// Reads a mail. `keys` are those that the links of letters were signed with.
pub(crate) fn read(mail: &[u8], keys: &LinkKeys) -> Result<Reading, Unreadable> {
    let mail = MessageParser::default().parse(mail);
    let mail = mail.ok_or_else(|| Unreadable("expected a mail, found no header".to_owned()))?;
    let report = mail.parts.iter().find_map(Report::of_part);
    let Some(report) = report else { return Ok(nothing("no report about a letter")) };
    let Some(letter) = mail.parts.iter().find_map(|part| Letter::of_part(part, keys)) else {
        return Ok(nothing("a report about no letter of ours"));
    };
    let Some((kind, code)) = report.verdict() else { return Ok(nothing("a report that moves nothing")) };
    let Some(happened_at) = report.last_attempt.or_else(|| mail.date().and_then(moment)).or(report.arrival) else {
        return Err(Unreadable("a report about a letter of ours, without any date".to_owned()));
    };
    Ok(Reading::Feedback(Feedback {
        kind,
        source: Source::Mail { contact: letter.contact },
        about: Some((letter.attempt, letter.id)),
        happened_at,
        code,
        provider_id: String::new(),
    }))
}

fn nothing(reason: &str) -> Reading {
    Reading::Nothing(reason.to_owned())
}

/// What a report says.
struct Report {
    fields: Fields,
    arrival: Option<DateTime<Utc>>,
    last_attempt: Option<DateTime<Utc>>,
}

/// The fields that decide.
enum Fields {
    /// Of a delivery status: `failed`, and `5.1.1`.
    Delivery { action: String, status: String },
    /// Of a report of spam: `abuse`.
    Spam { feedback_type: String },
}

impl Report {
    fn of_part(part: &MessagePart<'_>) -> Option<Self> {
        let content_type = part.content_type().filter(|kind| kind.ctype().eq_ignore_ascii_case("message"))?;
        let subtype = content_type.subtype().unwrap_or_default().to_ascii_lowercase();
        let groups = Groups::read(part.contents());
        let fields = match subtype.as_str() {
            "delivery-status" | "global-delivery-status" => {
                let (action, status) = (groups.field("Action"), groups.field("Status"));
                Fields::Delivery { action: action?.to_ascii_lowercase(), status: status.unwrap_or_default() }
            }
            "feedback-report" => Fields::Spam { feedback_type: groups.field("Feedback-Type")?.to_ascii_lowercase() },
            _ => return None,
        };
        let date = |name: &str| groups.field(name).and_then(|text| DateTime::parse_from_rfc2822(&text).ok());
        let [arrival, last_attempt] =
            ["Arrival-Date", "Last-Attempt-Date"].map(|name| date(name).map(|date| date.to_utc().trunc_subsecs(6)));
        Some(Self { fields, arrival, last_attempt })
    }

    /// What it says, and in which code; `None` where nothing follows from it.
    fn verdict(&self) -> Option<(Kind, String)> {
        match &self.fields {
            Fields::Delivery { action, status } => {
                let kind = match action.as_str() {
                    "failed" if is_for_good(status) => Kind::BouncedForGood,
                    "failed" => Kind::BouncedForNow,
                    "delayed" => Kind::Delayed,
                    "delivered" => Kind::Delivered,
                    _ => return None,
                };
                Some((kind, word(status)))
            }
            Fields::Spam { feedback_type } => {
                is_complaint(feedback_type).then(|| (Kind::Complained, word(feedback_type)))
            }
        }
    }
}

/// Whether a status (RFC 3463) says that the mailbox is not there, so that no letter will ever arrive. A server also says
/// 5 of a mailbox that is full, and of a letter or a sender that it does not like today.
fn is_for_good(status: &str) -> bool {
    let mut parts = status.split('.').map(|part| part.trim().parse::<u16>().ok());
    let (class, subject, detail) = (parts.next().flatten(), parts.next().flatten(), parts.next().flatten());
    match (class, subject, detail) {
        // Addresses: unknown, moved, without a server; not what is not told (5.1.0), nor what the sender spoils (5.1.7,
        // 5.1.8).
        (Some(5), Some(1), Some(detail)) => !matches!(detail, 0 | 7 | 8),
        // Disabled, not accepting messages.
        (Some(5), Some(2), Some(1)) => true,
        // Unable to route: the domain is not there.
        (Some(5), Some(4), Some(4)) => true,
        _ => false,
    }
}

/// Groups of fields, as both kinds of report have them: like headers, with blank lines between groups.
struct Groups<'r>(Vec<Message<'r>>);

/// The most groups that are looked at: that of the mail and that of its recipient. A letter of ours has one.
const GROUPS: usize = 8;

impl<'r> Groups<'r> {
    fn read(report: &'r [u8]) -> Self {
        let mut groups = Vec::new();
        let mut rest = report.trim_ascii_start();
        while !rest.is_empty() && groups.len() < GROUPS {
            let end = end_of_group(rest);
            groups.extend(MessageParser::default().parse_headers(&rest[..end]));
            rest = rest[end..].trim_ascii_start();
        }
        Self(groups)
    }

    /// The first field of that name.
    fn field(&self, name: &str) -> Option<String> {
        let raw = self.0.iter().find_map(|group| group.header_raw(name))?;
        Some(raw.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Where a blank line ends the group that a text begins with.
fn end_of_group(text: &[u8]) -> usize {
    let mut end = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        end += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    end
}

/// What a returned letter says of itself.
struct Letter {
    attempt: AttemptId,
    id: LetterName,
    contact: i64,
}

impl Letter {
    /// The letter that a part holds, whole or only its headers.
    fn of_part(part: &MessagePart<'_>, keys: &LinkKeys) -> Option<Self> {
        if let PartType::Message(letter) = &part.body {
            return Self::of_message(letter, keys);
        }
        let content_type = part.content_type()?;
        let subtype = content_type.subtype().unwrap_or_default();
        let holds_headers = ["rfc822-headers", "global-headers"].iter().any(|name| subtype.eq_ignore_ascii_case(name));
        if !holds_headers {
            return None;
        }
        let end = end_of_group(part.contents());
        Self::of_message(&MessageParser::default().parse_headers(&part.contents()[..end])?, keys)
    }

    fn of_message(letter: &Message<'_>, keys: &LinkKeys) -> Option<Self> {
        Some(Self {
            attempt: letter.header_raw(headers::ATTEMPT)?.parse().ok()?,
            id: letter.header_raw(headers::INVITATION)?.parse().ok()?,
            contact: signed_contact(letter.header_raw("List-Unsubscribe")?, keys)?,
        })
    }
}

/// The contact whose unsubscribe link a header holds, `<https://…/CONTACT.TAG>`, if it is one of ours.
fn signed_contact(header: &str, keys: &LinkKeys) -> Option<i64> {
    let header: String = header.split_whitespace().collect();
    header.split(',').find_map(|link| {
        let link = link.strip_prefix('<')?.strip_suffix('>')?;
        keys.read_unsubscribe(link.rsplit('/').next()?).ok()
    })
}

fn moment(date: &mail_parser::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_secs(date.to_timestamp()).filter(|moment| moment.timestamp() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tests::provider_feedback::postfix_bounce as bounce;
    use proptest::prelude::*;
    use shared::letters::{LetterKind, ReminderKind};

    fn keys() -> LinkKeys {
        LinkKeys::from_secret(&[7; 32])
    }

    /// The headers of a letter to contact 42.
    fn letter() -> String {
        format!("{HEADERS}\r\nList-Unsubscribe: <{}>", keys().unsubscribe_link("https://almanac.example", 42))
    }

    const HEADERS: &str = "From: Almanac <invitations@almanac.example>\r\n\
                          To: ada@example.org\r\n\
                          Date: Thu, 5 Nov 2026 17:00:01 +0000\r\n\
                          Message-ID: <65537.1.0.0a1b2c3d@almanac.example>\r\n\
                          X-Almanac-Invitation: 65537\r\n\
                          X-Almanac-Attempt: 1.0.0a1b2c3d";

    fn read_text(mail: &str) -> Reading {
        read(mail.as_bytes(), &keys()).expect("a mail")
    }

    fn feedback(mail: &str) -> Feedback {
        match read_text(mail) {
            Reading::Feedback(feedback) => feedback,
            Reading::Nothing(reason) => panic!("{reason}"),
        }
    }

    fn nothing_of(mail: &str) -> String {
        match read_text(mail) {
            Reading::Nothing(reason) => reason,
            Reading::Feedback(feedback) => panic!("{feedback:?}"),
        }
    }

    #[test]
    fn a_bounce_leads_back_to_its_letter_however_much_of_it_is_returned() {
        for returned in ["message/rfc822", "text/rfc822-headers", "text/rfc822-headers; charset=us-ascii"] {
            let read = feedback(&bounce("failed", "5.1.1", returned, &letter()));
            let (attempt, letter) = read.about.expect("it names both");
            assert_eq!((attempt.to_string().as_str(), letter.invitation.0), ("1.0.0a1b2c3d", 65_537), "{returned}");
            assert_eq!((read.kind, read.code.as_str()), (Kind::BouncedForGood, "5.1.1"));
            assert_eq!(read.happened_at.to_rfc3339(), "2026-11-05T17:00:09+00:00");
            assert!(matches!(read.source, Source::Mail { contact: 42 }), "whom it names is not believed");
        }
        let of_reminder = letter().replace("65537\r\nX", "65537/second\r\nX");
        let (_, letter) = feedback(&bounce("failed", "5.1.1", "message/rfc822", &of_reminder)).about.expect("both");
        assert_eq!(letter.kind, LetterKind::Reminder(ReminderKind::Second));
    }

    #[test]
    fn only_a_mailbox_that_is_not_there_is_given_up_for_good() {
        let kind = |action: &str, status: &str| feedback(&bounce(action, status, "message/rfc822", &letter())).kind;
        for status in ["5.1.1", "5.1.2", "5.1.10", "5.2.1", "5.4.4"] {
            assert_eq!(kind("failed", status), Kind::BouncedForGood, "{status}");
        }
        for status in ["5.1.0", "5.2.2", "5.7.1", "5.1.8", "5.0.0", "4.4.1", "5.3.4", "", "no status"] {
            assert_eq!(kind("failed", status), Kind::BouncedForNow, "{status}");
        }
        assert_eq!(kind("Delayed", "4.4.1"), Kind::Delayed);
        assert_eq!(kind("delivered", "2.0.0"), Kind::Delivered);
        let relayed = bounce("relayed", "2.0.0", "message/rfc822", &letter());
        assert_eq!(nothing_of(&relayed), "a report that moves nothing");
    }

    #[test]
    fn a_report_about_somebody_else_s_letter_and_any_other_mail_move_nothing() {
        let foreign = letter().replace("X-Almanac-Attempt", "X-Other");
        assert_eq!(
            nothing_of(&bounce("failed", "5.1.1", "message/rfc822", &foreign)),
            "a report about no letter of ours"
        );
        let guessed = letter().replace("/unsubscribe/42.", "/unsubscribe/43.");
        let unsigned = HEADERS.to_owned();
        for forged in [guessed, unsigned] {
            let forged = bounce("failed", "5.1.1", "message/rfc822", &forged);
            assert_eq!(nothing_of(&forged), "a report about no letter of ours", "without its contact's own link");
        }
        let reply = format!("{}\r\n\r\nThank you!\r\n", letter());
        assert_eq!(nothing_of(&reply), "no report about a letter");
    }

    #[test]
    fn a_report_of_spam_is_a_complaint() {
        let letter = letter();
        let report = |kind: &str| {
            format!(
                "Date: Fri, 6 Nov 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/report; report-type=feedback-report; boundary=\"b\"\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n\
                 --b\r\nContent-Type: message/feedback-report\r\n\r\n\
                 Feedback-Type: {kind}\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n\
                 --b\r\nContent-Type: message/rfc822\r\n\r\n{letter}\r\n\r\nBonjour\r\n--b--\r\n"
            )
        };
        let read = feedback(&report("abuse"));
        assert_eq!((read.kind, read.code.as_str()), (Kind::Complained, "abuse"));
        for harmless in ["not-spam", "virus", "auth-failure"] {
            assert_eq!(nothing_of(&report(harmless)), "a report that moves nothing");
        }
    }

    proptest! {
        #[test]
        fn no_mail_makes_the_reader_fall_over(junk in ".{0,300}", cut in 0..2_500_usize) {
            read(junk.as_bytes(), &keys()).ok();
            let bounce = bounce("failed", "5.1.1", "message/rfc822", &letter());
            read(&bounce.as_bytes()[..cut.min(bounce.len())], &keys()).ok();
        }
    }
}
