//! One try of a call, over HTTP.

use std::{io, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// The most bytes of an answer that are read: 500 teams with fifty variables each are some two million.
const LONGEST_ANSWER: usize = 16 << 20;

/// What one try came to where it came to no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The Hub does not want it, by this HTTP status, and would not the next time.
    Refused(u16),
    /// Another try may go better.
    ForNow {
        /// What is wrong.
        fault: String,
        /// How long the Hub asks to wait.
        wait: Option<Duration>,
    },
}

impl Fault {
    fn for_now(fault: impl ToString) -> Self {
        Self::ForNow { fault: fault.to_string(), wait: None }
    }
}

/// The client.
#[derive(Debug)]
pub(super) struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

impl Wire {
    pub(super) fn new(timeout: Duration) -> io::Result<Self> {
        let https = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(https), timeout })
    }

    /// Sends a request and reads the whole answer of one that went well. No error repeats the key or what was answered.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        key: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, Fault> {
        let request = request(method, url, key, body).map_err(Fault::for_now)?;
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(Fault::for_now(format!("no reply within {} ms", self.timeout.as_millis()))),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Bytes, Fault> {
        let answer = self.client.request(request).await.map_err(|error| Fault::for_now(chain(&error)))?;
        let (status, wait) = (answer.status(), asked_wait(answer.headers()));
        let body = read(answer).await?;
        match status {
            status if status.is_success() => Ok(body),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Err(Fault::ForNow { fault: status.to_string(), wait })
            }
            status if status.is_server_error() => Err(Fault::ForNow { fault: status.to_string(), wait }),
            status => Err(Fault::Refused(status.as_u16())),
        }
    }
}

fn request(method: Method, url: &str, key: &str, body: Option<Vec<u8>>) -> Result<Request<Full<Bytes>>, &'static str> {
    let mut key = HeaderValue::from_str(key).map_err(|_| "the key is none that a header can hold")?;
    key.set_sensitive(true);
    let mut request =
        Request::builder().method(method).uri(url).header("x-api-key", key).header(ACCEPT, "application/json");
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(Full::from(body.unwrap_or_default())).map_err(|_| "API_BASE_URL cannot be asked")
}

/// Reads an answer to its end, so that the connection can be used again.
async fn read(answer: Response<Incoming>) -> Result<Bytes, Fault> {
    let read = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await;
    Ok(read.map_err(|error| Fault::for_now(format!("reading the reply: {error}")))?.to_bytes())
}

/// The seconds that `Retry-After` says.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An error and what it stands on.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}
