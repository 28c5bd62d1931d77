//! SES over real connections: what each misfortune is answered with, and what the service has really taken.

use std::sync::Arc;

use aws_sdk_sesv2::{
    config::{Credentials, Region},
    types::{
        BulkEmailContent, BulkEmailEntry, Destination, EmailTemplateContent, MessageHeader, MessageTag,
        ReplacementEmailContent, ReplacementTemplate, Template as InlineTemplate,
    },
};
use shared::letters::LetterKind;
use shared::mail::template::{EmailTemplate, Locale, Templates};
use shared::mail::{Answer, Mailer, Refusal};
use tests::letters::{self, letter, letters, send, send_as};
use tests::ses_fake::{Behaviour, SesFake};

async fn mailer(address: impl std::fmt::Display) -> Arc<dyn Mailer> {
    letters::mailer(&format!("ses+http://{address}")).await.expect("a mailer")
}

fn refused(refusal: Refusal, cause: &str) -> Answer {
    Answer::Refused { refusal, cause: cause.to_owned() }
}

async fn answers_of(behaviour: Behaviour, count: usize) -> (Vec<Answer>, SesFake) {
    let fake = SesFake::with_script(move |_| behaviour.clone()).await.expect("a server");
    let answers = send(&*mailer(fake.address()).await, &letters(count)).await;
    assert_eq!(fake.calls(), 1, "nothing is tried twice");
    (answers, fake)
}

#[tokio::test]
async fn a_claim_is_one_call_with_its_attempt_and_every_entry_s_own_result() {
    let fake = SesFake::start().await.expect("a server");
    let mailer = mailer(fake.address()).await;
    let templates = Templates::embedded();
    let template = templates.get(LetterKind::Invitation, EmailTemplate::Fun, Locale::English);
    let answers = send_as(&*mailer, "attempt-77", template, &letters(50)).await;
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(*answer, Answer::Accepted { provider_id: format!("fake-0-{at}") });
    }
    assert_eq!((fake.calls(), fake.tally().received(), fake.tally().distinct()), (1, 50, 50));
    assert_eq!(fake.attempts(), ["attempt-77"]);
}

#[tokio::test]
async fn the_request_carries_the_one_click_headers_the_tag_and_the_words() {
    let fake = SesFake::start().await.expect("a server");
    send(&*mailer(fake.address()).await, &[letter("42/first")]).await;
    let body: serde_json::Value = serde_json::from_slice(&fake.bodies()[0]).expect("JSON");
    let template = &body["DefaultContent"]["Template"];
    assert_eq!(template["Headers"][0]["Name"], "List-Unsubscribe-Post");
    assert_eq!(template["Headers"][0]["Value"], "List-Unsubscribe=One-Click");
    assert!(template["TemplateContent"]["Html"].as_str().is_some_and(|html| html.contains("{{greeting_html}}")));
    let entry = &body["BulkEmailEntries"][0];
    assert_eq!(entry["Destination"]["ToAddresses"][0], "ada42-first@example.org");
    assert_eq!(entry["ReplacementHeaders"][0]["Name"], "List-Unsubscribe");
    assert_eq!(entry["ReplacementHeaders"][0]["Value"], "<https://almanac.example/u/7.c2VjcmV0>");
    assert_eq!(entry["ReplacementHeaders"][1]["Value"], "42/first");
    let tag = |name: &str, value: &str| serde_json::json!({"Name": name, "Value": value});
    assert_eq!(
        entry["ReplacementTags"],
        serde_json::json!([tag("attempt", "attempt-1"), tag("invitation", "42_first")])
    );
    let data = entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"].as_str();
    let data: serde_json::Value = serde_json::from_str(data.expect("text")).expect("JSON");
    assert_eq!(data["custom_message"], "\nÀ bientôt & merci !\n🦀\n");
    assert_eq!(data["custom_message_html"], "À bientôt &amp; merci !<br>🦀");
    assert_eq!(body["FromEmailAddress"].as_str().map(str::is_ascii), Some(true));
}

