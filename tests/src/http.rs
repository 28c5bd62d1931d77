//! How every stand-in that speaks HTTP listens. What it answers is its own.

use std::fmt;

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// Ends the connection without a reply.
#[derive(Debug)]
pub(crate) struct DropConnection;

impl fmt::Display for DropConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed on request")
    }
}

impl std::error::Error for DropConnection {}

impl From<hyper::Error> for DropConnection {
    fn from(_: hyper::Error) -> Self {
        Self
    }
}

/// Answers the requests of every connection by `handle`, until it is stopped; the connections end with it.
pub(crate) async fn serve<H, A>(listener: TcpListener, handle: H)
where
    H: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Response<Full<Bytes>>, DropConnection>> + Send + 'static,
{
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Without it the reply's last bytes can wait for an acknowledgement; a server that cannot set it still works.
        stream.set_nodelay(true).ok();
        let service = service_fn(handle.clone());
        // A client that goes away ends its connection with an error, which is no news here.
        connections.spawn(
            hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}
