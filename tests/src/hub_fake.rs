//! A stand-in for the Hub: it checks the schema of every call, keeps what it is told, refuses items, and fails on request.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
};
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::http::{self, DropConnection};

/// The key that it knows a service by.
pub const KEY: &str = "sk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The hackathon whose teams it has.
pub const HACKATHON: &str = "7";

/// What it does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// What it is asked for.
    Answer,
    /// Does it, and closes the connection instead of replying.
    DoAndDrop,
    /// Answers with this HTTP status.
    Fail(u16),
    /// Answers 429, and asks to be left alone for so many seconds.
    AskToWait(u64),
    /// Never answers.
    Hang,
    /// Answers with something that is not agreed.
    Garbage,
}

/// Decides about a call by its number, from 0, and its method and path.
pub type Script = dyn Fn(usize, &str) -> Behaviour + Send + Sync;

/// A running Hub; it stops when it is dropped.
#[derive(Debug)]
pub struct HubFake {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Mutex<Box<Script>>,
    schema: Validator,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The variables of each team, by its slug.
    teams: BTreeMap<String, BTreeMap<String, String>>,
    /// What it does not want of a team, and why.
    refused: BTreeMap<String, String>,
    calls: Vec<String>,
    /// What it was told: each update of each bulk call, in order.
    told: Vec<Vec<Value>>,
    /// What was wrong with calls.
    faults: Vec<String>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.state.fmt(f)
    }
}

impl HubFake {
    /// A Hub with these teams, each with its variables, that does what it is asked for.
    pub async fn start<'a>(teams: impl IntoIterator<Item = (&'a str, &'a [(&'a str, &'a str)])>) -> Self {
        let variables = |set: &[(&str, &str)]| {
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let teams = teams.into_iter().map(|(slug, set)| (slug.to_owned(), variables(set))).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(|_, _| Behaviour::Answer)),
            schema: jsonschema::validator_for(&schema()).expect("a schema"),
            state: Mutex::new(State { teams, ..State::default() }),
        });
        let address = listener.local_addr().expect("it listens");
        let served = Arc::clone(&shared);
        let accepting = tokio::spawn(http::serve(listener, move |request| handle(request, Arc::clone(&served))));
        Self { address, shared, accepting }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it does this with a call, by the call's number and its method and path.
    pub fn does(&self, script: impl Fn(usize, &str) -> Behaviour + Send + Sync + 'static) {
        *lock(&self.shared.script) = Box::new(script);
    }

    /// From now on it does not want anything of this team.
    pub fn refuses(&self, team: &str, why: &str) {
        lock(&self.shared.state).refused.insert(team.to_owned(), why.to_owned());
    }

    /// From now on a team's variable has this value.
    pub fn set(&self, team: &str, variable: &str, value: &str) {
        let mut state = lock(&self.shared.state);
        state.teams.entry(team.to_owned()).or_default().insert(variable.to_owned(), value.to_owned());
    }

    /// Method and path of each call, in the order of their coming.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.shared.state).calls.clone()
    }

    /// What it was told and took, in one list for each bulk call: `slug CRITERION STATUS score`.
    pub fn told(&self) -> Vec<Vec<String>> {
        let said = |update: &Value| {
            let score = update.get("score").map_or("-".to_owned(), Value::to_string);
            let [team, criterion, status] = ["teamSlug", "criteriaType", "status"].map(|field| text(update, field));
            format!("{team} {criterion} {status} {score}")
        };
        lock(&self.shared.state).told.iter().map(|call| call.iter().map(said).collect()).collect()
    }

    /// What was wrong with the calls that came: nothing, or a test fails.
    pub fn faults(&self) -> Vec<String> {
        lock(&self.shared.state).faults.clone()
    }
}

impl Drop for HubFake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// What a bulk update looks like.
fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["updates"],
        "additionalProperties": false,
        "properties": {"updates": {"type": "array", "minItems": 1, "items": {
            "type": "object",
            "required": ["teamSlug", "hackathonId", "criteriaType", "status", "updatedBy"],
            "additionalProperties": false,
            "properties": {
                "teamSlug": {"type": "string", "minLength": 1},
                "hackathonId": {"type": "integer"},
                "criteriaType": {"enum": ["CODE_REPO", "DEPLOYED_SOLUTION", "EVENT_SEARCH", "ARCHIVE_SEARCH",
                    "AUTH_PERFORMANCE", "TICKET_BOOKING", "BUDGET_TRACKING", "JUDGE_SCORE"]},
                "status": {"enum": ["PASSED", "FAILED", "NO_DATA"]},
                "score": {"type": "integer", "minimum": 0},
                "metrics": {"type": "object"},
                "updatedBy": {"type": "string", "minLength": 1},
            },
        }}},
    })
}

