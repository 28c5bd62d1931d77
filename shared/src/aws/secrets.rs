//! Secrets of Secrets Manager and Parameter Store, kept for a while.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use aws_config::SdkConfig;
use tokio::{sync::Mutex, time::Instant};

use super::{Aws, client::Patience, fault::Fault};
use crate::config::{SecretArn, SecretStore};

/// How long a secret is used before it is read again. A rotation is noticed earlier: by the login that it refuses.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(15 * 60);

/// For how long a value is used on when it could not be read again.
const AFTER_A_FAILURE: Duration = Duration::from_secs(30);

/// A secret's text. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The text, for what needs it and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(****)")
    }
}

/// A secret that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Its store refused, or did not answer.
    #[error("{0}: {1}")]
    Unread(SecretStore, Fault),
    /// There is none of that ARN.
    #[error("{0} has no such secret: {1}")]
    Missing(SecretStore, Fault),
    /// It is not a text.
    #[error("the secret is not a text; expected JSON")]
    Binary,
}

/// Secrets by their ARN. Whoever wants one that is being read waits for that reading.
#[derive(Debug, Clone)]
pub struct Secrets {
    config: SdkConfig,
    time_to_live: Duration,
    held: Arc<std::sync::Mutex<HashMap<SecretArn, Place>>>,
}

/// Where one secret is held; locked while it is being read.
type Place = Arc<Mutex<Option<Held>>>;

#[derive(Debug)]
struct Held {
    secret: Secret,
    good_until: Instant,
}

impl Secrets {
    /// Secrets that are read again after `time_to_live`.
    pub async fn new(aws: &Aws, patience: Patience, time_to_live: Duration) -> anyhow::Result<Self> {
        let config = aws.config("what keeps a secret", patience).await?;
        Ok(Self { config, time_to_live, held: Arc::default() })
    }

    /// The secret with that ARN. When it cannot be read again, the one that was read before.
    pub async fn get(&self, arn: &SecretArn) -> Result<Secret, SecretError> {
        let place = self.place(arn);
        let mut held = place.lock().await;
        if let Some(held) = &*held
            && Instant::now() < held.good_until
        {
            return Ok(held.secret.clone());
        }
        match (self.read(arn).await, &mut *held) {
            (Ok(secret), held) => Ok(self.hold(held, secret)),
            (Err(error), Some(held)) => {
                tracing::warn!(%error, "a secret could not be read again; the one from before is used on");
                held.good_until = Instant::now() + AFTER_A_FAILURE.min(self.time_to_live);
                Ok(held.secret.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The secret as it is now, after `refused` was of no use. Of several who ask at once, one reads.
    pub async fn renew(&self, arn: &SecretArn, refused: &Secret) -> Result<Secret, SecretError> {
        let place = self.place(arn);
        let mut held = place.lock().await;
        match &*held {
            Some(held) if held.secret != *refused => Ok(held.secret.clone()),
            _ => {
                let secret = self.read(arn).await?;
                Ok(self.hold(&mut held, secret))
            }
        }
    }

    fn place(&self, arn: &SecretArn) -> Place {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(arn.clone()).or_default().clone()
    }

    fn hold(&self, place: &mut Option<Held>, secret: Secret) -> Secret {
        *place = Some(Held { secret: secret.clone(), good_until: Instant::now() + self.time_to_live });
        secret
    }

    /// A client is made for each reading: there is one in a quarter of an hour, and of one store only.
    async fn read(&self, arn: &SecretArn) -> Result<Secret, SecretError> {
        let text = match arn.store() {
            SecretStore::SecretsManager => {
                let client = aws_sdk_secretsmanager::Client::new(&self.config);
                let read = client.get_secret_value().secret_id(arn.as_str()).send().await;
                read.map_err(|error| Fault::of(&error)).map(|output| output.secret_string)
            }
            SecretStore::ParameterStore => {
                let client = aws_sdk_ssm::Client::new(&self.config);
                let read = client.get_parameter().name(arn.as_str()).with_decryption(true).send().await;
                read.map_err(|error| Fault::of(&error)).map(|output| output.parameter.and_then(|is| is.value))
            }
        };
        match text {
            Ok(text) => text.map(|text| Secret(text.into())).ok_or(SecretError::Binary),
            Err(fault) if ["ResourceNotFoundException", "ParameterNotFound"].contains(&&*fault.code) => {
                Err(SecretError::Missing(arn.store(), fault))
            }
            Err(fault) => Err(SecretError::Unread(arn.store(), fault)),
        }
    }
}
