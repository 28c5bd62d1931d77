//! A stand-in for GitHub's REST API: repositories with commits, in pages; `ETag`s; limits; moved, private and empty
//! repositories; apps. It checks the headers of every request, and misbehaves on request.

mod apps;
mod shapes;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, task::JoinHandle};

pub use self::apps::{APP, APP_KEY, APP_KEY_PKCS8};
use crate::http::{self, DropConnection};

/// The token that it knows.
pub const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// What it is asked for.
    Answer,
    /// Answers with this HTTP status.
    Fail(u16),
    /// Answers 403: too many requests at a time; come again after so many seconds.
    TooThick(u64),
    /// Never answers.
    Hang,
    /// Closes the connection instead of replying.
    Drop,
    /// Answers with something that is not documented.
    Garbage,
    /// Answers with more than anybody reads.
    Endless,
    /// Answers as asked, with links that lead to another host.
    LeadAway,
    /// Answers 301, to another host.
    MoveAway,
}

/// Decides about a request by its number, from 0, and its method and path.
pub type Script = dyn Fn(usize, &str) -> Behaviour + Send + Sync;

/// A running GitHub; it stops when it is dropped.
#[derive(Debug)]
pub struct GitHubFake {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    address: SocketAddr,
    script: Mutex<Box<Script>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    repositories: BTreeMap<String, Repository>,
    /// Where repositories have moved from and to.
    moved: BTreeMap<String, String>,
    /// How many requests are left, and when there are more again, in seconds since 1970.
    left: Option<(u64, i64)>,
    /// The installations of the app: the owners whose repositories it may see.
    installed: Vec<String>,
    /// Tokens of installations, by their number.
    given: BTreeMap<u64, String>,
    /// When such a token ends.
    given_until: Option<DateTime<Utc>>,
    /// A request came with the token.
    calls: Vec<String>,
    faults: Vec<String>,
}

#[derive(Debug, Clone)]
struct Repository {
    id: u64,
    private: bool,
    /// When each was committed, and the number of its author's account; 0 for one without. The latest is the first.
    commits: Vec<(DateTime<Utc>, u64)>,
    empty: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.state.fmt(f)
    }
}

