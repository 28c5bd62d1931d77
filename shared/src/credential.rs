//! The key to a service: from the settings, or from what keeps secrets, where it can change while a function runs.

use crate::{
    aws::{
        Aws, Patience,
        secrets::{Secret, SecretError, Secrets, TIME_TO_LIVE},
    },
    config::{SecretArn, Token, TokenAt},
};

/// Where a key comes from.
#[derive(Debug, Clone)]
pub enum Credential {
    /// From the settings.
    Setting(Token),
    /// From what keeps secrets.
    Kept(Box<Secrets>, SecretArn),
}

/// A key that has been read. `Debug` does not show it.
#[derive(Debug, Clone)]
pub enum Key {
    /// From the settings.
    Setting(Token),
    /// From what keeps secrets.
    Kept(Secret),
}

impl Credential {
    /// What the settings name.
    ///
    /// # Errors
    /// When no client of what keeps secrets can be made.
    pub async fn at(place: &TokenAt, aws: &Aws) -> anyhow::Result<Self> {
        Ok(match place {
            TokenAt::Setting(token) => Self::Setting(token.clone()),
            TokenAt::Secret(arn) => {
                Self::Kept(Box::new(Secrets::new(aws, Patience::SMALL, TIME_TO_LIVE).await?), arn.clone())
            }
        })
    }

    /// The key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(&self) -> Result<Key, SecretError> {
        Ok(match self {
            Self::Setting(token) => Key::Setting(token.clone()),
            Self::Kept(secrets, arn) => Key::Kept(secrets.get(arn).await?),
        })
    }

    /// Reads a key anew that was refused, where that can change it; says whether it has changed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn renew(&self, key: &mut Key) -> Result<bool, SecretError> {
        let (Self::Kept(secrets, arn), Key::Kept(refused)) = (self, &*key) else { return Ok(false) };
        let read = secrets.renew(arn, refused).await?;
        let changed = read != *refused;
        *key = Key::Kept(read);
        Ok(changed)
    }
}

impl Key {
    /// The key, for what needs it and nothing else.
    pub fn expose(&self) -> &str {
        match self {
            Self::Setting(token) => token.expose(),
            Self::Kept(secret) => secret.expose().trim(),
        }
    }
}
