//! SMTP over real connections: what each misfortune is answered with, and what the server has really received.

use std::sync::Arc;

use futures_util::future::join_all;
use shared::mail::{Answer, Mailer, Refusal};
use tests::letters::{self, letter, letters, send};
use tests::smtp_sink::{Behaviour, SmtpSink};

async fn mailer(address: impl std::fmt::Display, options: &str) -> Arc<dyn Mailer> {
    let list = format!("smtp://{address}?{options}");
    letters::mailer(&list).await.expect("a mailer")
}

fn refused(refusal: Refusal, cause: &str) -> Answer {
    Answer::Refused { refusal, cause: cause.to_owned() }
}

#[tokio::test]
async fn a_login_is_made_before_the_first_letter_and_a_wrong_one_is_no_letter_s_fault() {
    let sink = SmtpSink::start().await.expect("a server");
    sink.demand_login("ada@almanac.example", "p@ss:word");
    for (password, answer) in [
        ("p%40ss%3Aword", Answer::Accepted { provider_id: "0".to_owned() }),
        ("hunter2", refused(Refusal::Unavailable, "connecting: 535 5.7.8")),
    ] {
        let mailer = mailer(format!("ada%40almanac.example:{password}@{}", sink.address()), "tls=none").await;
        assert_eq!(send(&*mailer, &letters(1)).await, [answer]);
    }
    assert_eq!(sink.tally().received(), 1);
}

#[tokio::test]
async fn every_letter_arrives_once_and_is_answered_with_the_server_s_id() {
    let sink = SmtpSink::start().await.expect("a server");
    let mailer = mailer(sink.address(), "connections=8").await;
    for call in letters(40).chunks(mailer.capacity().claim) {
        for answer in send(&*mailer, call).await {
            assert!(matches!(&answer, Answer::Accepted { provider_id } if !provider_id.is_empty()), "{answer:?}");
        }
    }
    assert_eq!((sink.tally().received(), sink.tally().duplicates()), (40, 0));
    assert!(sink.connections() <= 2, "connections are used again, {} were made", sink.connections());
}

#[tokio::test]
async fn calls_side_by_side_never_hold_more_connections_than_allowed() {
    let sink = SmtpSink::start().await.expect("a server");
    let mailer = mailer(sink.address(), "connections=3").await;
    let all = letters(60);
    join_all(all.chunks(15).map(|call| send(&*mailer, call))).await;
    assert_eq!(sink.tally().received(), 60);
    assert!(sink.connections() <= 3, "{} connections", sink.connections());
}

#[tokio::test]
async fn a_reply_lost_after_the_last_byte_leaves_the_letter_unknown_although_it_was_received() {
    let sink = SmtpSink::with_script(
        |_, rcpt| if rcpt.contains("ada2@") { Behaviour::AcceptAndDrop } else { Behaviour::Accept },
    )
    .await
    .expect("a server");
    let answers = send(&*mailer(sink.address(), "").await, &letters(3)).await;
    assert!(matches!(answers[0], Answer::Accepted { .. }), "{answers:?}");
    assert!(matches!(answers[1], Answer::Unknown { .. }), "{answers:?}");
    assert!(matches!(answers[2], Answer::Accepted { .. }), "{answers:?}");
    assert_eq!(sink.tally().count_of("2"), 1, "received, and not sent again");
    assert_eq!(sink.tally().duplicates(), 0);
}

