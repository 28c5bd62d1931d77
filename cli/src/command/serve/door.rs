//! The unsubscribe function's door on this machine, to stand behind a web server that speaks TLS.

use std::{net::SocketAddr, sync::Arc};

use http_body_util::Full;
use hyper::{
    Response,
    body::{Bytes, Incoming},
    header::ACCEPT_LANGUAGE,
};
use tokio::net::TcpListener;
use unsubscribe::{
    Door,
    http::{Answer, Method, Request},
};

use super::http;

/// Answers for ever.
pub(super) async fn answer(listener: TcpListener, door: Door) {
    let door = Arc::new(door);
    http::answer(listener, move |request: hyper::Request<Incoming>, peer: Option<SocketAddr>| {
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
            // From this machine comes the web server in front, for everybody: whose pace it is, nobody knows.
            source: peer.map(|peer| peer.ip()).filter(|ip| !ip.is_loopback()),
        };
        async move { response(door.answer(&request).await) }
    })
    .await;
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Full::from(answer.body)).expect("the door's statuses and headers are well formed")
}
