//! The Hub: where teams are registered, and where what criteria say of them is shown.
//!
//! Calls go out no faster than the agreed number a minute. What fails for the moment is tried again, later each time; what
//! is refused is not; and after several failures in a row nothing is tried for a while.

mod breaker;
mod call;
mod pace;
mod wire;

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::{
    breaker::Breaker,
    call::{Fault, Wire},
    pace::Pace,
};
use super::{
    Criterion,
    store::{Team, Told},
};
use crate::{
    aws::{
        Aws, Patience,
        secrets::{Secret, SecretError, Secrets, TIME_TO_LIVE},
    },
    config::{ApiKey, ApiKeyAt, BaseUrl, HubSettings, SecretArn},
    random,
};

/// The longest wait between two tries that the Hub does not ask for, and the first.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
pub(crate) const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait that the Hub may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// Who the Hub is told has updated a criterion.
const UPDATED_BY: &str = "almanac";

/// Why the Hub did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// It refused, and would again.
    #[error("the Hub refused {what}: {status}")]
    Refused {
        /// What it was asked for.
        what: &'static str,
        /// With which HTTP status.
        status: u16,
    },
    /// It could not be reached, or failed, again and again.
    #[error("the Hub is away: {what}: {fault}")]
    Away {
        /// What it was asked for.
        what: &'static str,
        /// What was wrong the last time.
        fault: String,
    },
    /// It failed so often that it is left alone for a while.
    #[error("the Hub has failed too often and is left alone for a while")]
    LeftAlone,
    /// It answered something else than was agreed.
    #[error("the Hub's answer to {what} is not as agreed: {fault}")]
    Unreadable {
        /// What it was asked for.
        what: &'static str,
        /// What is wrong.
        fault: String,
    },
    /// All of it took too long.
    #[error("the Hub takes too long")]
    Slow,
    /// The key to it cannot be read.
    #[error("the Hub's key: {0}")]
    Key(#[from] SecretError),
}

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum KeyFrom {
    /// From the settings.
    Setting(ApiKey),
    /// From what keeps secrets; a key that is refused is read again.
    Secret(Box<Secrets>, SecretArn),
}

/// How to speak to the Hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// How long one try may take.
    pub timeout: Duration,
    /// How often a call is tried again.
    pub retries: u32,
    /// How many tries a minute there may be, of this process.
    pub per_minute: u32,
    /// How long to wait before the second try; twice as long before each one after, up to ten seconds.
    pub first_wait: Duration,
}

/// What the Hub does not want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The team's slug.
    pub team: String,
    /// What it says.
    pub error: String,
}

/// What a bulk update came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updated {
    /// The items that it did not take; it took the others.
    pub refused: Vec<Refusal>,
}

/// The Hub.
#[derive(Debug)]
pub struct Hub {
    wire: Wire,
    base: BaseUrl,
    key: KeyFrom,
    retries: u32,
    first_wait: Duration,
    pace: Pace,
    breaker: Breaker,
}

impl Hub {
    /// The Hub of these settings.
    ///
    /// # Errors
    /// When the system has no certificates, or no client of what keeps the key can be made.
    pub async fn from_settings(settings: &HubSettings, aws: &Aws) -> anyhow::Result<Arc<Self>> {
        let key = match &settings.key {
            ApiKeyAt::Setting(key) => KeyFrom::Setting(key.clone()),
            ApiKeyAt::Secret(arn) => {
                let secrets = Secrets::new(aws, Patience::SMALL, TIME_TO_LIVE).await?;
                KeyFrom::Secret(Box::new(secrets), arn.clone())
            }
        };
        Ok(Arc::new(Self::new(settings.base_url.clone(), key, settings.manners)?))
    }

