//! A stand-in for the S3 bucket at whose signed addresses CloudFormation waits for custom resources' answers. It is as
//! strict as S3 about what such an address was signed for, and misbehaves on request.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::http::{self, DropConnection};

/// The path and query of the signed address.
const SIGNED: &str = "/arn%3Aaws%3Acloudformation%3Astack%7CMigration?X-Amz-Signature=0123456789abcdef";

/// The longest answer that CloudFormation takes.
const MOST_BYTES: usize = 4_096;

/// A running bucket; it stops when it is dropped.
#[derive(Debug)]
pub struct ResponseBucket {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What the first requests are refused with, the last one first.
    refusals: Mutex<Vec<u16>>,
    requests: Mutex<usize>,
    answers: Mutex<Vec<Value>>,
}

impl ResponseBucket {
    /// A bucket on a free port of this machine that answers its first requests with these statuses, whatever they say.
    pub async fn refusing(statuses: &[u16]) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            refusals: Mutex::new(statuses.iter().rev().copied().collect()),
            requests: Mutex::default(),
            answers: Mutex::default(),
        });
        Ok(Self {
            address: listener.local_addr()?,
            shared: Arc::clone(&shared),
            accepting: tokio::spawn(http::serve(listener, move |request| handle(request, Arc::clone(&shared)))),
        })
    }

    /// The signed address at which an answer is awaited.
    pub fn url(&self) -> String {
        format!("http://{}{SIGNED}", self.address)
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        *lock(&self.shared.requests)
    }

    /// The answers that were taken, in the order in which they came.
    pub fn answers(&self) -> Vec<Value> {
        lock(&self.shared.answers).clone()
    }
}

impl Drop for ResponseBucket {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, DropConnection> {
    *lock(&shared.requests) += 1;
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if let Some(status) = lock(&shared.refusals).pop() {
        return Ok(reply(status, "SlowDown"));
    }
    let is_signed = head.method == Method::PUT && head.uri.path_and_query().is_some_and(|path| path == SIGNED);
    // The signature is for an empty content type.
    if !is_signed || head.headers.get(CONTENT_TYPE).is_some_and(|value| !value.is_empty()) {
        return Ok(reply(403, "SignatureDoesNotMatch"));
    }
    if !head.headers.contains_key(CONTENT_LENGTH) {
        return Ok(reply(411, "MissingContentLength"));
    }
    match serde_json::from_slice(&body) {
        Ok(answer) if body.len() <= MOST_BYTES => lock(&shared.answers).push(answer),
        // S3 takes anything; it is CloudFormation that would wait for an hour.
        _ => {}
    }
    Ok(Response::new(Full::default()))
}

fn reply(status: u16, code: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("<Error><Code>{code}</Code></Error>")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
