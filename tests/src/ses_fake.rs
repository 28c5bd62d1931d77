//! A server that speaks the wire formats of SES v2's `SendBulkEmail` and `GetAccount`, counts entries, and misbehaves on
//! request.
//!
//! It is written for benchmarks as well: a request is only scanned for what is counted.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use memchr::memmem;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinHandle;

use crate::http::{self, DropConnection};
use crate::tally::Tally;

/// What the server does with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes every entry.
    Accept,
    /// Takes every entry, but only replies after this time.
    AcceptAfter(Duration),
    /// Takes every entry and closes the connection instead of replying.
    AcceptAndDrop,
    /// Gives the entries at these places these statuses, such as `MESSAGE_REJECTED`, and takes the others.
    Entries(Vec<(usize, &'static str)>),
    /// Takes every entry, but answers with only this many results.
    AnswerOnly(usize),
    /// Refuses the call with this HTTP status and error code, such as 429 and `TooManyRequestsException`.
    Refuse(u16, &'static str),
    /// Takes every entry and then fails with this HTTP status.
    AcceptAndFail(u16),
}

/// An account's quota, to which the server holds whoever sends: a call that is too much is refused whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Account {
    /// The most entries a second.
    pub per_second: f64,
    /// The most entries in 24 hours; -1 for no limit.
    pub per_day: f64,
    /// Those that others have sent in the last 24 hours.
    pub sent: f64,
    /// Whether it may send at all.
    pub enabled: bool,
}

/// What the server took of a call.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The call's JSON.
    pub body: Bytes,
    /// The places of the entries that it took.
    pub places: Vec<usize>,
}

/// Decides about a call by its number, from 0.
pub type Script = dyn Fn(usize) -> Behaviour + Send + Sync;

/// A running server; it stops when it is dropped.
#[derive(Debug)]
pub struct SesFake {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Box<Script>,
    tally: Tally,
    calls: AtomicUsize,
    attempts: Mutex<Vec<String>>,
    keep: bool,
    bodies: Mutex<Vec<Bytes>>,
    remembered: Mutex<Vec<Taken>>,
    account: Mutex<Option<Account>>,
    asked: AtomicUsize,
    /// When entries were taken, and how many.
    taken: Mutex<Vec<(Instant, usize)>>,
    throttled: AtomicUsize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tally.fmt(f)
    }
}

impl SesFake {
    /// A server on a free port of this machine that takes everything.
    pub async fn start() -> io::Result<Self> {
        Self::with_script(|_| Behaviour::Accept).await
    }

    /// A server on a free port of this machine that follows `script` and keeps what it receives.
    pub async fn with_script(script: impl Fn(usize) -> Behaviour + Send + Sync + 'static) -> io::Result<Self> {
        Self::listen("127.0.0.1:0", script, true).await
    }

    /// A server on `address`; `keep` says whether whole requests are kept.
    pub async fn listen(
        address: impl ToSocketAddrs,
        script: impl Fn(usize) -> Behaviour + Send + Sync + 'static,
        keep: bool,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let shared = Arc::new(Shared {
            script: Box::new(script),
            tally: Tally::default(),
            calls: AtomicUsize::new(0),
            attempts: Mutex::default(),
            keep,
            bodies: Mutex::default(),
            remembered: Mutex::default(),
            account: Mutex::default(),
            asked: AtomicUsize::default(),
            taken: Mutex::default(),
            throttled: AtomicUsize::default(),
        });
        Ok(Self {
            address: listener.local_addr()?,
            shared: Arc::clone(&shared),
            accepting: tokio::spawn(http::serve(listener, move |request| handle(request, Arc::clone(&shared)))),
        })
    }

    /// From now on it has this account, and tells of it; without one nobody may ask, and everything has room.
    pub fn set_account(&self, account: Option<Account>) {
        *lock(&self.shared.account) = account;
    }

    /// How often it was asked for the account.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Relaxed)
    }

    /// How many calls it refused because they were too much.
    pub fn throttled(&self) -> usize {
        self.shared.throttled.load(Relaxed)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The entries it took, also when the sender was not told.
    pub fn tally(&self) -> &Tally {
        &self.shared.tally
    }

    /// How many calls came.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Relaxed)
    }

    /// The attempt tag of each call, in the order in which they came.
    pub fn attempts(&self) -> Vec<String> {
        lock(&self.shared.attempts).clone()
    }

    /// What it took, beginning with the call of that number among those of which it took something.
    pub fn taken(&self, from: usize) -> Vec<Taken> {
        lock(&self.shared.remembered)[from..].to_vec()
    }

    /// The calls' JSON, in the order in which they came.
    pub fn bodies(&self) -> Vec<Bytes> {
        lock(&self.shared.bodies).clone()
    }
}

