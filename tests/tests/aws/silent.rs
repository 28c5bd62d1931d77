//! Services that take what they are sent and never say so.

use std::time::Duration;

use shared::{
    aws::{Patience, eventbridge::EventBridgeNews, s3::S3Objects, secrets::Secrets, sns::SnsNews, sqs::SqsQueue},
    config::{Kind as _, SecretName},
    news::{Kind, News, Notice, publish_one},
    objects::Objects,
    queue::Queue,
};
use tests::aws_fake::{AwsFake, Behaviour, Service};

use crate::{PATIENCE, aws, said};

/// Long enough for this machine to answer, where an answer is to be had.
const IMPATIENT: Patience = Patience { per_try: Duration::from_millis(200), tries: 2, ..PATIENCE };

#[tokio::test]
async fn a_silent_service_is_waited_for_no_longer_than_said_and_named() {
    let fake = AwsFake::start().await;
    for service in
        [Service::Sqs, Service::S3, Service::Sns, Service::EventBridge, Service::Secrets, Service::Parameters]
    {
        fake.script(service, |_, _| Behaviour::AcceptAfter(Duration::from_secs(3_600)));
    }
    let aws = aws(&fake);
    let queue =
        SqsQueue::new(&aws, "http://sqs/123456789012/q", "INVITATIONS_QUEUE", IMPATIENT).await.expect("a client");
    let objects = S3Objects::new(&aws, "almanac-objects", "", "OBJECTS", IMPATIENT).await.expect("a client");
    let topic = SnsNews::new(&aws, "arn:aws:sns:eu-west-3:123456789012:t", "ALERTS_TOPIC", IMPATIENT).await;
    let bus = EventBridgeNews::new(&aws, "almanac", "EVENT_BUS", IMPATIENT).await;
    let secrets = Secrets::new(&aws, IMPATIENT, Duration::ZERO).await.expect("a client");
    let secret = async |arn: &str| match secrets.get(&SecretName.parse(arn).expect("an ARN")).await {
        Ok(_) => panic!("it answered"),
        Err(error) => anyhow::Error::from(error),
    };
    let notice = || Notice::new(Kind::Alert, "x", "{}");
    let tell = async |news: &dyn News| publish_one(news, notice()).await.expect_err("silent");
    for (service, operation, error) in [
        ("SQS", "SendMessageBatch", queue.send(vec!["{}".to_owned()], None).await.expect_err("silent")),
        ("S3", "PutObject", objects.put("a", "text/plain", b"a".to_vec()).await.expect_err("silent")),
        ("SNS", "Publish", tell(&topic.expect("a client")).await),
        ("EventBridge", "PutEvents", tell(&bus.expect("a client")).await),
        (
            "Secrets Manager",
            "GetSecretValue",
            secret("arn:aws:secretsmanager:eu-west-3:123456789012:secret:almanac-AbCdEf").await,
        ),
        ("Parameter Store", "GetParameter", secret("arn:aws:ssm:eu-west-3:123456789012:parameter/almanac").await),
    ] {
        let told = said(&error);
        assert!(told.starts_with(service) && told.ends_with("no reply in time"), "{told}");
        assert_eq!(fake.count(operation), 2, "{service}");
    }
}
