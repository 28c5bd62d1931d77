//! One try of a call to a service that the operator names, over HTTP; and how long to wait before the next.

use std::{io, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{HeaderName, HeaderValue, RETRY_AFTER},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::random;

/// The most bytes of an answer that are read: 500 teams with fifty variables each are some two million.
const LONGEST_ANSWER: usize = 16 << 20;

/// The longest wait between two tries that is not asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long to wait before the second try.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait that a service may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// What one try came to where it came to no answer.
#[derive(Debug)]
pub enum Fault {
    /// It is not wanted, by this HTTP status, and would not be the next time.
    Refused(u16),
    /// Another try may go better.
    ForNow {
        /// What is wrong.
        fault: String,
        /// How long the service asks to wait.
        wait: Option<Duration>,
    },
}

impl Fault {
    /// Another try may go better; nobody has said when.
    pub fn for_now(fault: impl ToString) -> Self {
        Self::ForNow { fault: fault.to_string(), wait: None }
    }
}

/// A client with the system's certificates. It follows no redirect.
#[derive(Debug)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

impl HttpClient {
    /// A client each of whose tries may take so long.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub fn new(timeout: Duration) -> io::Result<Self> {
        let https = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(https), timeout })
    }

    /// Sends a request and reads the whole answer of one that went well. No error repeats a header or what was answered.
    ///
    /// # Errors
    /// What else it came to.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, Fault> {
        let answer = self.answer(request, LONGEST_ANSWER).await.map_err(Fault::for_now)?;
        let (status, wait) = (answer.status(), asked_wait(answer.headers()));
        match status {
            status if status.is_success() => Ok(answer.into_body()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Err(Fault::ForNow { fault: status.to_string(), wait })
            }
            status if status.is_server_error() => Err(Fault::ForNow { fault: status.to_string(), wait }),
            status => Err(Fault::Refused(status.as_u16())),
        }
    }

    /// Sends a request and reads the whole answer, whatever its status, of at most so many bytes.
    ///
    /// # Errors
    /// Why there is none, repeating no header and nothing of what was answered.
    pub async fn answer(&self, request: Request<Full<Bytes>>, longest: usize) -> Result<Response<Bytes>, String> {
        match tokio::time::timeout(self.timeout, self.exchange(request, longest)).await {
            Ok(answered) => answered,
            Err(_) => Err(format!("no reply within {} ms", self.timeout.as_millis())),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, longest: usize) -> Result<Response<Bytes>, String> {
        let answer = self.client.request(request).await.map_err(|error| chain(&error))?;
        let (head, body) = answer.into_parts();
        Ok(Response::from_parts(head, read(body, longest).await?))
    }
}

/// Adds a header whose value no log shows.
///
/// # Errors
/// When no header can hold the value; the error does not repeat it.
pub fn add_secret(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), &'static str> {
    let mut value = HeaderValue::from_str(value).map_err(|_| "the key is none that a header can hold")?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// How long to wait after a try of that number, from 0: twice as long after each up to ten seconds, never the same for two,
/// and at least as long as the service asks for, within reason.
pub fn wait_after(first: Duration, tries: u32, asked: Option<Duration>) -> Duration {
    random::jitter(doubled(first, tries)).max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

fn doubled(first: Duration, tries: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(LONGEST_WAIT)
}

/// Reads an answer to its end, so that the connection can be used again.
async fn read(body: Incoming, longest: usize) -> Result<Bytes, String> {
    let read = Limited::new(body, longest).collect().await;
    Ok(read.map_err(|error| format!("reading the reply: {error}"))?.to_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_a_second_up_to_ten() {
        let waits = [0, 1, 2, 3, 4, 31, 32, u32::MAX].map(|tries| doubled(FIRST_WAIT, tries).as_secs());
        assert_eq!(waits, [1, 2, 4, 8, 10, 10, 10, 10]);
    }

    #[test]
    fn a_service_that_asks_to_wait_is_left_alone_for_as_long_up_to_a_minute() {
        let seconds = Duration::from_secs;
        for (asked, least, most) in [(None, 2, 4), (Some(1), 2, 4), (Some(45), 45, 45), (Some(3_600), 60, 60)] {
            let wait = wait_after(FIRST_WAIT, 2, asked.map(seconds));
            assert!((seconds(least)..=seconds(most)).contains(&wait), "{asked:?}: {wait:?}");
        }
    }
}
