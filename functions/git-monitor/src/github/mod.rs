//! GitHub, by its REST API: what it tells of a repository and of the commits on its default branch.
//!
//! The most of it is conditional: GitHub is told by an `ETag` what is known, and where nothing has changed its answer
//! is a 304, which does not count against the limit of requests an hour. As the first page of commits is that with the
//! latest, the others have not changed where it has not.
//!
//! It is asked by hyper, and not by octocrab (0.54): there a conditional request needs the whole answer kept, by a storage
//! that cannot wait for records; limits are not heeded, and what is read is not bounded; and one commit whose moment is
//! none, which git takes, makes its page unreadable. What is asked for are two addresses, and an app's three.

mod app;
mod app_key;
mod gate;
mod pages;
mod shapes;
mod wire;

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use hyper::{Method, Response, StatusCode, body::Bytes, header::ETAG};
use serde::de::DeserializeOwned;
use shared::{
    aws::Aws,
    clock::Clock,
    config::{BaseUrl, GitHubEntry, GitHubSettings, TokenAt},
    credential::Credential,
    hackathon::{
        breaker::Breaker,
        http::{FIRST_WAIT, HttpClient},
    },
};
use tokio::sync::Semaphore;

pub use self::{
    app::{App, AppKeyFrom},
    app_key::AppKey,
    wire::Manners,
};
use self::{
    gate::Gate,
    pages::Home,
    shapes::{CommitShape, RepositoryShape},
    wire::{Pass, Wire},
};
use crate::{
    facts::{About, Activity, Why},
    place::Repository,
};

/// How many repositories are looked at together: GitHub asks for few requests at a time, and has a limit of a hundred
/// for all that use one token.
const AT_ONCE: usize = 10;

/// The most pages of commits that are counted, a hundred each: no rule asks for so many.
const MOST_PAGES: usize = 50;

/// How often a repository may have moved.
const MOST_MOVES: usize = 3;

/// The longest `ETag` that is kept.
const LONGEST_ETAG: usize = 255;

/// How often a request is tried again, and the longest wait for a limit's end: a run has minutes, for all teams.
const RETRIES: u32 = 2;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// After how many failures in a row GitHub is left alone, and for how long: two rounds of all that are asked together.
const FAILURES: u32 = 20;
const REST: Duration = Duration::from_secs(60);

/// How it is asked where nobody says otherwise.
impl Manners {
    /// With that time for each try.
    pub fn within(timeout: Duration) -> Self {
        Self { timeout, retries: RETRIES, first_wait: FIRST_WAIT, longest_wait: LONGEST_WAIT }
    }
}

/// Who asks.
#[derive(Debug)]
pub enum Entry {
    /// Nobody: only what is public, and few requests an hour.
    Nobody,
    /// Whoever a token belongs to.
    Token(Credential),
    /// A GitHub App.
    App(Box<App>),
}

/// What is known of something, and by which `ETag` GitHub knows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<T> {
    /// The `ETag`; empty where there was none.
    pub etag: String,
    /// What is known.
    pub facts: T,
}

/// GitHub.
#[derive(Debug)]
pub struct GitHub {
    wire: Wire,
    base: BaseUrl,
    home: Home,
    entry: Entry,
    /// The limits of nobody, and those of a token.
    gate: Arc<Gate>,
    at_once: Semaphore,
}

impl GitHub {
    /// The GitHub of these settings.
    ///
    /// # Errors
    /// When the system has no certificates, no client of what keeps secrets can be made, or the app's key is none.
    pub async fn from_settings(settings: &GitHubSettings, aws: &Aws, clock: &Clock) -> anyhow::Result<Self> {
        let entry = match &settings.entry {
            GitHubEntry::Nobody => {
                tracing::warn!("GitHub is asked without a token: 60 requests an hour, and no private repository");
                Entry::Nobody
            }
            GitHubEntry::Token(place) => Entry::Token(Credential::at(place, aws).await?),
            GitHubEntry::AppFile(id, file) => {
                let read = std::fs::read_to_string(file).map_err(anyhow::Error::from);
                let key = read.and_then(|pem| AppKey::parse(&pem));
                let key = key.with_context(|| format!("GITHUB_APP_KEY: {}", file.display()))?;
                Entry::App(Box::new(App::new(*id, AppKeyFrom::Read(Box::new(key)), clock.clone())))
            }
            GitHubEntry::AppSecret(id, arn) => {
                let credential = Credential::at(&TokenAt::Secret(arn.clone()), aws).await?;
                Entry::App(Box::new(App::new(*id, AppKeyFrom::Secret(credential), clock.clone())))
            }
        };
        let (manners, agent) = (Manners::within(settings.timeout), settings.user_agent.clone());
        Self::new(settings.base_url.clone(), entry, manners, agent, clock.clone())
    }

