//! Events of Amazon SES, as its event publishing and its older notifications say them, in an envelope of SNS or without.
//!
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, error::Category};
use shared::{
    claims::evidence::AttemptId,
    email_address::EmailAddress,
    feedback::{Feedback, Kind, LetterName, Source},
    mail::headers,
};

use crate::{Reading, Unreadable};

/// What SES says when it is given a topic, in plain words.
const GREETING: &str = "Successfully validated SNS topic";

/// How many envelopes there may be around an event: one, and never many.
const ENVELOPES: usize = 3;

/// Reads an event.
pub(crate) fn read(body: &[u8]) -> Result<Reading, Unreadable> {
    if body.trim_ascii_start().starts_with(GREETING.as_bytes()) {
        return Ok(Reading::Nothing("SES greets its topic".to_owned()));
    }
    let mut event: Value = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    for _ in 0..ENVELOPES {
        match event.get("Type").and_then(Value::as_str) {
            None => break,
            Some("Notification") => {}
            Some(other) => return Ok(Reading::Nothing(format!("SNS says {}", word(other)))),
        }
        let Some(message) = event.get("Message").and_then(Value::as_str) else { break };
        if message.starts_with(GREETING) {
            return Ok(Reading::Nothing("SES greets its topic".to_owned()));
        }
        event = serde_json::from_str(message).map_err(|error| unreadable(&error))?;
    }
    let event: Event = serde_json::from_value(event).map_err(|error| unreadable(&error))?;
    event.read()
}

/// The fault without what was read: an error of the parser repeats values.
fn unreadable(error: &serde_json::Error) -> Unreadable {
    let fault = match error.classify() {
        Category::Syntax => "no JSON",
        Category::Eof => "JSON that is cut off",
        Category::Data | Category::Io => "JSON without the fields of one",
    };
    Unreadable(format!("expected an event of SES, found {fault} (line {}, column {})", error.line(), error.column()))
}

/// What SES does not know it leaves out, or says `null`.
fn or_default<'d, D: Deserializer<'d>, T: Default + Deserialize<'d>>(said: D) -> Result<T, D::Error> {
    Option::deserialize(said).map(Option::unwrap_or_default)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(alias = "notificationType")]
    event_type: String,
    mail: Option<Mail>,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery: Option<Detail>,
    delivery_delay: Option<DeliveryDelay>,
    open: Option<Detail>,
    click: Option<Detail>,
    reject: Option<Reject>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    timestamp: DateTime<Utc>,
    #[serde(default, deserialize_with = "or_default")]
    message_id: String,
    #[serde(default, deserialize_with = "or_default")]
    destination: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    headers: Vec<Header>,
    #[serde(default, deserialize_with = "or_default")]
    tags: std::collections::BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Header {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    value: String,
}

/// What all kinds have in common.
#[derive(Debug, Deserialize)]
struct Detail {
    timestamp: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    timestamp: Option<DateTime<Utc>>,
    bounce_type: String,
    #[serde(default, deserialize_with = "or_default")]
    bounce_sub_type: String,
    #[serde(default, deserialize_with = "or_default")]
    bounced_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    timestamp: Option<DateTime<Utc>>,
    complaint_feedback_type: Option<String>,
    complaint_sub_type: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    complained_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryDelay {
    timestamp: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "or_default")]
    delay_type: String,
}

#[derive(Debug, Deserialize)]
struct Reject {
    #[serde(default, deserialize_with = "or_default")]
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    #[serde(default, deserialize_with = "or_default")]
    email_address: String,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
}

/// One thing that was said, before it is known of which letter.
struct Said {
    kind: Kind,
    at: Option<DateTime<Utc>>,
    code: String,
    /// To whom it happened, where the event names those apart.
    recipients: Vec<Recipient>,
}

