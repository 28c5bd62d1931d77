//! SQS.

use std::collections::BTreeMap;

use shared::{
    aws::sqs::SqsQueue,
    queue::{Queue, TRACE},
};
use tests::aws_fake::{AwsFake, Behaviour, Service};

use crate::{PATIENCE, aws, said};

const URL: &str = "https://sqs.eu-west-3.amazonaws.com/123456789012/almanac-invitations";

async fn queue(fake: &AwsFake) -> SqsQueue {
    SqsQueue::new(&aws(fake), URL, "INVITATIONS_QUEUE", PATIENCE).await.expect("a client")
}

fn bodies(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("message {number}")).collect()
}

fn taken(fake: &AwsFake) -> Vec<String> {
    fake.messages().into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn ten_messages_are_one_call_and_each_carries_the_trace() {
    let fake = AwsFake::start().await;
    let refused = queue(&fake).await.send(bodies(10), Some("Root=1-5bef4de7")).await.expect("sent");
    assert_eq!((refused, fake.count("SendMessageBatch")), (vec![], 1));
    assert_eq!(taken(&fake), bodies(10));
    let trace = BTreeMap::from([(TRACE.to_owned(), "Root=1-5bef4de7".to_owned())]);
    assert!(fake.messages().iter().all(|message| message.attributes == trace));
}

#[tokio::test]
async fn without_a_trace_there_is_no_attribute() {
    let fake = AwsFake::start().await;
    queue(&fake).await.send(bodies(1), None).await.expect("sent");
    assert!(fake.messages()[0].attributes.is_empty());
}

#[tokio::test]
async fn a_throttled_call_is_tried_again_until_it_goes_through() {
    for (status, code) in [(400, "ThrottlingException"), (400, "RequestThrottled"), (503, "ServiceUnavailable")] {
        let fake = AwsFake::start().await;
        let refuse = move |_, call| if call < 2 { Behaviour::Refuse(status, code) } else { Behaviour::Accept };
        fake.script(Service::Sqs, refuse);
        let refused = queue(&fake).await.send(bodies(3), None).await.expect("sent");
        assert_eq!((refused, fake.count("SendMessageBatch")), (vec![], 3), "{code}");
        assert_eq!(taken(&fake), bodies(3));
    }
}

#[tokio::test]
async fn what_a_call_did_not_take_is_sent_again_and_nothing_else() {
    let fake = AwsFake::start().await;
    fake.script(Service::Sqs, |_, call| match call {
        0 => Behaviour::Entries(vec![(1, "InternalError", false), (3, "ThrottlingException", false)]),
        _ => Behaviour::Accept,
    });
    let refused = queue(&fake).await.send(bodies(4), None).await.expect("sent");
    assert_eq!((refused, fake.count("SendMessageBatch")), (vec![], 2));
    assert_eq!(taken(&fake), ["message 0", "message 2", "message 1", "message 3"]);
}

#[tokio::test]
async fn what_is_never_taken_is_given_back_after_a_few_tries() {
    let fake = AwsFake::start().await;
    fake.script(Service::Sqs, |_, call| {
        let place = if call == 0 { 2 } else { 0 };
        Behaviour::Entries(vec![(place, "InternalError", false)])
    });
    let refused = queue(&fake).await.send(bodies(4), None).await.expect("sent");
    assert_eq!((refused, fake.count("SendMessageBatch")), (vec![2], PATIENCE.tries as usize));
}

#[tokio::test]
async fn what_sqs_calls_wrong_is_given_back_at_once() {
    let fake = AwsFake::start().await;
    fake.script(Service::Sqs, |_, _| Behaviour::Entries(vec![(0, "InvalidMessageContents", true)]));
    let refused = queue(&fake).await.send(bodies(2), None).await.expect("sent");
    assert_eq!((refused, fake.count("SendMessageBatch")), (vec![0], 1));
}

#[tokio::test]
async fn large_messages_go_in_as_many_calls_as_they_take_and_one_that_is_too_large_stops_none() {
    let fake = AwsFake::start().await;
    let half = "x".repeat(524_288);
    let too_large = "x".repeat(1_048_577);
    let messages = vec![half.clone(), half, too_large, "small".to_owned()];
    let refused = queue(&fake).await.send(messages, None).await.expect("sent");
    assert_eq!(refused, [2]);
    assert_eq!(fake.count("SendMessageBatch"), 2);
    assert_eq!(taken(&fake).iter().map(String::len).collect::<Vec<_>>(), [524_288, 524_288, 5]);
}

#[tokio::test]
async fn when_a_later_call_fails_only_its_messages_are_given_back() {
    let fake = AwsFake::start().await;
    fake.script(Service::Sqs, |_, call| match call {
        0 => Behaviour::Accept,
        _ => Behaviour::Refuse(400, "InvalidAddress"),
    });
    let large = "x".repeat(1_048_576);
    let refused = queue(&fake).await.send(vec![large.clone(), large], None).await.expect("the first went through");
    assert_eq!((refused, fake.messages().len()), (vec![1], 1));
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_so_a_message_may_come_twice_and_never_not_at_all() {
    let fake = AwsFake::start().await;
    fake.script(Service::Sqs, |_, call| if call == 0 { Behaviour::AcceptAndDrop } else { Behaviour::Accept });
    let refused = queue(&fake).await.send(bodies(1), None).await.expect("sent");
    assert_eq!((refused, taken(&fake)), (vec![], vec!["message 0".to_owned(); 2]));
}

#[tokio::test]
async fn expired_credentials_and_a_queue_that_is_not_there_are_said_with_the_setting_and_not_tried_again() {
    for (status, code, told) in [
        (403, "ExpiredTokenException", "the credentials have expired or are unknown: HTTP 403 ExpiredTokenException"),
        (400, "QueueDoesNotExist", "HTTP 400 QueueDoesNotExist"),
    ] {
        let fake = AwsFake::start().await;
        fake.script(Service::Sqs, move |_, _| Behaviour::Refuse(status, code));
        let error = queue(&fake).await.send(bodies(1), None).await.expect_err("refused");
        let said = said(&error);
        assert!(
            said.starts_with(&format!("SQS, at the queue that INVITATIONS_QUEUE names: {told} (request ")),
            "{said}"
        );
        assert_eq!(fake.count("SendMessageBatch"), 1);
    }
}

#[tokio::test]
async fn no_server_is_said_as_no_connection() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let aws = shared::aws::Aws::stand_in(format!("http://{address}"));
    let queue = SqsQueue::new(&aws, URL, "INVITATIONS_QUEUE", PATIENCE).await.expect("a client");
    let error = queue.send(bodies(1), None).await.expect_err("nobody is there");
    assert_eq!(said(&error), "SQS, at the queue that INVITATIONS_QUEUE names: no connection");
}
