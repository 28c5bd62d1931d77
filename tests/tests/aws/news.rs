//! EventBridge and SNS.

use serde_json::json;
use shared::{
    aws::{eventbridge::EventBridgeNews, sns::SnsNews},
    news::{Kind, News, Notice},
};
use tests::aws_fake::{AwsFake, Behaviour, Published, Service};

use crate::{PATIENCE, aws, said};

const TOPIC: &str = "arn:aws:sns:eu-west-3:123456789012:almanac-alerts";

async fn bus(fake: &AwsFake) -> EventBridgeNews {
    EventBridgeNews::new(&aws(fake), "almanac", "EVENT_BUS", PATIENCE).await.expect("a client")
}

async fn topic(fake: &AwsFake) -> SnsNews {
    SnsNews::new(&aws(fake), TOPIC, "ALERTS_TOPIC", PATIENCE).await.expect("a client")
}

fn events(count: usize) -> Vec<Notice> {
    (0..count).map(|run| Notice::new(Kind::Event, "job-completed", json!({"run": run}).to_string())).collect()
}

fn faults(results: &[anyhow::Result<()>]) -> Vec<Option<String>> {
    results.iter().map(|result| result.as_ref().err().map(said)).collect()
}

#[tokio::test]
async fn events_go_ten_a_call_with_source_type_and_detail() {
    let fake = AwsFake::start().await;
    let results = bus(&fake).await.publish(&events(25)).await;
    assert_eq!(faults(&results), vec![None; 25]);
    assert_eq!(fake.count("PutEvents"), 3);
    let published = fake.events();
    assert_eq!(published.len(), 25);
    let first = Published {
        to: "almanac".to_owned(),
        source: "almanac".to_owned(),
        subject: "job-completed".to_owned(),
        body: r#"{"run":0}"#.to_owned(),
    };
    assert_eq!(published[0], first);
}

#[tokio::test]
async fn a_throttled_event_is_sent_again_and_a_wrong_one_is_told_of_by_its_place() {
    let fake = AwsFake::start().await;
    fake.script(Service::EventBridge, |_, call| match call {
        0 => Behaviour::Entries(vec![(0, "ThrottlingException", false), (2, "MalformedDetail", true)]),
        _ => Behaviour::Accept,
    });
    let results = bus(&fake).await.publish(&events(4)).await;
    let wrong = "EventBridge, at the bus that EVENT_BUS names: MalformedDetail".to_owned();
    assert_eq!(faults(&results), [None, None, Some(wrong), None]);
    let bodies: Vec<_> = fake.events().into_iter().map(|event| event.body).collect();
    assert_eq!(bodies, [r#"{"run":1}"#, r#"{"run":3}"#, r#"{"run":0}"#]);
}

#[tokio::test]
async fn an_event_that_is_always_throttled_is_an_error_after_a_few_tries() {
    let fake = AwsFake::start().await;
    fake.script(Service::EventBridge, |_, _| Behaviour::Entries(vec![(0, "ThrottlingException", false)]));
    let results = bus(&fake).await.publish(&events(1)).await;
    assert!(results[0].is_err());
    assert_eq!(fake.count("PutEvents"), PATIENCE.tries as usize);
}

#[tokio::test]
async fn large_events_go_in_as_many_calls_as_they_take_and_one_that_is_too_large_stops_none() {
    let fake = AwsFake::start().await;
    let mut notices = events(4);
    for (at, size) in [(0, 200_000), (1, 300_000), (2, 100_000)] {
        notices[at].body = json!({"text": "x".repeat(size)}).to_string();
    }
    let results = bus(&fake).await.publish(&notices).await;
    let too_large = "EventBridge, at the bus that EVENT_BUS names: the event is larger than 256 KiB".to_owned();
    assert_eq!(faults(&results), [None, Some(too_large), None, None]);
    assert_eq!(fake.events().len(), 3);
}

#[tokio::test]
async fn an_alert_has_a_plain_subject_and_the_json_as_its_message() {
    let fake = AwsFake::start().await;
    let alert = Notice::new(Kind::Alert, "über\nlong ".repeat(30), r#"{"run":1}"#);
    let results = topic(&fake).await.publish(&[alert]).await;
    assert_eq!(faults(&results), [None]);
    let told = &fake.alerts()[0];
    assert_eq!((told.to.as_str(), told.body.as_str(), told.subject.len()), (TOPIC, r#"{"run":1}"#, 100));
    assert!(told.subject.starts_with("Almanac: ?ber?long "), "{}", told.subject);
}

#[tokio::test]
async fn a_throttled_alert_is_sent_again() {
    let fake = AwsFake::start().await;
    fake.script(
        Service::Sns,
        |_, call| if call < 2 { Behaviour::Refuse(400, "Throttling") } else { Behaviour::Accept },
    );
    let results = topic(&fake).await.publish(&[Notice::new(Kind::Alert, "alert", "{}")]).await;
    assert_eq!((faults(&results), fake.count("Publish"), fake.alerts().len()), (vec![None], 3, 1));
}

#[tokio::test]
async fn expired_credentials_are_said_with_the_setting() {
    let fake = AwsFake::start().await;
    fake.script(Service::Sns, |_, _| Behaviour::Refuse(403, "ExpiredToken"));
    fake.script(Service::EventBridge, |_, _| Behaviour::Refuse(400, "ExpiredTokenException"));
    let alert = topic(&fake).await.publish(&[Notice::new(Kind::Alert, "alert", "{}")]).await;
    let event = bus(&fake).await.publish(&events(2)).await;
    let why = "the credentials have expired or are unknown: HTTP";
    let alert = said(alert[0].as_ref().expect_err("refused"));
    assert!(
        alert.starts_with(&format!("SNS, at the topic that ALERTS_TOPIC names: {why} 403 ExpiredToken")),
        "{alert}"
    );
    for event in event {
        let event = said(&event.expect_err("refused"));
        let told = format!("EventBridge, at the bus that EVENT_BUS names: {why} 400 ExpiredTokenException");
        assert!(event.starts_with(&told), "{event}");
    }
}