impl Event {
    fn read(self) -> Result<Reading, Unreadable> {
        let event_type = word(&self.event_type);
        let missing = || Unreadable(format!("an event {event_type} of SES without what it is about"));
        let said = match self.event_type.as_str() {
            "Send" => Said::plain(Kind::Sent, None),
            "Delivery" => Said::plain(Kind::Delivered, self.delivery),
            "Open" => Said::plain(Kind::Opened, self.open),
            "Click" => Said::plain(Kind::Clicked, self.click),
            "DeliveryDelay" => self.delivery_delay.ok_or_else(missing)?.said(),
            "Bounce" => self.bounce.ok_or_else(missing)?.said(),
            "Complaint" => match self.complaint.ok_or_else(missing)?.said() {
                Some(said) => said,
                None => return Ok(Reading::Nothing("a report that complains of nothing".to_owned())),
            },
            "Reject" => {
                let reason = self.reject.map(|reject| word(&reject.reason)).unwrap_or_default();
                Said { code: reason, ..Said::plain(Kind::Rejected, None) }
            }
            // Its error repeats what the template was to be filled with.
            "Rendering Failure" | "RenderingFailure" => Said::plain(Kind::Unrenderable, None),
            _ => return Ok(Reading::Nothing(format!("SES says {event_type}, which moves nothing"))),
        };
        Ok(Reading::Feedback(self.mail.ok_or_else(missing)?.feedback(said)))
    }
}

impl Said {
    fn plain(kind: Kind, detail: Option<Detail>) -> Self {
        Self { kind, at: detail.and_then(|detail| detail.timestamp), code: String::new(), recipients: Vec::new() }
    }
}

impl Bounce {
    /// Of what passes only a full mailbox is held against an address: of the rest AWS says that it is the letter (its
    /// size, its content, an attachment), or most often an automatic answer. `Undetermined` counts as passing, too.
    ///
    /// <https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types>
    fn said(self) -> Said {
        let kind = match (self.bounce_type.as_str(), self.bounce_sub_type.as_str()) {
            ("Permanent", _) => Kind::BouncedForGood,
            ("Transient", "MailboxFull") => Kind::BouncedForNow,
            ("Transient", _) => Kind::Delayed,
            _ => Kind::BouncedForNow,
        };
        let status = self.bounced_recipients.first().map(|recipient| word(&recipient.status)).unwrap_or_default();
        let code = [word(&self.bounce_sub_type), status].join(" ").trim().to_owned();
        Said { kind, at: self.timestamp, code, recipients: self.bounced_recipients }
    }
}

impl Complaint {
    /// `None` for a report that complains of nothing.
    fn said(self) -> Option<Said> {
        let said = self.complaint_feedback_type.or(self.complaint_sub_type).unwrap_or_default();
        let (kind, at) = (Kind::Complained, self.timestamp);
        is_complaint(&said).then(|| Said { kind, at, code: word(&said), recipients: self.complained_recipients })
    }
}

impl DeliveryDelay {
    fn said(self) -> Said {
        Said { code: word(&self.delay_type), ..Said::plain(Kind::Delayed, Some(Detail { timestamp: self.timestamp })) }
    }
}

impl Mail {
    fn feedback(self, said: Said) -> Feedback {
        let named: Vec<String> = said.recipients.into_iter().map(|recipient| recipient.email_address).collect();
        let recipients = if named.is_empty() { &self.destination } else { &named };
        Feedback {
            kind: said.kind,
            source: Source::Provider {
                recipients: recipients.iter().filter_map(|text| EmailAddress::parse(text).ok()).collect(),
            },
            about: self.about(),
            happened_at: said.at.unwrap_or(self.timestamp).trunc_subsecs(6),
            code: said.code,
            provider_id: self.message_id.chars().filter(|c| c.is_ascii_graphic()).take(128).collect(),
        }
    }

    /// The attempt and the letter that the mail names: in its tags where it went out by a bulk call, in its headers where
    /// it went out by SES's SMTP.
    fn about(&self) -> Option<(AttemptId, LetterName)> {
        let said = |tag: &str, header: &str| {
            let tagged = self.tags.get(tag).and_then(|values| values.first());
            let headed = || self.headers.iter().find(|one| one.name.eq_ignore_ascii_case(header)).map(|one| &one.value);
            tagged.or_else(headed)
        };
        let attempt = said(headers::ATTEMPT_TAG, headers::ATTEMPT)?.parse().ok()?;
        let letter = said(headers::INVITATION_TAG, headers::INVITATION)?.parse().ok()?;
        Some((attempt, letter))
    }
}

/// Whether a report of that type says that a letter is unwanted: not that it is no spam, holds a virus, or fails a check
/// of who sent it. One that does not say its type does.
///
/// <https://www.iana.org/assignments/marf-parameters>
pub(crate) fn is_complaint(feedback_type: &str) -> bool {
    !matches!(feedback_type, "not-spam" | "virus" | "auth-failure" | "dmarc")
}

