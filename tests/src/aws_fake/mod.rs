//! A server that speaks the wire formats of SQS, S3, SNS, EventBridge, Secrets Manager and Parameter Store on one socket,
//! keeps what it is sent, and misbehaves on request.

mod eventbridge;
mod s3;
mod secrets;
mod server;
mod sns;
mod sqs;

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Builder as HttpClient,
    tls::{Provider, rustls_provider::CryptoMode},
};
use tokio::task::JoinHandle;

pub use s3::Upload;

/// A service that the server speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Simple Queue Service: JSON 1.0.
    Sqs,
    /// Simple Storage Service: REST and XML.
    S3,
    /// Simple Notification Service: a form, answered in XML.
    Sns,
    /// EventBridge: JSON 1.1.
    EventBridge,
    /// Secrets Manager: JSON 1.1.
    Secrets,
    /// Parameter Store of Systems Manager: JSON 1.1.
    Parameters,
}

/// What the server does with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes what it is sent.
    Accept,
    /// Refuses with this HTTP status and error code, such as 400 and `ThrottlingException`.
    Refuse(u16, &'static str),
    /// Takes everything but the entries at these places of the call, each of which has this code; `true` when it is the
    /// sender's fault.
    Entries(Vec<(usize, &'static str, bool)>),
    /// Takes what it is sent, and closes the connection instead of replying.
    AcceptAndDrop,
    /// Takes what it is sent, but only replies after this time.
    AcceptAfter(Duration),
}

/// One call as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// For which service.
    pub service: Service,
    /// What was asked: `SendMessageBatch`, `PutObject`.
    pub operation: &'static str,
    /// Its headers.
    pub headers: HashMap<String, String>,
    /// How many bytes came with it.
    pub bytes: usize,
}

/// A message that SQS has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it says.
    pub body: String,
    /// Its attributes of type String.
    pub attributes: BTreeMap<String, String>,
}

/// An event or an alert that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The topic's ARN, or the bus's name.
    pub to: String,
    /// An event's source; empty for an alert.
    pub source: String,
    /// The subject, or an event's `detail-type`.
    pub subject: String,
    /// The message, or an event's `detail`.
    pub body: String,
}

/// An object of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// Decides about a call of a service by its number among the calls of that operation, from 0.
type Script = dyn Fn(&'static str, usize) -> Behaviour + Send + Sync;

/// What the server has been sent, and what it answers with.
#[derive(Default)]
struct State {
    scripts: HashMap<Service, Arc<Script>>,
    counts: HashMap<&'static str, usize>,
    calls: Vec<Call>,
    messages: Vec<Message>,
    waiting: sqs::Waiting,
    events: Vec<Published>,
    alerts: Vec<Published>,
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    secrets: HashMap<String, String>,
}

/// A running server; it stops when it is dropped.
pub struct AwsFake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl AwsFake {
    /// A server on a free port of this machine that takes everything.
    pub async fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (address, accepting) = server::start(Arc::clone(&state)).await;
        Self { address, state, accepting }
    }

    /// From now on `script` decides about the calls of a service: by the operation, and the call's number among those.
    pub fn script(&self, service: Service, script: impl Fn(&'static str, usize) -> Behaviour + Send + Sync + 'static) {
        let mut state = self.state();
        state.counts.clear();
        state.scripts.insert(service, Arc::new(script));
    }

    /// Where it listens, as `AWS_ENDPOINT_URL` says it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment of a function that finds the services here.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", "stand-in".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "stand-in".to_owned()),
        ]
    }

    /// How often an operation was asked for.
    pub fn count(&self, operation: &str) -> usize {
        self.state().calls.iter().filter(|call| call.operation == operation).count()
    }

    /// The calls of an operation, in the order in which they came.
    pub fn calls(&self, operation: &str) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    /// The messages that SQS has taken.
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// A client of its one queue, whatever URL is named.
    pub fn queue(&self) -> aws_sdk_sqs::Client {
        let http = HttpClient::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let key = "stand-in";
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version_latest()
            .http_client(http)
            .endpoint_url(self.endpoint())
            .region(aws_sdk_sqs::config::Region::from_static("eu-west-3"))
            .credentials_provider(aws_sdk_sqs::config::Credentials::new(key, key, None, None, key));
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// Has the queue's time-outs of visibility pass.
    pub fn pass_visibility(&self) {
        self.state().waiting.pass(sqs::VISIBILITY);
    }

    /// How many messages are in the queue, those that are invisible included, and how many became dead letters.
    pub fn depth(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.len(), state.waiting.dead())
    }

    /// The events that EventBridge has taken.
    pub fn events(&self) -> Vec<Published> {
        self.state().events.clone()
    }

    /// The messages that SNS has taken.
    pub fn alerts(&self) -> Vec<Published> {
        self.state().alerts.clone()
    }

    /// The objects of S3, by `bucket/key`.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        self.state().objects.clone()
    }

    /// The uploads in parts that are neither completed nor aborted.
    pub fn uploads(&self) -> Vec<Upload> {
        self.state().uploads.values().cloned().collect()
    }

    /// Gives a secret or a parameter its text, in place of the one before.
    pub fn set_secret(&self, arn: &str, text: &str) {
        self.state().secrets.insert(arn.to_owned(), text.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for AwsFake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
