//! Secrets of Secrets Manager, kept for a while.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use aws_sdk_secretsmanager::Client;
use tokio::{sync::Mutex, time::Instant};

use super::{Aws, client::Patience, fault::Fault};

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
    /// Secrets Manager refused, or did not answer.
    #[error("Secrets Manager: {0}")]
    Unread(Fault),
    /// There is none of that ARN.
    #[error("Secrets Manager has no such secret: {0}")]
    Missing(Fault),
    /// It is not a text.
    #[error("the secret is not a text; expected JSON")]
    Binary,
}

/// Secrets by their ARN. Whoever wants one that is being read waits for that reading.
#[derive(Debug, Clone)]
pub struct Secrets {
    client: Client,
    time_to_live: Duration,
    held: Arc<std::sync::Mutex<HashMap<String, Place>>>,
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
        let config = aws.config("Secrets Manager", patience).await?;
        Ok(Self { client: Client::new(&config), time_to_live, held: Arc::default() })
    }

    /// The secret with that ARN. When it cannot be read again, the one that was read before.
    pub async fn get(&self, arn: &str) -> Result<Secret, SecretError> {
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
    pub async fn renew(&self, arn: &str, refused: &Secret) -> Result<Secret, SecretError> {
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

    fn place(&self, arn: &str) -> Place {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(arn.to_owned()).or_default().clone()
    }

    fn hold(&self, place: &mut Option<Held>, secret: Secret) -> Secret {
        *place = Some(Held { secret: secret.clone(), good_until: Instant::now() + self.time_to_live });
        secret
    }

    async fn read(&self, arn: &str) -> Result<Secret, SecretError> {
        let read = self.client.get_secret_value().secret_id(arn).send().await;
        let output = read.map_err(|error| match Fault::of(&error) {
            fault if fault.code == "ResourceNotFoundException" => SecretError::Missing(fault),
            fault => SecretError::Unread(fault),
        })?;
        output.secret_string().map(|text| Secret(text.into())).ok_or(SecretError::Binary)
    }
}