    /// The GitHub whose API has that address, reached with the system's certificates by who calls itself so.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub fn new(base: BaseUrl, entry: Entry, manners: Manners, agent: String, clock: Clock) -> anyhow::Result<Self> {
        let home = Home::new(base.as_str()).context("GITHUB_API_URL")?;
        let client = HttpClient::new(manners.timeout)?;
        let wire = Wire { client, manners, agent, breaker: Breaker::new(FAILURES, REST), clock };
        Ok(Self { wire, base, home, entry, gate: Arc::default(), at_once: Semaphore::new(AT_ONCE) })
    }

    /// The host of the repositories that it has.
    pub fn host(&self) -> String {
        crate::place::host_of_api(&self.base)
    }

    /// Waits for one of the few places of those who ask together.
    pub(crate) async fn place(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // It is never closed.
        self.at_once.acquire().await.ok()
    }

    /// The address of what it tells of a repository.
    pub fn about_url(&self, repository: &Repository) -> String {
        format!("{}{}", self.base, repository.path())
    }

    /// The address of the first page of commits since a moment.
    pub fn commits_url(&self, repository: &Repository, since: DateTime<Utc>) -> String {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("{}{}/commits?since={since}&per_page=100", self.base, repository.path())
    }

    /// What it tells of a repository; what is known where that has not changed.
    ///
    /// # Errors
    /// When it tells nothing.
    pub async fn about(&self, repository: &Repository, known: Option<Known<About>>) -> Result<Known<About>, Why> {
        let url = self.about_url(repository);
        let answer = self.get(repository, url, known.as_ref().map(|known| &*known.etag)).await?;
        match (answer.status(), known) {
            (StatusCode::NOT_MODIFIED, Some(known)) => Ok(known),
            (StatusCode::OK, _) => Ok(Known { etag: etag(&answer), facts: read::<RepositoryShape>(&answer)?.into() }),
            _ => Err(Why::Garbled),
        }
    }

    /// The commits on a repository's default branch since a moment, all pages of them; what is known where they have
    /// not changed.
    ///
    /// # Errors
    /// When it tells nothing.
    pub async fn activity(
        &self,
        repository: &Repository,
        since: DateTime<Utc>,
        known: Option<Known<Activity>>,
    ) -> Result<Known<Activity>, Why> {
        let url = self.commits_url(repository, since);
        let mut answer = self.get(repository, url, known.as_ref().map(|known| &*known.etag)).await?;
        match (answer.status(), known) {
            (StatusCode::NOT_MODIFIED, Some(known)) => return Ok(known),
            (StatusCode::CONFLICT, _) => return Ok(Known { etag: String::new(), facts: Activity::default() }),
            (StatusCode::OK, _) => {}
            _ => return Err(Why::Garbled),
        }
        let etag = etag(&answer);
        let mut counted = Counted::default();
        for page in 1.. {
            counted.add(read(&answer)?, since);
            let Some(next) = self.home.next(answer.headers())? else { break };
            if page == MOST_PAGES {
                counted.activity.more = true;
                break;
            }
            answer = self.get(repository, next, None).await?;
            if answer.status() != StatusCode::OK {
                return Err(Why::Garbled);
            }
        }
        Ok(Known { etag, facts: counted.activity() })
    }

    /// An answer of a repository that can be seen, wherever it has moved: 200, 304 or 409.
    async fn get(&self, repository: &Repository, url: String, etag: Option<&str>) -> Result<Response<Bytes>, Why> {
        let etag = etag.filter(|etag| !etag.is_empty());
        let (mut url, mut moves, mut renewed) = (url, 0, false);
        let mut pass = self.pass(repository).await?;
        loop {
            let answer = self.wire.ask(&Method::GET, &url, etag, &pass).await?;
            match answer.status() {
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT
                    if moves < MOST_MOVES =>
                {
                    url = self.home.moved(answer.headers())?;
                    moves += 1;
                }
                StatusCode::UNAUTHORIZED if !renewed && self.renew(&mut pass, repository).await? => renewed = true,
                StatusCode::UNAUTHORIZED => {
                    tracing::error!("GitHub does not take the token");
                    return Err(Why::NoEntry);
                }
                StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Why::NotSeen),
                status @ (StatusCode::FORBIDDEN | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS) => {
                    return Err(Why::Withheld(status.as_u16()));
                }
                _ => return Ok(answer),
            }
        }
    }

    async fn pass(&self, repository: &Repository) -> Result<Pass, Why> {
        let key = match &self.entry {
            Entry::Nobody => None,
            Entry::Token(credential) => Some(credential.read().await.map_err(unread)?),
            Entry::App(app) => return app.pass(repository, self.base.as_str(), &self.wire).await,
        };
        Ok(Pass { key, gate: Arc::clone(&self.gate), installation: None })
    }

    /// Another pass in place of one that GitHub does not take, where there may be one.
    async fn renew(&self, pass: &mut Pass, repository: &Repository) -> Result<bool, Why> {
        match (&self.entry, &mut pass.key) {
            (Entry::Token(credential), Some(key)) => credential.renew(key).await.map_err(unread),
            (Entry::App(app), _) => {
                let forgotten = app.forget(pass).await;
                if forgotten {
                    *pass = self.pass(repository).await?;
                }
                Ok(forgotten)
            }
            _ => Ok(false),
        }
    }
}

