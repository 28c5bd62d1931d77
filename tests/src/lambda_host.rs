//! A stand-in for AWS Lambda: it speaks the Runtime API (version 2018-06-01), and as much of the Extensions API
//! (2020-01-01) as makes it say when an instance ends, to one function's own binary.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::File,
    io::{self, Read as _, Seek as _},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::DateTime;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{
        Mutex, mpsc,
        oneshot::{self, error::RecvError},
    },
    task::JoinHandle,
};

/// The trace that every invocation belongs to.
pub const TRACE: &str = "1-5bef4de7-ad49b0e87f6ef6c87fc2e700";

use crate::http::{self, DropConnection};

/// How long a function has for an event: Lambda's own longest time.
const TIMEOUT: Duration = Duration::from_secs(900);

/// How often a function that should have ended is looked at, and how long apart.
const LOOKS: u32 = 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The levels of a line that Lambda knows, the least grave first.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// What a function answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is done.
    Response(Value),
    /// It failed; Lambda would try again.
    Error(Value),
}

/// A function's process, and the Runtime API that it asks for events. Both end when this is dropped.
#[derive(Debug)]
pub struct LambdaHost {
    events: mpsc::UnboundedSender<Invocation>,
    serving: JoinHandle<()>,
    function: Child,
    output: File,
    /// The least grave level whose lines of JSON are passed on; none where all are.
    level: Option<String>,
}

#[derive(Debug)]
struct Invocation {
    event: Value,
    time: Duration,
    answer: oneshot::Sender<Answer>,
}

struct Shared {
    coming: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    under_way: std::sync::Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    function: String,
}

impl LambdaHost {
    /// Starts a function's binary as Lambda does, with these settings and nothing else of this process's environment.
    pub async fn start<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        function: &str,
        binary: &str,
        settings: impl IntoIterator<Item = (N, V)>,
    ) -> io::Result<Self> {
        let settings: Vec<(N, V)> = settings.into_iter().collect();
        let setting =
            |name: &str| settings.iter().find(|(one, _)| one.as_ref() == name).map(|(_, value)| value.as_ref());
        let level = setting("AWS_LAMBDA_LOG_LEVEL").map(|level| level.to_string_lossy().into_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (events, coming) = mpsc::unbounded_channel();
        let shared =
            Shared { coming: Mutex::new(coming), under_way: Default::default(), function: function.to_owned() };
        let shared = Arc::new(shared);
        let serving = tokio::spawn(http::serve(listener, move |request| handle(request, Arc::clone(&shared))));
        let output = tempfile::tempfile()?;
        let function = Command::new(binary)
            .env_clear()
            .envs(of_lambda(function, address))
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?)
            .spawn()?;
        Ok(Self { events, serving, function, output, level })
    }

    /// Hands the function an event; gives its answer.
    ///
    /// # Panics
    /// When the function ends instead of answering.
    pub async fn invoke(&mut self, event: Value) -> Answer {
        self.invoke_for(TIMEOUT, event).await
    }

    /// The same, with so much time until the function's deadline.
    ///
    /// # Panics
    /// When the function ends instead of answering.
    pub async fn invoke_for(&mut self, time: Duration, event: Value) -> Answer {
        let answered = self.begin(time, event);
        tokio::select! {
            answer = answered => answer.expect("every invocation is answered"),
            status = ended(&mut self.function) => panic!("the function ended with {status}: {}", self.output()),
        }
    }

    /// Hands the function an event with so much time, and gives what Lambda makes of it: the function's answer, or the
    /// error in its place when the process ends, or is ended because its time is over.
    pub async fn run(&mut self, time: Duration, event: Value) -> Answer {
        let answered = self.begin(time, event);
        self.finish(time, answered).await
    }

    /// The same of an event that was handed over before, and has so much time left.
    pub async fn finish(
        &mut self,
        time: Duration,
        answered: impl Future<Output = Result<Answer, RecvError>>,
    ) -> Answer {
        tokio::select! {
            Ok(answer) = answered => answer,
            status = exited(&mut self.function) => {
                error("Runtime.ExitError", format!("Error: Runtime exited with error: {status}"))
            }
            () = tokio::time::sleep(time) => {
                self.kill();
                error("Sandbox.Timedout", format!("Error: Task timed out after {:.2} seconds", time.as_secs_f64()))
            }
        }
    }

    /// Whether its process is still there.
    pub fn is_running(&mut self) -> bool {
        self.function.try_wait().expect("a process of ours").is_none()
    }

    /// Ends the process without a warning (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        self.function.kill().ok();
        self.function.wait().ok();
    }

    /// Has the process stand still (SIGSTOP), as Lambda does with an instance that has no event.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Has it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Hands the function an event without waiting for its answer.
    pub fn begin(&mut self, time: Duration, event: Value) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.events.send(Invocation { event, time, answer }).expect("the server lives as long as this");
        answered
    }

    /// Asks the instance to end, as Lambda does before it takes it away.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.function.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success(), "a process of ours");
    }

    /// Waits until the function has written such a line.
    ///
    /// # Panics
    /// When it never does.
    pub async fn says(&mut self, words: &str) {
        for _ in 0..LOOKS {
            if self.output().contains(words) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("never said {words:?}: {}", self.output());
    }

    /// Waits until a function ends that cannot start; gives how, and what it said.
    pub async fn end(&mut self) -> (ExitStatus, String) {
        let status = ended(&mut self.function).await;
        (status, self.output())
    }

    /// The lines of JSON that the function has written until now and that Lambda passes on.
    pub fn lines(&mut self) -> Vec<Value> {
        let lines: Vec<Value> = self.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let least = self.level.as_deref().map_or(0, rank);
        lines.into_iter().filter(|line| rank_of(line) >= least).collect()
    }

    /// Its lines of metrics until now: those in the embedded metric format.
    pub fn metrics(&mut self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| !line["_aws"].is_null()).collect()
    }

    /// What the function has written until now, its log above all.
    pub fn output(&mut self) -> String {
        let mut text = String::new();
        self.output.rewind().and_then(|()| self.output.read_to_string(&mut text)).expect("a file");
        text
    }
}