impl GitHubFake {
    /// A GitHub without repositories, that does what it is asked for.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let shared = Arc::new(Shared {
            address,
            script: Mutex::new(Box::new(|_, _| Behaviour::Answer)),
            state: Mutex::new(State::default()),
        });
        let served = Arc::clone(&shared);
        let accepting = tokio::spawn(http::serve(listener, move |request| handle(request, Arc::clone(&served))));
        Self { address, shared, accepting }
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it does this with a request, by its number and its method and path.
    pub fn does(&self, script: impl Fn(usize, &str) -> Behaviour + Send + Sync + 'static) {
        *lock(&self.shared.script) = Box::new(script);
    }

    /// It has a repository (`owner/name`) with commits, the latest first, each by the account of that number or by 0,
    /// an address without account.
    pub fn has(&self, name: &str, commits: &[(DateTime<Utc>, u64)]) {
        self.add(name, |repository| repository.commits = commits.to_vec());
    }

    /// It has a repository that only a token shows.
    pub fn has_private(&self, name: &str, commits: &[(DateTime<Utc>, u64)]) {
        self.has(name, commits);
        self.add(name, |repository| repository.private = true);
    }

    /// It has a repository in which nothing was ever committed.
    pub fn has_empty(&self, name: &str) {
        self.add(name, |repository| repository.empty = true);
    }

    /// A repository has another name now.
    pub fn moves(&self, from: &str, to: &str) {
        let mut state = self.state();
        let repository = state.repositories.remove(from).expect("it is there");
        state.repositories.insert(to.to_owned(), repository);
        state.moved.insert(from.to_owned(), to.to_owned());
    }

    /// One more commit.
    pub fn pushes(&self, name: &str, at: DateTime<Utc>, author: u64) {
        self.add(name, |repository| repository.commits.insert(0, (at, author)));
    }

    /// From now on so many requests are left until that moment.
    pub fn leaves(&self, requests: u64, until: DateTime<Utc>) {
        self.state().left = Some((requests, until.timestamp()));
    }

    /// There is no limit any more.
    pub fn leaves_enough(&self) {
        self.state().left = None;
    }

    /// How many requests are left.
    pub fn left(&self) -> Option<u64> {
        self.state().left.map(|(requests, _)| requests)
    }

    /// The app is installed at these owners' repositories; its tokens end at that moment.
    pub fn installs(&self, owners: &[&str], until: DateTime<Utc>) {
        let mut state = self.state();
        state.installed = owners.iter().map(|owner| (*owner).to_owned()).collect();
        state.given_until = Some(until);
    }

    /// No token that an installation was given is taken any more.
    pub fn revokes(&self) {
        self.state().given.clear();
    }

    /// Method, path and the status of the answer, in the order of the requests; `-` where there was none.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Those since the last time that this was asked.
    pub fn new_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// What was wrong with requests: nothing, or a test fails.
    pub fn faults(&self) -> Vec<String> {
        self.state().faults.clone()
    }

    fn add(&self, name: &str, change: impl FnOnce(&mut Repository)) {
        let mut state = self.state();
        let id = 1_296_269 + state.repositories.len() as u64;
        let new = Repository { id, private: false, commits: Vec::new(), empty: false };
        change(state.repositories.entry(name.to_owned()).or_insert(new));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl Drop for GitHubFake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, DropConnection> {
    let (head, _) = request.into_parts();
    let path = head.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
    let called = format!("{} {path}", head.method);
    let number = {
        let mut state = lock(&shared.state);
        state.calls.push(format!("{called} -"));
        state.calls.len() - 1
    };
    let behaviour = (lock(&shared.script))(number, &called);
    let answered = match behaviour {
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Drop => return Err(DropConnection),
        Behaviour::Fail(status) => shapes::error(status, "as the script says"),
        Behaviour::Garbage => shapes::answer(200, &json!({"message": ["<html>"]})),
        Behaviour::Endless => shapes::answer(200, &json!(" ".repeat(9 << 20))),
        Behaviour::TooThick(seconds) => {
            let mut asked = shapes::error(403, "You have exceeded a secondary rate limit. Please wait a few minutes.");
            asked.headers_mut().insert("retry-after", seconds.into());
            asked
        }
        Behaviour::MoveAway => shapes::moved("https://github.example.org/repositories/1"),
        Behaviour::Answer | Behaviour::LeadAway => {
            let mut state = lock(&shared.state);
            let mut answered = state.answer(&head.method, &path, &head.headers, shared.address);
            if behaviour == Behaviour::LeadAway {
                let link = r#"<https://github.example.org/repositories/1/commits?page=2>; rel="next""#;
                answered.headers_mut().insert("link", link.parse().expect("a link"));
            }
            answered
        }
    };
    let mut state = lock(&shared.state);
    if let Some(call) = state.calls.get_mut(number) {
        *call = format!("{called} {}", answered.status().as_u16());
    }
    Ok(answered)
}

impl State {
    /// The answer, with the headers of the limit and of what is known already.
    fn answer(&mut self, method: &Method, path: &str, headers: &HeaderMap, at: SocketAddr) -> Response<Full<Bytes>> {
        self.check(headers);
        let signed = path.starts_with("/app/") || path.ends_with("/installation");
        let seen = match headers.get("authorization").and_then(|value| value.to_str().ok()) {
            _ if signed => return self.of_app(method, path, headers),
            None => None,
            Some(bearer) => match self.entry(bearer.strip_prefix("Bearer ").unwrap_or_default()) {
                Some(seen) => Some(seen),
                None => return shapes::error(401, "Bad credentials"),
            },
        };
        if let Some((0, reset)) = self.left {
            let mut limited = shapes::error(403, "API rate limit exceeded for user ID 1.");
            shapes::limit(&mut limited, 0, reset);
            return limited;
        }
        let mut answered = self.of_repository(path, seen.as_ref(), at);
        let known = headers.get("if-none-match").and_then(|etag| etag.to_str().ok());
        let etag = answered.headers().get("etag").and_then(|etag| etag.to_str().ok());
        if known.is_some() && known == etag {
            *answered.status_mut() = StatusCode::NOT_MODIFIED;
            *answered.body_mut() = Full::default();
            answered.headers_mut().remove("link");
        } else if let Some((left, _)) = &mut self.left {
            *left -= 1;
        }
        let (left, reset) = self.left.unwrap_or((4_999, 4_102_444_800));
        shapes::limit(&mut answered, left, reset);
        answered
    }

    fn check(&mut self, headers: &HeaderMap) {
        let mut wrong = |name: &str, right: &dyn Fn(&str) -> bool| {
            let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if !right(value) {
                self.faults.push(format!("{name} is {value:?}"));
            }
        };
        wrong("accept", &|value| value == "application/vnd.github+json");
        wrong("x-github-api-version", &|value| value == "2022-11-28");
        wrong("user-agent", &|value| value == "almanac-monitor");
        wrong("authorization", &|value| value.is_empty() || value.starts_with("Bearer "));
    }

    /// Whose repositories a token shows: everybody's, or those of one owner.
    fn entry(&self, token: &str) -> Option<Seen> {
        if token == TOKEN {
            return Some(Seen::All);
        }
        let (number, _) = self.given.iter().find(|(_, given)| *given == token)?;
        Some(Seen::Of(self.installed.get(usize::try_from(*number).ok()?)?.clone()))
    }

    fn of_repository(&self, path: &str, seen: Option<&Seen>, at: SocketAddr) -> Response<Full<Bytes>> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let (name, rest) = match *parts {
            ["repos", owner, name, ref rest @ ..] => (format!("{owner}/{name}"), rest),
            ["repositories", id, ref rest @ ..] => {
                let found = self.repositories.iter().find(|(_, repository)| repository.id.to_string() == id);
                (found.map_or(String::new(), |(name, _)| name.clone()), rest)
            }
            _ => return shapes::error(404, "Not Found"),
        };
        if let Some(id) = self.moved.get(&name).and_then(|to| self.repositories.get(to)).map(|moved| moved.id) {
            let rest: String = rest.iter().map(|part| format!("/{part}")).collect();
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            return shapes::moved(&format!("http://{at}/repositories/{id}{rest}{query}"));
        }
        let Some(repository) = self.repositories.get(&name) else { return shapes::error(404, "Not Found") };
        let shown = !repository.private
            || seen.is_some_and(|seen| match seen {
                Seen::All => true,
                Seen::Of(owner) => name.starts_with(&format!("{owner}/")),
            });
        match *rest {
            [] if shown => with_etag(shapes::answer(200, &shapes::repository(&name, repository))),
            ["commits"] if shown && repository.empty => shapes::error(409, "Git Repository is empty."),
            ["commits"] if shown => with_etag(commits(&name, repository, query, at)),
            _ => shapes::error(404, "Not Found"),
        }
    }
}