/// Only what a code can hold, and not much of it.
pub(crate) fn word(code: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '/');
    code.chars().filter(|&c| fits(c)).take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use shared::letters::{LetterKind, ReminderKind};

    fn mail() -> Value {
        json!({
            "timestamp": "2026-11-05T17:00:01.002Z", "source": "Almanac <invitations@almanac.example>",
            "sourceArn": "arn:aws:ses:eu-west-3:123456789012:identity/almanac.example",
            "sendingAccountId": "123456789012", "messageId": "0107018c-1f4e-000000", "destination": ["Ada@Example.org"],
            "headersTruncated": false, "headers": [{"name": "To", "value": "ada@example.org"}],
            "commonHeaders": {"subject": "Ada", "to": ["ada@example.org"]},
            "tags": {"ses:configuration-set": ["almanac"], "attempt": ["1.0.0a1b2c3d"], "invitation": ["65537_first"]},
        })
    }

    fn event(event_type: &str, detail: (&str, Value)) -> Value {
        json!({"eventType": event_type, "mail": mail(), detail.0: detail.1})
    }

    fn feedback(event: &Value) -> Feedback {
        match read(event.to_string().as_bytes()).expect("readable") {
            Reading::Feedback(feedback) => feedback,
            Reading::Nothing(reason) => panic!("{reason}"),
        }
    }

    fn nothing(body: &str) -> String {
        match read(body.as_bytes()).expect("readable") {
            Reading::Nothing(reason) => reason,
            Reading::Feedback(feedback) => panic!("{feedback:?}"),
        }
    }

    fn bounce(bounce_type: &str, sub_type: &str, status: &str) -> Value {
        let recipient = json!({"emailAddress": "ada@example.org", "action": "failed", "status": status,
                               "diagnosticCode": "smtp; 550 ada@example.org is unknown"});
        let detail = json!({"feedbackId": "f-1", "bounceType": bounce_type, "bounceSubType": sub_type,
                            "bouncedRecipients": [recipient], "timestamp": "2026-11-05T17:00:03Z",
                            "reportingMTA": "dsn; a8-70.smtp-out.eu-west-3.amazonses.com"});
        event("Bounce", ("bounce", detail))
    }

    #[test]
    fn every_kind_of_event_is_read() {
        let at = |second: u32| json!({"timestamp": format!("2026-11-05T17:00:{second:02}.5Z")});
        let complaint = |kind: &str| {
            event(
                "Complaint",
                (
                    "complaint",
                    json!({"complainedRecipients": [{"emailAddress": "ada@example.org"}],
                "timestamp": "2026-11-05T18:00:00Z", "complaintSubType": null, "complaintFeedbackType": kind}),
                ),
            )
        };
        let delay = json!({"timestamp": "2026-11-05T17:05:00Z", "delayType": "MailboxFull",
                           "expirationTime": "2026-11-06T05:00:00Z", "delayedRecipients": []});
        let failure = json!({"templateName": "", "errorMessage": "Attribute 'greeting' of Ada is not present"});
        for (event, kind, code) in [
            (event("Send", ("send", json!({}))), Kind::Sent, ""),
            (event("Delivery", ("delivery", at(2))), Kind::Delivered, ""),
            (event("DeliveryDelay", ("deliveryDelay", delay)), Kind::Delayed, "MailboxFull"),
            (event("Open", ("open", at(9))), Kind::Opened, ""),
            (event("Click", ("click", at(10))), Kind::Clicked, ""),
            (bounce("Permanent", "NoEmail", "5.1.1"), Kind::BouncedForGood, "NoEmail 5.1.1"),
            (bounce("Transient", "MailboxFull", ""), Kind::BouncedForNow, "MailboxFull"),
            (bounce("Transient", "General", ""), Kind::Delayed, "General"),
            (bounce("Transient", "ContentRejected", "5.6.1"), Kind::Delayed, "ContentRejected 5.6.1"),
            (bounce("Undetermined", "Undetermined", ""), Kind::BouncedForNow, "Undetermined"),
            (complaint("abuse"), Kind::Complained, "abuse"),
            (complaint(""), Kind::Complained, ""),
            (event("Reject", ("reject", json!({"reason": "Bad content"}))), Kind::Rejected, "Bad content"),
            (event("Rendering Failure", ("failure", failure)), Kind::Unrenderable, ""),
        ] {
            let read = feedback(&event);
            assert_eq!((read.kind, read.code.as_str()), (kind, code), "{event}");
            let Source::Provider { recipients } = read.source else { panic!("the provider says so") };
            assert_eq!(recipients.iter().map(EmailAddress::as_str).collect::<Vec<_>>(), ["ada@example.org"]);
        }
        for harmless in ["not-spam", "virus", "auth-failure"] {
            assert_eq!(nothing(&complaint(harmless).to_string()), "a report that complains of nothing");
        }
    }

    #[test]
    fn a_letter_is_known_by_its_tags_and_by_its_headers_where_it_has_none() {
        let about = |event: &Value| feedback(event).about.map(|(attempt, id)| (attempt.to_string(), id.kind));
        let mut event = event("Send", ("send", json!({})));
        assert_eq!(about(&event), Some(("1.0.0a1b2c3d".to_owned(), LetterKind::Reminder(ReminderKind::First))));
        event["mail"]["tags"] = json!({"ses:configuration-set": ["almanac"]});
        assert_eq!(about(&event), None);
        event["mail"]["headers"] = json!([{"name": "x-almanac-attempt", "value": "2.1.ffffffff"},
                                          {"name": "X-Almanac-Invitation", "value": "65537/second"}]);
        assert_eq!(about(&event), Some(("2.1.ffffffff".to_owned(), LetterKind::Reminder(ReminderKind::Second))));
        event["mail"]["headers"][0]["value"] = "somebody else's".into();
        assert_eq!(about(&event), None);
    }

    #[test]
    fn an_envelope_of_sns_and_the_older_name_change_nothing() {
        let mut event = bounce("Permanent", "General", "5.1.1");
        event["notificationType"] = event.as_object_mut().expect("an object").remove("eventType").expect("a type");
        let envelope = json!({"Type": "Notification", "MessageId": "m", "Message": event.to_string()});
        assert_eq!(feedback(&envelope).kind, Kind::BouncedForGood);
    }

    #[test]
    fn what_moves_nothing_is_named() {
        let greeting = "Successfully validated SNS topic for Amazon SES event publishing.";
        assert_eq!(nothing(greeting), "SES greets its topic");
        let envelope = json!({"Type": "Notification", "Message": greeting}).to_string();
        assert_eq!(nothing(&envelope), "SES greets its topic");
        let confirmation = json!({"Type": "SubscriptionConfirmation", "Token": "t"}).to_string();
        assert_eq!(nothing(&confirmation), "SNS says SubscriptionConfirmation");
        let subscription = event("Subscription", ("subscription", json!({}))).to_string();
        assert_eq!(nothing(&subscription), "SES says Subscription, which moves nothing");
        let greeting = json!({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "…"}).to_string();
        assert_eq!(nothing(&greeting), "SES says AmazonSnsSubscriptionSucceeded, which moves nothing");
    }

    #[test]
    fn what_ses_does_not_know_it_may_call_null() {
        let mut event = bounce("Permanent", "General", "5.1.1");
        for field in ["headers", "tags", "destination"] {
            event["mail"][field] = Value::Null;
        }
        event["bounce"]["bouncedRecipients"][0]["status"] = Value::Null;
        assert_eq!((feedback(&event).kind, feedback(&event).code.as_str()), (Kind::BouncedForGood, "General"));
    }

    #[test]
    fn what_cannot_be_read_is_never_repeated() {
        for body in [
            "",
            "ada@example.org",
            "{\"eventType\":",
            "[\"ada@example.org\"]",
            r#"{"eventType": {"a": "ada@example.org"}, "mail": {"timestamp": "2026-11-05T17:00:00Z"}}"#,
            r#"{"eventType": "Bounce", "mail": {"timestamp": "ada@example.org"}}"#,
            r#"{"eventType": "Bounce", "mail": {"timestamp": "2026-11-05T17:00:00Z", "destination": "ada@example.org"}}"#,
            r#"{"eventType": "Bounce", "mail": {"timestamp": "2026-11-05T17:00:00Z"}}"#,
        ] {
            let fault = read(body.as_bytes()).expect_err(body).to_string();
            assert!(!fault.contains("ada") && fault.contains("of SES"), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn a_code_is_short_and_can_name_no_address(text in ".{0,200}") {
            let word = word(&text);
            prop_assert!(word.len() <= 30 && !word.contains('@'));
        }
    }
}
