//! The Hub: where teams are registered, and where what criteria say of them is shown.
//!
//! Calls go out no faster than the agreed number a minute. What fails for the moment is tried again, later each time; what
//! is refused is not; and after several failures in a row nothing is tried for a while.

mod pace;
mod wire;

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request,
    body::Bytes,
    header::{ACCEPT, CONTENT_TYPE, HeaderName},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::pace::Pace;
use super::{
    Criterion,
    breaker::Breaker,
    http::{self, Fault, HttpClient},
    store::{Team, Told},
};
use crate::{
    aws::{Aws, secrets::SecretError},
    config::{BaseUrl, HubSettings},
    credential::Credential,
};

/// After how many failures in a row the Hub is left alone: those of one call, so that what follows it does not wait as
/// long again. And for how long.
const FAILURES: u32 = 4;
const REST: Duration = Duration::from_secs(30);

/// The header with the key.
const KEY: HeaderName = HeaderName::from_static("x-api-key");

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
    client: HttpClient,
    base: BaseUrl,
    key: Credential,
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
        let key = Credential::at(&settings.key, aws).await?;
        Ok(Arc::new(Self::new(settings.base_url.clone(), key, settings.manners)?))
    }

    /// The Hub at that address, reached with the system's certificates.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub fn new(base: BaseUrl, key: Credential, manners: Manners) -> io::Result<Self> {
        Ok(Self {
            client: HttpClient::new(manners.timeout)?,
            base,
            key,
            retries: manners.retries,
            first_wait: manners.first_wait,
            pace: Pace::new(manners.per_minute),
            breaker: Breaker::new(FAILURES, REST),
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
        let answer: wire::Answer = self.call("an update", Method::POST, path, Some(body.into())).await?;
        let refused = answer.errors.unwrap_or_default().into_iter();
        Ok(Updated { refused: refused.map(|item| Refusal { team: item.team_slug, error: item.error }).collect() })
    }

    /// Calls until there is an answer, as often as may be.
    async fn call<A: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<A, HubError> {
        let url = format!("{}{path}", self.base);
        let mut key = self.key.read().await?;
        let (mut tries, mut renewed) = (0, false);
        loop {
            if !self.breaker.lets_through() {
                return Err(HubError::LeftAlone);
            }
            self.pace.wait().await;
            let answered = match request(method.clone(), &url, key.expose(), body.clone()) {
                Ok(request) => self.client.send(request).await,
                Err(fault) => Err(Fault::for_now(fault)),
            };
            let (fault, asked_to_wait) = match answered {
                Ok(answer) => {
                    self.breaker.succeeded();
                    return serde_json::from_slice(&answer)
                        .map_err(|error| HubError::Unreadable { what, fault: error.to_string() });
                }
                Err(Fault::Refused(401)) if !renewed && self.key.renew(&mut key).await? => {
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
            let wait = http::wait_after(self.first_wait, tries, asked_to_wait);
            tries += 1;
            tracing::warn!(what, fault, tries, wait_ms = wait.as_millis(), "the Hub did not answer; it is asked again");
            tokio::time::sleep(wait).await;
        }
    }
}

fn request(method: Method, url: &str, key: &str, body: Option<Bytes>) -> Result<Request<Full<Bytes>>, &'static str> {
    let mut request = Request::builder().method(method).uri(url).header(ACCEPT, "application/json");
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let mut request = request.body(Full::from(body.unwrap_or_default())).map_err(|_| "API_BASE_URL cannot be asked")?;
    http::add_secret(request.headers_mut(), KEY, key)?;
    Ok(request)
}

/// The most characters of a team's slug and name, as the records have room for them, and of a variable's value.
const LONGEST_SLUG: usize = 128;
const LONGEST_NAME: usize = 255;
const LONGEST_VALUE: usize = 2_048;

/// Teams with their variables, each slug once. A value that is asked for and is no text, or is longer than anything that a
/// monitor reads, counts as not set; a team whose slug is no name cannot be told of, and is left out.
fn joined(teams: wire::Teams, environments: wire::Environments, asked: &[&str]) -> Vec<Team> {
    let mut variables: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for team in environments.teams {
        let asked_for = team.environment.into_iter().filter(|variable| asked.contains(&&*variable.key));
        let values = asked_for.filter_map(|variable| Some((variable.key, variable.value?)));
        let values = values.filter(|(_, value)| value.len() <= LONGEST_VALUE);
        variables.entry(team.team_slug).or_default().extend(values);
    }
    let known = teams.teams.len();
    let named = teams.teams.into_iter().filter(|team| (1..=LONGEST_SLUG).contains(&team.nickname.chars().count()));
    let names: BTreeMap<String, String> = named.map(|team| (team.nickname, team.name)).collect();
    if names.len() < known {
        tracing::warn!(teams = known - names.len(), "the Hub names teams twice, or by no slug that can be one");
    }
    let teams = (1..).zip(names).map(|(position, (slug, name))| {
        let name = name.chars().take(LONGEST_NAME).collect();
        let variables = variables.remove(&slug).unwrap_or_default();
        Team { position, slug, name, variables }
    });
    teams.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn what_the_records_have_no_room_for_costs_no_other_team_its_place() {
        let long = "x".repeat(LONGEST_SLUG + 1);
        let named = |slug: &str| json!({"nickname": slug, "name": "é".repeat(300)});
        let teams = json!({"teams": [named("red"), named(&long), named(""), named("blue"), named("red")]});
        let value =
            |length: usize| json!([{"key": "Repo", "value": "v".repeat(length)}, {"key": "Other", "value": "o"}]);
        let environments = json!({"teams": [{"teamSlug": "red", "environment": value(LONGEST_VALUE)},
            {"teamSlug": "blue", "environment": value(LONGEST_VALUE + 1)}, {"teamSlug": "gone", "environment": value(1)}]});
        let (teams, environments) = (from_value(teams).expect("teams"), from_value(environments).expect("variables"));
        let joined = joined(teams, environments, &["Repo"]);
        let said: Vec<_> = joined.iter().map(|team| (team.position, &*team.slug, team.variables.len())).collect();
        assert_eq!(said, [(1, "blue", 0), (2, "red", 1)]);
        assert_eq!(joined[0].name.chars().count(), LONGEST_NAME);
    }
}