impl Drop for SesFake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, DropConnection> {
    if request.uri().path() == "/v2/email/account" {
        return Ok(shared.tell_account());
    }
    if request.uri().path() != "/v2/email/outbound-bulk-emails" {
        return Ok(error(404, "NotFoundException"));
    }
    let body = request.into_body().collect().await.map_err(|_| DropConnection)?.to_bytes();
    let call = shared.calls.fetch_add(1, Relaxed);
    let behaviour = (shared.script)(call);
    if shared.keep {
        lock(&shared.bodies).push(body.clone());
        lock(&shared.attempts).push(attempt(&body).unwrap_or_default());
    }
    if let Behaviour::Refuse(status, code) = behaviour {
        return Ok(error(status, code));
    }
    let invitations = invitations(&body);
    if !shared.has_room(invitations.len()) {
        return Ok(error(429, "TooManyRequestsException"));
    }
    let status_of = |at: usize| match &behaviour {
        Behaviour::Entries(statuses) => {
            statuses.iter().find(|(place, _)| *place == at).map_or("SUCCESS", |(_, status)| *status)
        }
        _ => "SUCCESS",
    };
    let mut answered = invitations.len();
    let takes = |at: usize| status_of(at) == "SUCCESS";
    if shared.keep {
        lock(&shared.remembered).push(Taken { body, places: (0..answered).filter(|at| takes(*at)).collect() });
    }
    shared.tally.add(invitations.into_iter().enumerate().filter(|(at, _)| takes(*at)).map(|(_, id)| id));
    match behaviour {
        Behaviour::AcceptAndDrop => return Err(DropConnection),
        Behaviour::AcceptAndFail(status) => return Ok(error(status, "InternalServiceError")),
        Behaviour::AcceptAfter(time) => tokio::time::sleep(time).await,
        Behaviour::AnswerOnly(count) => answered = count,
        _ => {}
    }
    Ok(results(call, answered, status_of))
}

impl Shared {
    fn tell_account(&self) -> Response<Full<Bytes>> {
        self.asked.fetch_add(1, Relaxed);
        let Some(account) = *lock(&self.account) else { return error(403, "AccessDeniedException") };
        #[expect(clippy::cast_precision_loss, reason = "a count of a test")]
        let sent = account.sent + self.tally.received() as f64;
        let Account { per_second, per_day, enabled, .. } = account;
        Response::new(Full::from(format!(
            "{{\"DedicatedIpAutoWarmupEnabled\":false,\"EnforcementStatus\":\"HEALTHY\",\"ProductionAccessEnabled\":true,\
             \"SendQuota\":{{\"Max24HourSend\":{per_day:?},\"MaxSendRate\":{per_second:?},\"SentLast24Hours\":{sent:?}}},\
             \"SendingEnabled\":{enabled}}}"
        )))
    }

    /// Whether the account lets so many more entries in now; then they count.
    fn has_room(&self, entries: usize) -> bool {
        let Some(account) = *lock(&self.account) else { return true };
        let (now, mut taken) = (Instant::now(), lock(&self.taken));
        let within = |time: Duration| {
            let recent = taken.iter().filter(|(at, _)| now.duration_since(*at) < time);
            recent.map(|(_, entries)| entries).sum::<usize>() + entries
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
        let fits = within(Duration::from_secs(1)) as f64 <= account.per_second
            && (account.per_day < 0.0 || within(Duration::from_hours(24)) as f64 + account.sent <= account.per_day);
        if fits {
            taken.push((now, entries));
        } else {
            self.throttled.fetch_add(1, Relaxed);
        }
        fits
    }
}

fn results<'a>(call: usize, count: usize, status_of: impl Fn(usize) -> &'a str) -> Response<Full<Bytes>> {
    use std::fmt::Write as _;
    let mut json = String::with_capacity(32 + count * 64);
    json.push_str("{\"BulkEmailEntryResults\":[");
    for at in 0..count {
        let comma = if at == 0 { "" } else { "," };
        let written = match status_of(at) {
            "SUCCESS" => write!(json, "{comma}{{\"Status\":\"SUCCESS\",\"MessageId\":\"fake-{call}-{at}\"}}"),
            status => write!(json, "{comma}{{\"Status\":\"{status}\",\"Error\":\"as the script says\"}}"),
        };
        written.expect("writing into a String cannot fail");
    }
    json.push_str("]}");
    Response::new(Full::from(json))
}

fn error(status: u16, code: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("{{\"message\":\"as the script says: {code}\"}}")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = code.parse() {
        response.headers_mut().insert("x-amzn-errortype", value);
    }
    response
}

/// The `X-Almanac-Invitation` of each entry. The request is JSON without blanks, and these values need no unescaping.
fn invitations(body: &[u8]) -> Vec<String> {
    const NAME: &[u8] = b"\"X-Almanac-Invitation\",\"Value\":\"";
    memmem::find_iter(body, NAME).filter_map(|at| text_at(body, at + NAME.len())).collect()
}

/// The value of the call's `attempt` tag.
fn attempt(body: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"attempt\",\"Value\":\"";
    text_at(body, memmem::find(body, NAME)? + NAME.len())
}

fn text_at(body: &[u8], from: usize) -> Option<String> {
    let length = memchr::memchr(b'"', &body[from..])?;
    Some(String::from_utf8_lossy(&body[from..from + length]).replace("\\/", "/"))
}