fn unread(error: shared::aws::secrets::SecretError) -> Why {
    tracing::error!(%error, "the token for GitHub cannot be read");
    Why::NoEntry
}

/// The `ETag` of an answer; empty where there is none that can be kept.
fn etag(answer: &Response<Bytes>) -> String {
    let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
    etag.filter(|etag| etag.len() <= LONGEST_ETAG).unwrap_or_default().to_owned()
}

fn read<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, Why> {
    serde_json::from_slice(answer.body()).map_err(|error| {
        // What it says stays out of the log.
        tracing::warn!(line = error.line(), column = error.column(), "GitHub's answer is not as documented");
        Why::Garbled
    })
}

/// Commits while they are counted.
#[derive(Debug, Default)]
struct Counted {
    activity: Activity,
    authors: HashSet<shapes::Author>,
}

impl Counted {
    /// Adds a page. The first commit of the first is the latest; a repository's history may name earlier moments after
    /// it.
    fn add(&mut self, page: Vec<CommitShape>, since: DateTime<Utc>) {
        for commit in page {
            let at = commit.at();
            if at.is_some_and(|at| at < since) {
                continue;
            }
            self.activity.commits += 1;
            self.activity.last_commit_at = self.activity.last_commit_at.or(at);
            self.authors.extend(commit.author());
        }
    }

    fn activity(mut self) -> Activity {
        self.activity.authors = self.authors.len() as u64;
        self.activity
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn commit(date: &Value, account: &Value, email: &str) -> CommitShape {
        let signature = json!({"email": email, "date": date});
        from_value(json!({"commit": {"author": signature, "committer": signature}, "author": account}))
            .expect("a commit")
    }

    #[test]
    fn only_what_was_committed_since_the_start_counts_and_each_author_once() {
        let since = "2026-11-07T08:00:00Z".parse().expect("a moment");
        let octocat = json!({"id": 1});
        let page = [
            (json!("no moment"), json!(null), "a@example.org"),
            (json!("2026-11-07T10:00:00+01:00"), octocat.clone(), "a@example.org"),
            (json!("2026-11-07T08:00:00Z"), octocat.clone(), "b@example.org"),
            (json!("2026-11-07T08:59:59+01:00"), json!({"id": 9}), "c@example.org"),
            (json!("2026-11-08T08:00:00Z"), json!({}), "A@example.org"),
            (json!(null), json!(null), "d@example.org"),
        ];
        let mut counted = Counted::default();
        counted.add(page.iter().map(|(date, account, email)| commit(date, account, email)).collect(), since);
        let last_commit_at = Some("2026-11-07T09:00:00Z".parse().expect("a moment"));
        let expected = Activity { commits: 5, more: false, last_commit_at, authors: 3 };
        assert_eq!(counted.activity(), expected);
    }
}