    /// The Hub at that address, reached with the system's certificates.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub fn new(base: BaseUrl, key: KeyFrom, manners: Manners) -> io::Result<Self> {
        Ok(Self {
            wire: Wire::new(manners.timeout)?,
            base,
            key,
            retries: manners.retries,
            first_wait: manners.first_wait,
            pace: Pace::new(manners.per_minute),
            breaker: Breaker::default(),
        })
    }

    /// The approved teams of a hackathon, in the order of their slugs, each with those of its variables that are asked for.
    ///
    /// # Errors
    /// When the Hub cannot be asked.
    pub async fn roster(&self, hackathon: &str, variables: &[&str]) -> Result<Vec<Team>, HubError> {
        let hackathon = utf8_percent_encode(hackathon, NON_ALPHANUMERIC);
        let path = format!("/api/service/teams?hackathonId={hackathon}&status=APPROVED");
        let teams: wire::Teams = self.call("its teams", Method::GET, &path, None).await?;
        let environments: wire::Environments =
            self.call("the teams' variables", Method::GET, "/api/service/teams/environment", None).await?;
        Ok(joined(teams, environments, variables))
    }

    /// Tells what a criterion says of teams, all in one call.
    ///
    /// # Errors
    /// When the Hub took none of it. Told again it is the same update.
    pub async fn update(&self, hackathon: &str, criterion: Criterion, told: &[Told]) -> Result<Updated, HubError> {
        let updates = told.iter().map(|told| wire::Update::new(hackathon, criterion, told, UPDATED_BY)).collect();
        let body = serde_json::to_vec(&wire::Updates { updates }).expect("texts and numbers are JSON");
        let path = "/api/service/team-criteria";
        let answer: wire::Answer = self.call("an update", Method::POST, path, Some(body)).await?;
        let refused = answer.errors.unwrap_or_default().into_iter();
        Ok(Updated { refused: refused.map(|item| Refusal { team: item.team_slug, error: item.error }).collect() })
    }

    /// Calls until there is an answer, as often as may be.
    async fn call<A: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<A, HubError> {
        let url = format!("{}{path}", self.base);
        let mut key = self.key().await?;
        let (mut tries, mut renewed) = (0, false);
        loop {
            if !self.breaker.lets_through() {
                return Err(HubError::LeftAlone);
            }
            self.pace.wait().await;
            let answered = self.wire.send(method.clone(), &url, key.expose(), body.clone()).await;
            let (fault, asked_to_wait) = match answered {
                Ok(answer) => {
                    self.breaker.succeeded();
                    return serde_json::from_slice(&answer)
                        .map_err(|error| HubError::Unreadable { what, fault: error.to_string() });
                }
                Err(Fault::Refused(401)) if !renewed && self.renew(&mut key).await? => {
                    renewed = true;
                    continue;
                }
                Err(Fault::Refused(status)) => {
                    // It is there, and answers.
                    self.breaker.succeeded();
                    return Err(HubError::Refused { what, status });
                }
                Err(Fault::ForNow { fault, wait }) => (fault, wait),
            };
            self.breaker.failed();
            if tries == self.retries {
                return Err(HubError::Away { what, fault });
            }
            let wait = wait_before(random::jitter(wait_after(self.first_wait, tries)), asked_to_wait);
            tries += 1;
            tracing::warn!(what, fault, tries, wait_ms = wait.as_millis(), "the Hub did not answer; it is asked again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn key(&self) -> Result<Key, HubError> {
        Ok(match &self.key {
            KeyFrom::Setting(key) => Key::Setting(key.clone()),
            KeyFrom::Secret(secrets, arn) => Key::Secret(secrets.get(arn).await?),
        })
    }

    /// Reads the key again, where that can change it; says whether it has changed.
    async fn renew(&self, key: &mut Key) -> Result<bool, HubError> {
        let (KeyFrom::Secret(secrets, arn), Key::Secret(refused)) = (&self.key, &*key) else { return Ok(false) };
        let read = secrets.renew(arn, refused).await?;
        let changed = read != *refused;
        *key = Key::Secret(read);
        Ok(changed)
    }
}

/// A key that is there.
enum Key {
    Setting(ApiKey),
    Secret(Secret),
}

impl Key {
    fn expose(&self) -> &str {
        match self {
            Self::Setting(key) => key.expose(),
            Self::Secret(secret) => secret.expose().trim(),
        }
    }
}

/// Twice as long after each try, up to ten seconds.
fn wait_after(first: Duration, tries: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(LONGEST_WAIT)
}

/// At least as long as the Hub asks for, within reason.
fn wait_before(ours: Duration, asked: Option<Duration>) -> Duration {
    ours.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// Teams with their variables, each slug once. A value that is asked for and is no text counts as not set.
fn joined(teams: wire::Teams, environments: wire::Environments, asked: &[&str]) -> Vec<Team> {
    let mut variables: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for team in environments.teams {
        let asked_for = team.environment.into_iter().filter(|variable| asked.contains(&&*variable.key));
        let values = asked_for.filter_map(|variable| Some((variable.key, variable.value?)));
        variables.entry(team.team_slug).or_default().extend(values);
    }
    let names: BTreeMap<String, String> = teams.teams.into_iter().map(|team| (team.nickname, team.name)).collect();
    let teams = (1..).zip(names).map(|(position, (slug, name))| {
        let variables = variables.remove(&slug).unwrap_or_default();
        Team { position, slug, name, variables }
    });
    teams.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_a_second_up_to_ten() {
        let waits = [0, 1, 2, 3, 4, 31, 32, u32::MAX].map(|tries| wait_after(FIRST_WAIT, tries).as_secs());
        assert_eq!(waits, [1, 2, 4, 8, 10, 10, 10, 10]);
    }

    #[test]
    fn a_hub_that_asks_to_wait_is_left_alone_for_as_long_up_to_a_minute() {
        let seconds = Duration::from_secs;
        for (ours, asked, wait) in [(4, None, 4), (4, Some(1), 4), (4, Some(45), 45), (4, Some(3_600), 60)] {
            assert_eq!(wait_before(seconds(ours), asked.map(seconds)), seconds(wait), "{asked:?}");
        }
    }
}
