//! Secrets Manager and Parameter Store: what holds for one holds for the other.

use std::time::Duration;

use futures_util::future::join_all;
use shared::{
    aws::secrets::{SecretError, Secrets},
    config::{Kind as _, SecretArn, SecretName},
};
use tests::aws_fake::{AwsFake, Behaviour, Service};

use crate::{PATIENCE, aws, said};

/// A store: the ARN of a secret in it, what reads it, and its word for one that is not there.
struct Store {
    service: Service,
    arn: &'static str,
    reads: &'static str,
    name: &'static str,
    missing: &'static str,
}

const STORES: [Store; 2] = [
    Store {
        service: Service::Secrets,
        arn: "arn:aws:secretsmanager:eu-west-3:123456789012:secret:almanac-AbCdEf",
        reads: "GetSecretValue",
        name: "Secrets Manager",
        missing: "ResourceNotFoundException",
    },
    Store {
        service: Service::Parameters,
        arn: "arn:aws:ssm:eu-west-3:123456789012:parameter/almanac/records",
        reads: "GetParameter",
        name: "Parameter Store",
        missing: "ParameterNotFound",
    },
];

impl Store {
    fn secret(&self) -> SecretArn {
        SecretName.parse(self.arn).expect("an ARN")
    }
}

async fn secrets(fake: &AwsFake, time_to_live: Duration) -> Secrets {
    Secrets::new(&aws(fake), PATIENCE, time_to_live).await.expect("a client")
}

#[tokio::test]
async fn a_secret_is_read_once_for_all_who_want_it_at_once() {
    for store in STORES {
        let fake = AwsFake::start().await;
        fake.set_secret(store.arn, "hunter2");
        let secrets = secrets(&fake, Duration::from_secs(3_600)).await;
        let arn = store.secret();
        for secret in join_all((0..20).map(|_| secrets.get(&arn))).await {
            assert_eq!(secret.expect("read").expose(), "hunter2");
        }
        assert_eq!(fake.count(store.reads), 1);
    }
}

#[tokio::test]
async fn after_its_time_a_secret_is_read_again() {
    for store in STORES {
        let fake = AwsFake::start().await;
        fake.set_secret(store.arn, "one");
        let secrets = secrets(&fake, Duration::ZERO).await;
        secrets.get(&store.secret()).await.expect("read");
        fake.set_secret(store.arn, "two");
        assert_eq!(secrets.get(&store.secret()).await.expect("read").expose(), "two");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_is_used_on() {
    for store in STORES {
        let fake = AwsFake::start().await;
        fake.set_secret(store.arn, "one");
        let secrets = secrets(&fake, Duration::ZERO).await;
        secrets.get(&store.secret()).await.expect("read");
        fake.script(store.service, |_, _| Behaviour::Refuse(400, "InternalServiceError"));
        assert_eq!(secrets.get(&store.secret()).await.expect("the one from before").expose(), "one");
    }
}

#[tokio::test]
async fn of_several_whose_secret_was_refused_one_reads_the_new_one() {
    for store in STORES {
        let fake = AwsFake::start().await;
        fake.set_secret(store.arn, "one");
        let secrets = secrets(&fake, Duration::from_secs(3_600)).await;
        let refused = secrets.get(&store.secret()).await.expect("read");
        fake.set_secret(store.arn, "two");
        let arn = store.secret();
        for secret in join_all((0..20).map(|_| secrets.renew(&arn, &refused))).await {
            assert_eq!(secret.expect("read").expose(), "two");
        }
        assert_eq!(fake.count(store.reads), 2);
    }
}

#[tokio::test]
async fn a_throttled_reading_is_tried_again() {
    for store in STORES {
        let fake = AwsFake::start().await;
        fake.set_secret(store.arn, "one");
        let throttle =
            |_, call| if call < 2 { Behaviour::Refuse(400, "ThrottlingException") } else { Behaviour::Accept };
        fake.script(store.service, throttle);
        secrets(&fake, Duration::ZERO).await.get(&store.secret()).await.expect("read in the end");
        assert_eq!(fake.count(store.reads), 3);
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_and_expired_credentials_are_told_apart() {
    for store in STORES {
        let fake = AwsFake::start().await;
        let secrets = secrets(&fake, Duration::ZERO).await;
        let error = secrets.get(&store.secret()).await.expect_err("there is none");
        assert!(matches!(error, SecretError::Missing(..)), "{error:?}");
        let told = said(&error.into());
        assert!(told.starts_with(&format!("{} has no such secret: HTTP 400 {}", store.name, store.missing)), "{told}");
        fake.script(store.service, |_, _| Behaviour::Refuse(400, "ExpiredTokenException"));
        let told = said(&secrets.get(&store.secret()).await.expect_err("refused").into());
        assert!(
            told.starts_with(&format!("{}: the credentials have expired or are unknown: HTTP 400", store.name)),
            "{told}"
        );
    }
}

#[tokio::test]
async fn debug_output_shows_no_secret() {
    for store in STORES {
        let fake = AwsFake::start().await;
        fake.set_secret(store.arn, "hunter2");
        let secrets = secrets(&fake, Duration::from_secs(3_600)).await;
        let secret = secrets.get(&store.secret()).await.expect("read");
        assert!(!format!("{secret:?} {secrets:?}").contains("hunter2"));
    }
}
