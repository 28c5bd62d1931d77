//! Secrets Manager.

use std::time::Duration;

use futures_util::future::join_all;
use shared::aws::secrets::{SecretError, Secrets};
use tests::aws_fake::{AwsFake, Behaviour, Service};

use crate::{PATIENCE, aws, said};

const ARN: &str = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:almanac-AbCdEf";

async fn secrets(fake: &AwsFake, time_to_live: Duration) -> Secrets {
    Secrets::new(&aws(fake), PATIENCE, time_to_live).await.expect("a client")
}

#[tokio::test]
async fn a_secret_is_read_once_for_all_who_want_it_at_once() {
    let fake = AwsFake::start().await;
    fake.set_secret(ARN, "hunter2");
    let secrets = secrets(&fake, Duration::from_secs(3_600)).await;
    for secret in join_all((0..20).map(|_| secrets.get(ARN))).await {
        assert_eq!(secret.expect("read").expose(), "hunter2");
    }
    assert_eq!(fake.count("GetSecretValue"), 1);
}

#[tokio::test]
async fn after_its_time_a_secret_is_read_again() {
    let fake = AwsFake::start().await;
    fake.set_secret(ARN, "one");
    let secrets = secrets(&fake, Duration::ZERO).await;
    secrets.get(ARN).await.expect("read");
    fake.set_secret(ARN, "two");
    assert_eq!(secrets.get(ARN).await.expect("read").expose(), "two");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_is_used_on() {
    let fake = AwsFake::start().await;
    fake.set_secret(ARN, "one");
    let secrets = secrets(&fake, Duration::ZERO).await;
    secrets.get(ARN).await.expect("read");
    fake.script(Service::Secrets, |_, _| Behaviour::Refuse(400, "InternalServiceError"));
    assert_eq!(secrets.get(ARN).await.expect("the one from before").expose(), "one");
}

#[tokio::test]
async fn of_several_whose_secret_was_refused_one_reads_the_new_one() {
    let fake = AwsFake::start().await;
    fake.set_secret(ARN, "one");
    let secrets = secrets(&fake, Duration::from_secs(3_600)).await;
    let refused = secrets.get(ARN).await.expect("read");
    fake.set_secret(ARN, "two");
    for secret in join_all((0..20).map(|_| secrets.renew(ARN, &refused))).await {
        assert_eq!(secret.expect("read").expose(), "two");
    }
    assert_eq!(fake.count("GetSecretValue"), 2);
}

#[tokio::test]
async fn a_throttled_reading_is_tried_again() {
    let fake = AwsFake::start().await;
    fake.set_secret(ARN, "one");
    let throttle = |_, call| if call < 2 { Behaviour::Refuse(400, "ThrottlingException") } else { Behaviour::Accept };
    fake.script(Service::Secrets, throttle);
    secrets(&fake, Duration::ZERO).await.get(ARN).await.expect("read in the end");
    assert_eq!(fake.count("GetSecretValue"), 3);
}

#[tokio::test]
async fn a_secret_that_is_not_there_and_expired_credentials_are_told_apart() {
    let fake = AwsFake::start().await;
    let secrets = secrets(&fake, Duration::ZERO).await;
    let error = secrets.get(ARN).await.expect_err("there is none");
    assert!(matches!(error, SecretError::Missing(_)), "{error:?}");
    let told = said(&error.into());
    assert!(told.starts_with("Secrets Manager has no such secret: HTTP 400 ResourceNotFoundException"), "{told}");
    fake.script(Service::Secrets, |_, _| Behaviour::Refuse(400, "ExpiredTokenException"));
    let told = said(&secrets.get(ARN).await.expect_err("refused").into());
    assert!(told.starts_with("Secrets Manager: the credentials have expired or are unknown: HTTP 400"), "{told}");
}

#[tokio::test]
async fn debug_output_shows_no_secret() {
    let fake = AwsFake::start().await;
    fake.set_secret(ARN, "hunter2");
    let secrets = secrets(&fake, Duration::from_secs(3_600)).await;
    let secret = secrets.get(ARN).await.expect("read");
    assert!(!format!("{secret:?} {secrets:?}").contains("hunter2"));
}
