//! The unsubscribe function's door on this machine: HTTP/1.1, to stand behind a web server that speaks TLS.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Response,
    body::{Bytes, Incoming},
    header::ACCEPT_LANGUAGE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use unsubscribe::{
    Door,
    http::{Answer, Method, Request},
};

/// How many connections are held at once; further ones wait to be accepted.
const CONNECTIONS: usize = 256;

/// How long a connection may last: a page is one short answer.
const LONGEST: Duration = Duration::from_secs(30);

/// How long may pass before a request's headers are there.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;

/// How long to wait where no connection can be accepted: files are short, and become free.
const WAIT: Duration = Duration::from_millis(100);

/// Answers for ever.
pub(super) async fn answer(listener: TcpListener, door: Door) {
    let (door, free) = (Arc::new(door), Arc::new(Semaphore::new(CONNECTIONS)));
    loop {
        let place = free.clone().acquire_owned().await.expect("nobody closes it");
        match listener.accept().await {
            Ok((stream, _)) => {
                let door = door.clone();
                tokio::spawn(async move {
                    // Whoever goes away or is too slow has no answer; that is no news.
                    tokio::time::timeout(LONGEST, converse(stream, door)).await.ok();
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(WAIT).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, door: Arc<Door>) {
    // From this machine comes the web server in front, for everybody: whose pace it is, nobody knows.
    let source = stream.peer_addr().ok().map(|peer| peer.ip()).filter(|ip| !ip.is_loopback());
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let door = door.clone();
        let request = Request {
            method: Method::named(request.method().as_str()),
            path: request.uri().path().to_owned(),
            accept_language: request
                .headers()
                .get(ACCEPT_LANGUAGE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            source,
        };
        async move { Ok::<_, Infallible>(response(door.answer(&request).await)) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(LARGEST_HEAD);
    server.serve_connection(TokioIo::new(stream), service).await.ok();
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Full::from(answer.body)).expect("the door's statuses and headers are well formed")
}