/// What a token shows.
enum Seen {
    All,
    Of(String),
}

/// A page of the commits since a moment, with links to the others.
fn commits(name: &str, repository: &Repository, query: &str, at: SocketAddr) -> Response<Full<Bytes>> {
    let asked: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let number = |name: &str, otherwise: usize| asked.get(name).map_or(Ok(otherwise), |text| text.parse());
    let (Ok(per_page @ 1..=100), Ok(page @ 1..)) = (number("per_page", 30), number("page", 1)) else {
        return shapes::error(400, "Bad Request");
    };
    let since: Option<DateTime<Utc>> = asked.get("since").and_then(|since| since.parse().ok());
    let since: Vec<_> =
        repository.commits.iter().filter(|(at, _)| since.is_none_or(|since| *at >= since)).copied().collect();
    let first = (page - 1) * per_page;
    let shown: Vec<Value> =
        since.iter().skip(first).take(per_page).map(|(at, author)| shapes::commit(name, *at, *author)).collect();
    let mut answered = shapes::answer(200, &Value::from(shown));
    let last = since.len().div_ceil(per_page).max(1);
    let (id, asked_since) = (repository.id, asked.get("since").map_or("", |since| since));
    let link = |page: usize, relation: &str| {
        let query = format!("since={asked_since}&per_page={per_page}&page={page}");
        format!(r#"<http://{at}/repositories/{id}/commits?{query}>; rel="{relation}""#)
    };
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link(page - 1, "prev"), link(1, "first")]);
    }
    if page < last {
        links.extend([link(page + 1, "next"), link(last, "last")]);
    }
    if !links.is_empty() {
        answered.headers_mut().insert("link", links.join(", ").parse().expect("links"));
    }
    answered
}

/// GitHub's own are weak, where what it answers with is compressed.
fn with_etag(mut answered: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let digest = Sha256::digest(format!("{:?}", (answered.body(), answered.headers().get("link"))));
    let etag = format!("W/\"{}\"", HEXLOWER.encode(&digest));
    answered.headers_mut().insert("etag", etag.parse().expect("an ETag"));
    answered
}