/// What the SDK itself writes for one entry of a call, from typed values.
async fn written_by_the_sdk(entry: &serde_json::Value, call: &serde_json::Value) -> serde_json::Value {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let header = |header: &serde_json::Value| {
        MessageHeader::builder().name(text(&header["Name"])).value(text(&header["Value"])).build().expect("whole")
    };
    let tag = |tag: &serde_json::Value| {
        MessageTag::builder().name(text(&tag["Name"])).value(text(&tag["Value"])).build().expect("whole")
    };
    let template = &call["DefaultContent"]["Template"];
    let words = &template["TemplateContent"];
    let content = EmailTemplateContent::builder()
        .html(text(&words["Html"]))
        .subject(text(&words["Subject"]))
        .text(text(&words["Text"]));
    let inline = InlineTemplate::builder()
        .headers(header(&template["Headers"][0]))
        .template_content(content.build())
        .template_data(text(&template["TemplateData"]));
    let data = &entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"];
    let replacement = ReplacementTemplate::builder().replacement_template_data(text(data)).build();
    let entry = BulkEmailEntry::builder()
        .destination(Destination::builder().to_addresses(text(&entry["Destination"]["ToAddresses"][0])).build())
        .replacement_email_content(ReplacementEmailContent::builder().replacement_template(replacement).build())
        .replacement_headers(header(&entry["ReplacementHeaders"][0]))
        .replacement_headers(header(&entry["ReplacementHeaders"][1]))
        .replacement_tags(tag(&entry["ReplacementTags"][0]))
        .replacement_tags(tag(&entry["ReplacementTags"][1]));
    let fake = SesFake::start().await.expect("a server");
    let config = aws_sdk_sesv2::Config::builder()
        .behavior_version_latest()
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("stand-in", "stand-in", None, None, "stand-in"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(format!("http://{}", fake.address()));
    let sent = aws_sdk_sesv2::Client::from_conf(config.build())
        .send_bulk_email()
        .bulk_email_entries(entry.build())
        .configuration_set_name(text(&call["ConfigurationSetName"]))
        .default_content(BulkEmailContent::builder().template(inline.build()).build())
        .from_email_address(text(&call["FromEmailAddress"]));
    sent.send().await.expect("taken");
    serde_json::from_slice(&fake.bodies()[0]).expect("JSON")
}

#[tokio::test]
async fn the_body_is_word_for_word_what_the_sdk_would_write() {
    let fake = SesFake::start().await.expect("a server");
    let mailer = mailer(format!("{}?configuration-set=almanac-feedback", fake.address())).await;
    let mut odd = letter("42/first");
    odd.values[0] = "Bonjour \"Zo\\é\"\t🦀\u{1}".to_owned();
    send(&*mailer, &[letter("1"), odd]).await;
    let mut ours: serde_json::Value = serde_json::from_slice(&fake.bodies()[0]).expect("JSON");
    let entries = ours["BulkEmailEntries"].take();
    for entry in entries.as_array().expect("a list") {
        let mut theirs = written_by_the_sdk(entry, &ours).await;
        assert_eq!(theirs["BulkEmailEntries"].take()[0], *entry);
        assert_eq!(theirs, ours);
    }
}

#[tokio::test]
async fn a_dropped_reply_leaves_every_letter_unknown_although_they_were_taken() {
    let (answers, fake) = answers_of(Behaviour::AcceptAndDrop, 3).await;
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Unknown { .. })), "{answers:?}");
    assert_eq!((fake.tally().received(), fake.tally().duplicates()), (3, 0));
}

#[tokio::test]
async fn a_failure_inside_the_service_leaves_every_letter_unknown() {
    for status in [500, 502, 504] {
        let (answers, _) = answers_of(Behaviour::AcceptAndFail(status), 2).await;
        assert!(answers.iter().all(|answer| matches!(answer, Answer::Unknown { .. })), "{status}: {answers:?}");
    }
}

#[tokio::test]
async fn entries_fail_each_for_itself() {
    let statuses = vec![
        (0, "MESSAGE_REJECTED"),
        (2, "ACCOUNT_THROTTLED"),
        (3, "TRANSIENT_FAILURE"),
        (4, "ACCOUNT_SENDING_PAUSED"),
        (5, "SOMETHING_NEW"),
    ];
    let (answers, fake) = answers_of(Behaviour::Entries(statuses), 6).await;
    assert_eq!(
        answers,
        [
            refused(Refusal::Permanent, "MESSAGE_REJECTED"),
            Answer::Accepted { provider_id: "fake-0-1".to_owned() },
            refused(Refusal::Throttled, "ACCOUNT_THROTTLED"),
            refused(Refusal::Transient, "TRANSIENT_FAILURE"),
            refused(Refusal::Unavailable, "ACCOUNT_SENDING_PAUSED"),
            refused(Refusal::Permanent, "SOMETHING_NEW"),
        ]
    );
    assert_eq!(fake.tally().received(), 1);
}

#[tokio::test]
async fn a_letter_without_a_result_of_its_own_is_unknown() {
    let (answers, _) = answers_of(Behaviour::AnswerOnly(1), 2).await;
    assert!(matches!(answers[..], [Answer::Accepted { .. }, Answer::Unknown { .. }]), "{answers:?}");
}

#[tokio::test]
async fn a_refused_call_is_told_apart_by_who_is_at_fault() {
    for (status, code, refusal) in [
        (429, "TooManyRequestsException", Refusal::Throttled),
        (400, "BadRequestException", Refusal::Permanent),
        (400, "SendingPausedException", Refusal::Unavailable),
        (403, "ExpiredTokenException", Refusal::Unavailable),
        (503, "ServiceUnavailableException", Refusal::Unavailable),
    ] {
        let (answers, fake) = answers_of(Behaviour::Refuse(status, code), 2).await;
        assert_eq!(answers, vec![refused(refusal, &format!("HTTP {status} {code}")); 2]);
        assert_eq!(fake.tally().received(), 0);
    }
}

#[tokio::test]
async fn no_server_is_a_refusal_that_can_be_tried_again() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let answers = send(&*mailer(address).await, &letters(2)).await;
    assert_eq!(answers, vec![refused(Refusal::Unavailable, "no connection"); 2]);
}

#[tokio::test]
async fn one_address_that_ses_cannot_take_does_not_spoil_the_call() {
    let fake = SesFake::start().await.expect("a server");
    let mut three = letters(3);
    three[1].to = tests::letters::address("zoé@example.org");
    let answers = send(&*mailer(fake.address()).await, &three).await;
    assert_eq!(answers[1], refused(Refusal::Permanent, "SES takes only ASCII addresses"));
    assert_eq!(answers[2], Answer::Accepted { provider_id: "fake-0-1".to_owned() });
    assert_eq!(fake.tally().received(), 2);
}