#[tokio::test]
async fn a_reply_that_does_not_come_in_time_leaves_the_letter_unknown() {
    let sink = SmtpSink::with_script(|_, _| Behaviour::AcceptAfter(std::time::Duration::from_secs(600)))
        .await
        .expect("a server");
    let mailer = mailer(sink.address(), "timeout=1").await;
    let answers = send(&*mailer, &letters(1)).await;
    assert!(matches!(answers[0], Answer::Unknown { .. }), "{answers:?}");
    assert_eq!(sink.tally().received(), 1);
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_is_replaced_in_silence() {
    for behaviour in [Behaviour::AcceptThenClose, Behaviour::AcceptThenGoodbye] {
        let sink = SmtpSink::with_script(move |_, _| behaviour.clone()).await.expect("a server");
        let mailer = mailer(sink.address(), "connections=1").await;
        for number in 1..=5 {
            let answers = send(&*mailer, &[letter(&number.to_string())]).await;
            assert!(matches!(answers[0], Answer::Accepted { .. }), "{answers:?}");
        }
        assert_eq!((sink.tally().received(), sink.tally().duplicates()), (5, 0));
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_message_is_replaced_once() {
    let sink = SmtpSink::with_script(|mail, _| if mail == 0 { Behaviour::DropAtRcpt } else { Behaviour::Accept })
        .await
        .expect("a server");
    let answers = send(&*mailer(sink.address(), "").await, &letters(1)).await;
    assert!(matches!(answers[0], Answer::Accepted { .. }), "{answers:?}");
    assert_eq!((sink.connections(), sink.tally().received()), (2, 1));
}

#[tokio::test]
async fn a_connection_lost_twice_before_the_message_is_a_refusal_that_can_be_tried_again() {
    let sink = SmtpSink::with_script(|_, _| Behaviour::DropAtRcpt).await.expect("a server");
    let answers = send(&*mailer(sink.address(), "").await, &letters(1)).await;
    assert_eq!(answers, [refused(Refusal::Transient, "connection lost")]);
    assert_eq!(sink.tally().received(), 0);
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_the_message_is_a_refusal_that_can_be_tried_again() {
    let sink = SmtpSink::with_script(|_, _| Behaviour::DropBeforeContent).await.expect("a server");
    let mut huge = letter("1");
    // More than the operating system buffers for a connection, so that the last byte cannot leave.
    huge.values[2] = "no end ".repeat(1_000_000);
    let answers = send(&*mailer(sink.address(), "").await, &[huge]).await;
    assert_eq!(answers, [refused(Refusal::Transient, "connection lost")]);
    assert_eq!(sink.tally().received(), 0);
}

#[tokio::test]
async fn no_server_is_a_refusal_that_can_be_tried_again() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let answers = send(&*mailer(address, "").await, &letters(2)).await;
    assert_eq!(answers, vec![refused(Refusal::Unavailable, "connecting: no connection"); 2]);
}

#[tokio::test]
async fn replies_are_told_apart_by_their_code_and_the_connection_goes_on() {
    let sink = SmtpSink::with_script(|_, rcpt| {
        let reply = |text: &str| text.to_owned();
        match rcpt {
            _ if rcpt.contains("ada1@") => Behaviour::RefuseAtRcpt(reply("450 4.2.0 greylisted")),
            _ if rcpt.contains("ada2@") => Behaviour::RefuseAtRcpt(reply("550 5.1.1 <ada2@example.org> unknown")),
            _ if rcpt.contains("ada3@") => Behaviour::RefuseAfterData(reply("452 4.3.1 full")),
            _ if rcpt.contains("ada4@") => Behaviour::RefuseAfterData(reply("554 5.7.1 spam")),
            _ if rcpt.contains("ada5@") => Behaviour::RefuseAtRcpt(reply("454 Throttling failure: rate exceeded")),
            _ => Behaviour::Accept,
        }
    })
    .await
    .expect("a server");
    let answers = send(&*mailer(sink.address(), "connections=1").await, &letters(6)).await;
    assert_eq!(
        answers[..5],
        [
            refused(Refusal::Transient, "450 4.2.0"),
            refused(Refusal::Permanent, "550 5.1.1"),
            refused(Refusal::Transient, "452 4.3.1"),
            refused(Refusal::Permanent, "554 5.7.1"),
            refused(Refusal::Throttled, "454"),
        ]
    );
    assert!(matches!(answers[5], Answer::Accepted { .. }), "{answers:?}");
    assert_eq!((sink.connections(), sink.tally().received()), (1, 1));
}

#[tokio::test]
async fn a_server_that_is_closing_asks_for_a_slower_pace() {
    let sink =
        SmtpSink::with_script(|_, _| Behaviour::RefuseAtRcpt("421 4.7.0 too fast".to_owned())).await.expect("a server");
    let answers = send(&*mailer(sink.address(), "").await, &letters(1)).await;
    assert_eq!(answers, [refused(Refusal::Throttled, "421 4.7.0")]);
}

#[tokio::test]
async fn an_address_with_other_letters_is_sent_where_the_server_takes_them() {
    let sink = SmtpSink::start().await.expect("a server");
    let mut odd = letter("1");
    odd.to = tests::letters::address("zoé@example.org");
    let answers = send(&*mailer(sink.address(), "").await, &[odd]).await;
    assert!(matches!(answers[0], Answer::Accepted { .. }), "{answers:?}");
}

#[tokio::test]
async fn tls_is_demanded_where_the_setting_says_so() {
    let sink = SmtpSink::start().await.expect("a server");
    let answers = send(&*mailer(sink.address(), "tls=required").await, &letters(1)).await;
    assert_eq!(answers, [refused(Refusal::Unavailable, "connecting: the server offers no STARTTLS")]);
    assert_eq!(sink.tally().received(), 0);
}

#[tokio::test]
async fn what_arrives_is_what_was_rendered_with_the_one_click_headers() {
    let sink = SmtpSink::start().await.expect("a server");
    send(&*mailer(sink.address(), "").await, &[letter("42/first")]).await;
    let message = sink.messages().remove(0);
    let parsed = mail_parser::MessageParser::default().parse(&message).expect("a message");
    assert_eq!(parsed.subject(), Some("Jürgen Ångström aimerait avoir de vos nouvelles"));
    assert!(parsed.body_html(0).expect("HTML").contains("À bientôt &amp; merci !<br>🦀"));
    let header = |name: &'static str| parsed.header_raw(name).map(str::trim);
    assert_eq!(header("List-Unsubscribe"), Some("<https://almanac.example/u/7.c2VjcmV0>"));
    assert_eq!(header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    assert_eq!(header("X-Almanac-Invitation"), Some("42/first"));
    assert_eq!(sink.tally().count_of("42/first"), 1);
}