async fn handle(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, DropConnection> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
    let called = format!("{} {path}", head.method);
    let number = {
        let mut state = lock(&shared.state);
        state.calls.push(called.clone());
        state.calls.len() - 1
    };
    let behaviour = (lock(&shared.script))(number, &called);
    let body = body.collect().await.map_err(|_| DropConnection)?.to_bytes();
    match behaviour {
        Behaviour::Fail(status) => return Ok(answer(status, &json!({"error": "as the script says"}))),
        Behaviour::Garbage => return Ok(answer(200, &json!("teams"))),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::AskToWait(seconds) => {
            let mut asked = answer(429, &json!({"error": "too many requests"}));
            asked.headers_mut().insert("retry-after", seconds.into());
            return Ok(asked);
        }
        Behaviour::Answer | Behaviour::DoAndDrop => {}
    }
    if head.headers.get("x-api-key").and_then(|key| key.to_str().ok()) != Some(KEY) {
        return Ok(answer(401, &json!({"error": "no such key"})));
    }
    let answered = match (&head.method, head.uri.path()) {
        (&Method::GET, "/api/service/teams") => shared.teams(head.uri.query().unwrap_or_default()),
        (&Method::GET, "/api/service/teams/environment") => shared.environments(),
        (&Method::POST, "/api/service/team-criteria") => shared.update(&body),
        _ => shared.fault(format!("there is no {called}")),
    };
    if behaviour == Behaviour::DoAndDrop { Err(DropConnection) } else { Ok(answered) }
}

impl Shared {
    fn teams(&self, query: &str) -> Response<Full<Bytes>> {
        if query != format!("hackathonId={HACKATHON}&status=APPROVED") {
            return self.fault(format!("teams are asked for by {query}"));
        }
        let teams: Vec<Value> = (1..)
            .zip(lock(&self.state).teams.keys())
            .map(|(id, slug)| {
                json!({"id": id, "name": format!("Team {slug}"), "nickname": slug, "hackathonId": 7,
                       "status": "APPROVED", "level": "BEGINNER"})
            })
            .collect();
        answer(200, &json!({"count": teams.len(), "teams": teams, "status": "APPROVED"}))
    }

    fn environments(&self) -> Response<Full<Bytes>> {
        let environment = |set: &BTreeMap<String, String>| -> Vec<Value> {
            // Others than the monitors', and one without a value, are there too.
            let others =
                [json!({"key": "DATABASE_PASSWORD", "value": "********"}), json!({"key": "EMPTY", "value": null})];
            set.iter().map(|(key, value)| json!({"key": key, "value": value})).chain(others).collect()
        };
        let state = lock(&self.state);
        let teams: Vec<Value> = (1..)
            .zip(&state.teams)
            .map(|(id, (slug, set))| {
                json!({"teamId": id, "teamSlug": slug, "teamName": format!("Team {slug}"),
                       "environment": environment(set), "categories": []})
            })
            .collect();
        answer(200, &json!({"teams": teams}))
    }

    fn update(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let Ok(asked) = serde_json::from_slice::<Value>(body) else { return self.fault("no JSON".to_owned()) };
        let wrong: Vec<String> = self.schema.iter_errors(&asked).map(|error| error.to_string()).collect();
        if !wrong.is_empty() {
            return self.fault(wrong.join("; "));
        }
        let updates = asked["updates"].as_array().cloned().unwrap_or_default();
        let mut state = lock(&self.state);
        let (refused, taken): (Vec<Value>, Vec<Value>) =
            updates.iter().cloned().partition(|update| state.refused.contains_key(&text(update, "teamSlug")));
        let errors: Vec<Value> = refused
            .iter()
            .map(|update| {
                let team = text(update, "teamSlug");
                json!({"teamSlug": team, "criteriaType": update["criteriaType"], "error": state.refused[&team]})
            })
            .collect();
        let mut answered = json!({"updatedEntries": taken.len(), "createdEntries": 0, "processedTeams": taken.len(),
                                  "totalRequests": updates.len()});
        if !errors.is_empty() {
            answered["errors"] = errors.into();
        }
        state.told.push(taken);
        answer(200, &answered)
    }

    fn fault(&self, fault: String) -> Response<Full<Bytes>> {
        lock(&self.state).faults.push(fault.clone());
        answer(400, &json!({"error": fault}))
    }
}

fn answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// The settings with which monitors find this Hub, their patience made short.
pub fn settings(hub: &HubFake) -> Vec<(&'static str, String)> {
    [
        ("COST_TRACKING_ENABLED", "true"),
        ("JUDGE_SCORE_ENABLED", "true"),
        ("HACKATHON_ID", HACKATHON),
        ("SERVICE_API_KEY", KEY),
        ("API_RETRIES", "0"),
        ("API_TIMEOUT", &*Duration::from_secs(20).as_millis().to_string()),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into_iter()
    .chain([("API_BASE_URL", hub.url())])
    .collect()
}
