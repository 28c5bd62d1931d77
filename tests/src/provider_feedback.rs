//! What providers say of letters afterwards: as Almanac reads it, and as SES and mail servers write it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};
use shared::{
    claims::Claim,
    feedback::{self, Feedback, Kind, LetterName, Recorded, Source},
    invitation::InvitationId,
    letters::LetterKind,
    records::Records,
};

use crate::{runs::scheduled_at, ses_fake::Taken};

/// A moment so many seconds after [`scheduled_at`].
pub fn at(seconds: i64) -> DateTime<Utc> {
    scheduled_at() + TimeDelta::seconds(seconds)
}

/// What was said of the invitation at a position of an attempt, some seconds after [`scheduled_at`].
pub fn said(kind: Kind, claim: &Claim, position: u32, seconds: i64) -> Feedback {
    let letter = LetterName { invitation: InvitationId::new(claim.batch, position), kind: LetterKind::Invitation };
    Feedback {
        kind,
        source: Source::Provider { recipients: Vec::new() },
        about: Some((claim.attempt().parse().expect("an attempt's id"), letter)),
        happened_at: at(seconds),
        code: String::new(),
        provider_id: format!("p-{position}"),
    }
}

/// Takes in what was said, a day later.
pub async fn take(records: &Records, said: Feedback) -> Recorded {
    let said = Arc::new(said);
    let recorded = records.transaction(move |tx| {
        let said = said.clone();
        async move { feedback::record(tx, &said, at(86_400)).await }.boxed()
    });
    recorded.await.expect("recorded")
}

/// The events that SES publishes about the letters of a bulk call, whose body this is: one of that type for each.
/// `detail` is named as SES names it: `("bounce", …)`.
pub fn ses_events(call: &[u8], event_type: &str, detail: (&str, &Value)) -> Vec<Value> {
    let call: Value = serde_json::from_slice(call).expect("JSON");
    let entries = call["BulkEmailEntries"].as_array().expect("entries").clone();
    let event = |(number, entry): (usize, Value)| json!({"eventType": event_type, "mail": mail_of(number, &entry), detail.0: detail.1});
    entries.into_iter().enumerate().map(event).collect()
}

/// The same about the letters that it took of a call.
pub fn ses_events_of(taken: &Taken, event_type: &str, detail: (&str, &Value)) -> Vec<Value> {
    let all = ses_events(&taken.body, event_type, detail).into_iter().enumerate();
    all.filter(|(place, _)| taken.places.contains(place)).map(|(_, event)| event).collect()
}

/// To whom the letters went that it took of a call.
pub fn recipients_of(taken: &Taken) -> Vec<String> {
    let events = ses_events_of(taken, "Send", ("send", &json!({})));
    let to = |event: &Value| event["mail"]["destination"][0].as_str().expect("an address").to_owned();
    events.iter().map(to).collect()
}

fn mail_of(number: usize, entry: &Value) -> Value {
    let pairs = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let mut tags = Map::new();
    tags.insert("ses:operation".to_owned(), json!(["SendBulkEmail"]));
    for tag in pairs(&entry["ReplacementTags"]) {
        tags.insert(tag["Name"].as_str().expect("a name").to_owned(), json!([tag["Value"]]));
    }
    let header = |header: Value| json!({"name": header["Name"], "value": header["Value"]});
    let headers: Vec<Value> = pairs(&entry["ReplacementHeaders"]).into_iter().map(header).collect();
    json!({
        "timestamp": at(1), "source": "invitations@almanac.example", "sendingAccountId": "123456789012",
        "messageId": format!("0107018c-{number}-000000"), "destination": entry["Destination"]["ToAddresses"],
        "headersTruncated": false, "headers": headers, "tags": tags,
    })
}

/// What SES says of a bounce to nobody in particular.
pub fn ses_bounce(bounce_type: &str) -> Value {
    json!({"bounceType": bounce_type, "bounceSubType": "General", "bouncedRecipients": [], "timestamp": at(3),
           "feedbackId": "0107018c-f-000000"})
}

/// A bounce as Postfix writes it, about a letter that it returns in a part of that type: `message/rfc822` or
/// `text/rfc822-headers`.
pub fn postfix_bounce(action: &str, status: &str, returned: &str, letter: &str) -> String {
    format!(
        "Return-Path: <>\r\n\
         Date: Thu,  5 Nov 2026 18:00:09 +0100 (CET)\r\n\
         From: MAILER-DAEMON@mail.example.org (Mail Delivery System)\r\n\
         Subject: Undelivered Mail Returned to Sender\r\n\
         To: invitations@almanac.example\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\
         \tboundary=\"4F2.1793898009/mail.example.org\"\r\n\
         \r\n\
         This is a MIME-encapsulated message.\r\n\
         \r\n\
         --4F2.1793898009/mail.example.org\r\n\
         Content-Description: Notification\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\
         \r\n\
         <ada@example.org>: host mx.example.org said: 550 no such user\r\n\
         \r\n\
         --4F2.1793898009/mail.example.org\r\n\
         Content-Description: Delivery report\r\n\
         Content-Type: message/delivery-status\r\n\
         \r\n\
         Reporting-MTA: dns; mail.example.org\r\n\
         X-Postfix-Queue-ID: 4F2\r\n\
         Arrival-Date: Thu,  5 Nov 2026 18:00:02 +0100 (CET)\r\n\
         \r\n\
         Final-Recipient: rfc822; ada@example.org\r\n\
         Original-Recipient: rfc822;ada@example.org\r\n\
         Action: {action}\r\n\
         Status: {status}\r\n\
         Remote-MTA: dns; mx.example.org\r\n\
         Diagnostic-Code: smtp; 550\r\n\x20\x20no such user\r\n\
         \r\n\
         --4F2.1793898009/mail.example.org\r\n\
         Content-Description: Undelivered Message\r\n\
         Content-Type: {returned}\r\n\
         \r\n\
         {letter}\r\n\
         \r\n\
         --4F2.1793898009/mail.example.org--\r\n"
    )
}
