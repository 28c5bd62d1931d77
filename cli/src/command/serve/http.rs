//! HTTP/1.1 on this machine, within bounds: what is answered is the callers'.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
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

/// Answers for ever, each request by `handle`, which is told who asks.
pub(super) async fn answer<H, A>(listener: TcpListener, handle: H)
where
    H: Fn(Request<Incoming>, Option<SocketAddr>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Full<Bytes>>> + Send,
{
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = free.clone().acquire_owned().await.expect("nobody closes it");
        match listener.accept().await {
            Ok((stream, _)) => {
                let handle = handle.clone();
                tokio::spawn(async move {
                    // Whoever goes away or is too slow has no answer; that is no news.
                    tokio::time::timeout(LONGEST, converse(stream, handle)).await.ok();
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

async fn converse<H, A>(stream: TcpStream, handle: H)
where
    H: Fn(Request<Incoming>, Option<SocketAddr>) -> A,
    A: Future<Output = Response<Full<Bytes>>>,
{
    let peer = stream.peer_addr().ok();
    let service = service_fn(|request| {
        let answered = handle(request, peer);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(LARGEST_HEAD);
    server.serve_connection(TokioIo::new(stream), service).await.ok();
}
