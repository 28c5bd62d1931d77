//! Prometheus, asked directly or through Grafana's proxy of a data source.
//!
//! Two of its endpoints: [label values](https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values)
//! and [instant queries](https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries).

use std::{collections::BTreeMap, io, time::Duration};

use chrono::{DateTime, Utc};
use http_body_util::Full;
use hyper::{
    Method, Request,
    body::Bytes,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::{
    aws::secrets::SecretError,
    config::{LoadTestSettings, PrometheusAt},
    credential::{Credential, Key},
    hackathon::http::{self, FIRST_WAIT, Fault, HttpClient},
};

use crate::test_ids::escaped;

/// How often what failed for the moment is tried again. A run comes every six hours, so it is worth some patience.
const RETRIES: u32 = 3;

/// What is written in other words in a URL: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The label with a test's id.
const TEST_ID: &str = "testid";

/// Why Prometheus did not answer. No message repeats a token, or what was answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrometheusError {
    /// It refused, and would again.
    #[error("Prometheus refused the query: {0}")]
    Refused(u16),
    /// It could not be reached, or failed, again and again.
    #[error("Prometheus is away: {0}")]
    Away(String),
    /// It answered something else than was expected.
    #[error("Prometheus' answer cannot be read: {0}")]
    Unreadable(String),
    /// The key to it cannot be read.
    #[error("the key to Prometheus: {0}")]
    Key(String),
}

impl From<SecretError> for PrometheusError {
    fn from(error: SecretError) -> Self {
        Self::Key(error.to_string())
    }
}

/// A window of time: until a moment, so many days long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its end.
    pub until: DateTime<Utc>,
    /// How many days it is long.
    pub days: u32,
}

/// Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    client: HttpClient,
    /// What its paths are added to.
    base: String,
    user_agent: String,
    key: Option<Credential>,
    first_wait: Duration,
}

impl Prometheus {
    /// Prometheus as the settings have it; a failed query is tried again after this wait first.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub fn new(settings: &LoadTestSettings, at: &PrometheusAt, key: Option<Credential>) -> io::Result<Self> {
        let base = match at {
            PrometheusAt::Direct(url) => url.to_string(),
            PrometheusAt::Grafana { base, source } => {
                format!("{base}/api/datasources/proxy/uid/{}", utf8_percent_encode(source, RESERVED))
            }
        };
        let client = HttpClient::new(settings.timeout)?;
        Ok(Self { client, base, user_agent: settings.user_agent.clone(), key, first_wait: FIRST_WAIT })
    }

    /// The same, with another wait before the second try of a query.
    #[must_use]
    pub fn waiting(self, first_wait: Duration) -> Self {
        Self { first_wait, ..self }
    }

    /// The ids of tests that match an anchored regular expression and made requests within a window.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn test_ids(&self, regex: &str, window: Window) -> Result<Vec<String>, PrometheusError> {
        let selector = format!("k6_http_reqs_total{{{TEST_ID}=~{}}}", quoted(regex));
        let since = window.until - chrono::TimeDelta::days(window.days.into());
        let form = form(&[("match[]", &selector), ("start", &seconds(since)), ("end", &seconds(window.until))]);
        let path = format!("/api/v1/label/{TEST_ID}/values?{form}");
        self.ask(Method::GET, &path, None).await
    }

    /// The value of an expression for each test, by its id. What is no number is left out.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn by_test(&self, expression: &str, at: DateTime<Utc>) -> Result<BTreeMap<String, f64>, PrometheusError> {
        let form = form(&[("query", expression), ("time", &seconds(at))]);
        let vector: Vector = self.ask(Method::POST, "/api/v1/query", Some(form)).await?;
        let value = |sample: Sample| Some((sample.metric.testid?, sample.value.1.parse::<f64>().ok()?));
        Ok(vector.result.into_iter().filter_map(value).filter(|(_, value)| value.is_finite()).collect())
    }

    /// Asks until there is an answer, as often as may be.
    async fn ask<A: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        form: Option<String>,
    ) -> Result<A, PrometheusError> {
        let mut key = match &self.key {
            Some(credential) => Some(credential.read().await?),
            None => None,
        };
        let url = format!("{}{path}", self.base);
        let (mut tries, mut renewed) = (0, false);
        loop {
            let request = self.request(method.clone(), &url, key.as_ref().map(Key::expose), form.clone());
            let answered = match request {
                Ok(request) => self.client.send(request).await,
                Err(fault) => return Err(PrometheusError::Away(fault.to_owned())),
            };
            let (fault, asked) = match answered {
                Ok(body) => {
                    let answer: Answer<A> = serde_json::from_slice(&body)
                        .map_err(|error| PrometheusError::Unreadable(error.to_string()))?;
                    return Ok(answer.data);
                }
                Err(Fault::Refused(401)) if !renewed && self.renew(&mut key).await? => {
                    renewed = true;
                    continue;
                }
                Err(Fault::Refused(status)) => return Err(PrometheusError::Refused(status)),
                Err(Fault::ForNow { fault, wait }) => (fault, wait),
            };
            if tries == RETRIES {
                return Err(PrometheusError::Away(fault));
            }
            let wait = http::wait_after(self.first_wait, tries, asked);
            tries += 1;
            tracing::warn!(fault, tries, wait_ms = wait.as_millis(), "Prometheus did not answer; it is asked again");
            tokio::time::sleep(wait).await;
        }
    }

    /// Reads the key anew, where there is one and that can change it; says whether it has changed.
    async fn renew(&self, key: &mut Option<Key>) -> Result<bool, PrometheusError> {
        match (&self.key, key) {
            (Some(credential), Some(key)) => Ok(credential.renew(key).await?),
            _ => Ok(false),
        }
    }

    fn request(
        &self,
        method: Method,
        url: &str,
        key: Option<&str>,
        form: Option<String>,
    ) -> Result<Request<Full<Bytes>>, &'static str> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, &self.user_agent);
        if form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let mut request =
            request.body(Full::from(form.unwrap_or_default())).map_err(|_| "its address cannot be asked")?;
        if let Some(key) = key {
            http::add_secret(request.headers_mut(), AUTHORIZATION, &format!("Bearer {key}"))?;
        }
        Ok(request)
    }
}

/// What an answer that went well has around its data.
#[derive(Debug, Deserialize)]
struct Answer<A> {
    data: A,
}

#[derive(Debug, Deserialize)]
struct Vector {
    result: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    metric: Labels,
    /// When, in seconds since 1970, and the value as a text.
    value: (f64, String),
}

#[derive(Debug, Deserialize)]
struct Labels {
    testid: Option<String>,
}

/// Selects the tests of these ids, as a label matcher.
pub fn of_tests<'i>(ids: impl IntoIterator<Item = &'i str>) -> String {
    let any: Vec<String> = ids.into_iter().map(escaped).collect();
    format!("{TEST_ID}=~{}", quoted(&any.join("|")))
}

/// A moment in seconds since 1970: without its fraction what has just been told would be later.
fn seconds(moment: DateTime<Utc>) -> String {
    format!("{}.{:03}", moment.timestamp(), moment.timestamp_subsec_millis())
}

/// A text as a literal of PromQL.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Fields as a form, or as a query.
fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    fields.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_literal_in_a_literal() {
        assert_eq!(of_tests(["red-booking-1"]), r#"testid=~"red-booking-1""#);
        assert_eq!(of_tests(["a.b", "c\"d\\\n"]), r#"testid=~"a\\.b|c\"d\\\\\n""#);
    }
}
