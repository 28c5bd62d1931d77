//! One request to GitHub, tried until there is an answer, as often as may be and no faster than GitHub allows.

use std::{sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Bytes,
    header::{ACCEPT, AUTHORIZATION, HeaderName, IF_NONE_MATCH, USER_AGENT},
};
use shared::{
    clock::Clock,
    credential::Key,
    hackathon::{
        breaker::Breaker,
        http::{self, HttpClient},
    },
};

use super::gate::Gate;
use crate::facts::Why;

const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// The most bytes of an answer that are read: a hundred commits with their messages are mostly half a million.
const LONGEST_ANSWER: usize = 4 << 20;

/// How GitHub is asked.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// How long one try may take.
    pub timeout: Duration,
    /// How often a request is tried again that failed for the moment, or came to a limit.
    pub retries: u32,
    /// How long to wait before the second try; twice as long before each one after, up to ten seconds.
    pub first_wait: Duration,
    /// The longest wait for a limit's end. After that a run makes do with what is known.
    pub longest_wait: Duration,
}

/// By whose leave a request goes out.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    /// The token; nobody's where there is none.
    pub(super) key: Option<Key>,
    /// The limits that go with it.
    pub(super) gate: Arc<Gate>,
    /// Of an app: which installation's token it is.
    pub(super) installation: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Wire {
    pub(super) client: HttpClient,
    pub(super) manners: Manners,
    /// What we call ourselves, which GitHub wants to know.
    pub(super) agent: String,
    pub(super) breaker: Breaker,
    pub(super) clock: Clock,
}

impl Wire {
    /// An answer that is neither a failure nor a limit's.
    pub(super) async fn ask(
        &self,
        method: &Method,
        url: &str,
        etag: Option<&str>,
        pass: &Pass,
    ) -> Result<Response<Bytes>, Why> {
        let mut tries = 0;
        loop {
            pass.gate.pass(self.manners.longest_wait).await?;
            if !self.breaker.lets_through() {
                return Err(Why::Away);
            }
            let request = self.request(method, url, etag, pass.key.as_ref())?;
            let fault = match self.client.answer(request, LONGEST_ANSWER).await {
                Ok(answer) if is_failure(answer.status()) => answer.status().to_string(),
                Ok(answer) => {
                    self.breaker.succeeded();
                    match pass.gate.note(&answer, &self.clock) {
                        None => return Ok(answer),
                        Some(until) if tries == self.manners.retries => return Err(Why::Limited(until)),
                        Some(_) => tries += 1,
                    }
                    continue;
                }
                Err(fault) => fault,
            };
            self.breaker.failed();
            if tries == self.manners.retries {
                tracing::warn!(fault, tries, "GitHub does not answer");
                return Err(Why::Away);
            }
            tokio::time::sleep(http::wait_after(self.manners.first_wait, tries, None)).await;
            tries += 1;
        }
    }

    fn request(
        &self,
        method: &Method,
        url: &str,
        etag: Option<&str>,
        key: Option<&Key>,
    ) -> Result<Request<Full<Bytes>>, Why> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(ACCEPT, "application/vnd.github+json")
            .header(API_VERSION, "2022-11-28")
            .header(USER_AGENT, &self.agent);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let mut request = request.body(Full::default()).map_err(|_| Why::Garbled)?;
        if let Some(key) = key {
            let bearer = format!("Bearer {}", key.expose());
            http::add_secret(request.headers_mut(), AUTHORIZATION, &bearer).map_err(|_| Why::NoEntry)?;
        }
        Ok(request)
    }
}

fn is_failure(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
}