impl Drop for LambdaHost {
    fn drop(&mut self) {
        self.serving.abort();
        self.kill();
    }
}

/// How grave Lambda takes a line for: without a level and a time that it understands it is `INFO` (Lambda developer guide,
/// "Log-level filtering").
fn rank_of(line: &Value) -> usize {
    let is_dated = line["timestamp"].as_str().is_some_and(|time| DateTime::parse_from_rfc3339(time).is_ok());
    rank(line["level"].as_str().filter(|_| is_dated).unwrap_or_default())
}

fn rank(level: &str) -> usize {
    let known = |level: &str| LEVELS.iter().position(|known| known.eq_ignore_ascii_case(level));
    known(level).or(known("INFO")).unwrap_or_default()
}

async fn ended(function: &mut Child) -> ExitStatus {
    for _ in 0..LOOKS {
        if let Some(status) = function.try_wait().expect("a process of ours") {
            return status;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    panic!("the function neither answers nor ends");
}

async fn exited(function: &mut Child) -> ExitStatus {
    loop {
        if let Some(status) = function.try_wait().expect("a process of ours") {
            return status;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn error(kind: &str, message: String) -> Answer {
    Answer::Error(serde_json::json!({"errorType": kind, "errorMessage": message}))
}

/// The variables that Lambda sets.
fn of_lambda(function: &str, address: SocketAddr) -> [(&'static str, String); 7] {
    [
        ("AWS_LAMBDA_RUNTIME_API", address.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/05/[$LATEST]1".to_owned()),
        ("AWS_REGION", "eu-west-3".to_owned()),
    ]
}

async fn handle(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, DropConnection> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::POST, ["2020-01-01", "extension", "register"]) => Ok(registered(&shared.function)),
        // No event is subscribed to, so none ever comes.
        (&Method::GET, ["2020-01-01", "extension", "event", "next"]) => std::future::pending().await,
        _ => runtime(request, &parts[2.min(parts.len())..], shared).await,
    }
}

fn registered(function: &str) -> Response<Full<Bytes>> {
    let about = serde_json::json!({"functionName": function, "functionVersion": "$LATEST", "handler": "bootstrap"});
    Response::builder()
        .header("Lambda-Extension-Identifier", shared::random::token())
        .header("Content-Type", "application/json")
        .body(Full::from(about.to_string()))
        .expect("headers of plain letters")
}

async fn runtime(
    request: Request<Incoming>,
    parts: &[&str],
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, DropConnection> {
    match (request.method(), parts) {
        (&Method::GET, ["invocation", "next"]) => Ok(shared.next().await),
        (&Method::POST, ["invocation", id, what]) => {
            let body = request.into_body().collect().await?.to_bytes();
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            Ok(shared.answered(id, if *what == "response" { Answer::Response(body) } else { Answer::Error(body) }))
        }
        _ => Ok(status(StatusCode::ACCEPTED)),
    }
}

impl Shared {
    async fn next(&self) -> Response<Full<Bytes>> {
        let Some(Invocation { event, time, answer }) = self.coming.lock().await.recv().await else {
            return status(StatusCode::GONE);
        };
        let id = shared::random::token();
        self.under_way().insert(id.clone(), answer);
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + time;
        let arn = format!("arn:aws:lambda:eu-west-3:123456789012:function:{}", self.function);
        Response::builder()
            .header("Lambda-Runtime-Aws-Request-Id", id)
            .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", arn)
            .header("Lambda-Runtime-Trace-Id", format!("Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1"))
            .header("Content-Type", "application/json")
            .body(Full::from(event.to_string()))
            .expect("headers of plain letters")
    }

    fn answered(&self, id: &str, answer: Answer) -> Response<Full<Bytes>> {
        let Some(asker) = self.under_way().remove(id) else { return status(StatusCode::BAD_REQUEST) };
        // A test that no longer waits does not need the answer.
        asker.send(answer).ok();
        status(StatusCode::ACCEPTED)
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// The event by which SQS hands messages over: `template` with its first record once for every id and body.
pub fn sqs_event(template: &str, messages: impl IntoIterator<Item = (String, String)>) -> Value {
    let template: Value = serde_json::from_str(template).expect("an event");
    let record = |(id, body): (String, String)| {
        let mut record = template["Records"][0].clone();
        record["messageId"] = id.into();
        record["body"] = body.into();
        record
    };
    serde_json::json!({ "Records": messages.into_iter().map(record).collect::<Vec<_>>() })
}
