//! A GitHub App's way in: it shows itself by what it signs, and gets a token of its installation at a repository.
//!
//! Where it is not installed, public repositories are read by the token of any other of its installations, which has
//! more requests an hour than nobody.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use hyper::{Method, StatusCode};
use serde::Deserialize;
use shared::{
    clock::Clock,
    config::{Kind as _, Token, TokenKind},
    credential::{Credential, Key},
};
use tokio::sync::Mutex;

use super::{
    app_key::AppKey,
    gate::Gate,
    wire::{Pass, Wire},
};
use crate::{facts::Why, place::Repository};

/// A token is not used any more so long before its end: what it is used for takes its time.
const BEFORE_ITS_END: TimeDelta = TimeDelta::minutes(5);

/// Where the app's key comes from.
#[derive(Debug)]
pub enum AppKeyFrom {
    /// It has been read.
    Read(Box<AppKey>),
    /// What keeps secrets.
    Secret(Credential),
}

/// An app.
#[derive(Debug)]
pub struct App {
    id: u32,
    key: AppKeyFrom,
    clock: Clock,
    /// The limits of what it asks as itself.
    gate: Arc<Gate>,
    /// Which installation a repository belongs to, where it belongs to one.
    installations: std::sync::Mutex<HashMap<Repository, Option<u64>>>,
    /// That of its installations which is read by where there is none.
    any: Mutex<Option<Option<u64>>>,
    places: std::sync::Mutex<HashMap<u64, Place>>,
}

/// Where one installation's token is held; locked while it is asked for.
type Place = Arc<Mutex<Option<Held>>>;

#[derive(Debug)]
struct Held {
    token: Token,
    good_until: DateTime<Utc>,
    gate: Arc<Gate>,
}

#[derive(Debug, Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Debug, Deserialize)]
struct InstallationToken {
    token: String,
    expires_at: DateTime<Utc>,
}

impl App {
    /// The app of that number.
    pub fn new(id: u32, key: AppKeyFrom, clock: Clock) -> Self {
        let (gate, installations, any, places) = Default::default();
        Self { id, key, clock, gate, installations, any, places }
    }

    /// A pass to a repository.
    pub(super) async fn pass(&self, repository: &Repository, base: &str, wire: &Wire) -> Result<Pass, Why> {
        let installation = match self.installation(repository, base, wire).await? {
            Some(installation) => Some(installation),
            None => self.any(base, wire).await?,
        };
        match installation {
            Some(installation) => self.token(installation, base, wire).await,
            None => Ok(Pass { key: None, gate: Arc::clone(&self.gate), installation: None }),
        }
    }

    /// Forgets a token that GitHub does not take; whether there was one.
    pub(super) async fn forget(&self, pass: &Pass) -> bool {
        let Some(installation) = pass.installation else { return false };
        let place = self.place(installation);
        let mut held = place.lock().await;
        let refused = |held: &Held| pass.key.as_ref().is_some_and(|key| key.expose() == held.token.expose());
        if held.as_ref().is_some_and(refused) {
            *held = None;
        }
        true
    }

    async fn installation(&self, repository: &Repository, base: &str, wire: &Wire) -> Result<Option<u64>, Why> {
        if let Some(known) = self.installations().get(repository) {
            return Ok(*known);
        }
        let url = format!("{base}{}/installation", repository.path());
        let found: Option<Installation> = self.ask(&Method::GET, &url, wire).await?;
        let found = found.map(|installation| installation.id);
        self.installations().insert(repository.clone(), found);
        Ok(found)
    }

    async fn any(&self, base: &str, wire: &Wire) -> Result<Option<u64>, Why> {
        let mut any = self.any.lock().await;
        if let Some(known) = *any {
            return Ok(known);
        }
        let url = format!("{base}/app/installations?per_page=1");
        let found: Option<Vec<Installation>> = self.ask(&Method::GET, &url, wire).await?;
        let found = found.and_then(|all| all.first().map(|installation| installation.id));
        *any = Some(found);
        Ok(found)
    }

    async fn token(&self, installation: u64, base: &str, wire: &Wire) -> Result<Pass, Why> {
        let place = self.place(installation);
        let mut held = place.lock().await;
        if held.as_ref().is_none_or(|held| held.good_until <= self.clock.now()) {
            let url = format!("{base}/app/installations/{installation}/access_tokens");
            let given: InstallationToken = self.ask(&Method::POST, &url, wire).await?.ok_or(Why::NoEntry)?;
            let token = TokenKind.parse(&given.token).map_err(|_| Why::Garbled)?;
            // The limits are the installation's, whatever its token.
            let gate = held.take().map(|held| held.gate).unwrap_or_default();
            *held = Some(Held { token, good_until: given.expires_at - BEFORE_ITS_END, gate });
        }
        let held = held.as_ref().ok_or(Why::NoEntry)?;
        let (key, gate) = (Some(Key::Setting(held.token.clone())), Arc::clone(&held.gate));
        Ok(Pass { key, gate, installation: Some(installation) })
    }

    /// Asks as the app itself; nothing where there is no such thing.
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: &Method,
        url: &str,
        wire: &Wire,
    ) -> Result<Option<T>, Why> {
        let key = self.signed().await.map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "the GitHub App cannot show itself");
            Why::NoEntry
        })?;
        let pass = Pass { key: Some(Key::Setting(key)), gate: Arc::clone(&self.gate), installation: None };
        let answer = wire.ask(method, url, None, &pass).await?;
        match answer.status() {
            status if status.is_success() => serde_json::from_slice(answer.body()).map(Some).map_err(|_| Why::Garbled),
            StatusCode::NOT_FOUND => Ok(None),
            status => {
                tracing::error!(%status, "GitHub does not take what the app signs");
                Err(Why::NoEntry)
            }
        }
    }

    async fn signed(&self) -> anyhow::Result<Token> {
        let token = match &self.key {
            AppKeyFrom::Read(key) => key.token(self.id, self.clock.now())?,
            AppKeyFrom::Secret(credential) => {
                AppKey::parse(credential.read().await?.expose())?.token(self.id, self.clock.now())?
            }
        };
        TokenKind.parse(&token).map_err(|_| anyhow::anyhow!("what was signed is no token"))
    }

    fn installations(&self) -> std::sync::MutexGuard<'_, HashMap<Repository, Option<u64>>> {
        self.installations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, installation: u64) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(installation).or_default().clone()
    }
}
