//! Requests and answers, and how a Lambda function URL spells them.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::source_of;

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To see; HEAD as well.
    Get,
    /// To decide.
    Post,
    /// Something else.
    Other,
}

impl Method {
    /// The method of that name.
    pub fn named(name: &str) -> Self {
        match name {
            "GET" | "HEAD" => Self::Get,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }
}

/// What of a request matters. (A POST decides whatever its body says: RFC 8058's is always the same.)
#[derive(Debug, Clone)]
pub struct Request {
    /// What it wants.
    pub method: Method,
    /// The path, without a query.
    pub path: String,
    /// The languages that it would like, as a browser says them; empty where it does not.
    pub accept_language: String,
    /// Where it comes from, where that is known.
    pub source: Option<IpAddr>,
}

/// An answer: a page with a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<&'static str, String>,
    /// The page.
    pub body: String,
}

impl Answer {
    /// The same, to be asked for again later.
    #[must_use]
    pub(crate) fn retried_after(mut self, wait: Duration) -> Self {
        self.headers.insert("retry-after", wait.as_secs().max(1).to_string());
        self
    }

    /// The same, saying which methods there are.
    #[must_use]
    pub(crate) fn allowing(mut self, methods: &str) -> Self {
        self.headers.insert("allow", methods.to_owned());
        self
    }

    /// The answer as a function URL takes it.
    pub fn to_event(&self) -> Value {
        json!({"statusCode": self.status, "headers": self.headers, "body": self.body, "isBase64Encoded": false})
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: Context,
}

#[derive(Debug, Deserialize)]
struct Context {
    http: Http,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    #[serde(default)]
    source_ip: String,
}

/// An event that is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a request of a function URL, payload format 2.0: rawPath and requestContext.http.method")]
pub struct NoRequest;

impl Request {
    /// Reads the event of a function URL.
    pub fn from_event(event: Value) -> Result<Self, NoRequest> {
        // The parser's own error would repeat what it found, and a path is a key.
        let event: Event = serde_json::from_value(event).map_err(|_| NoRequest)?;
        let http = event.request_context.http;
        Ok(Self {
            method: Method::named(&http.method),
            path: event.raw_path,
            accept_language: event.headers.get("accept-language").cloned().unwrap_or_default(),
            source: source_of(&http.source_ip),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_and_what_is_none_is_refused_without_repeating_it() {
        let event: Value = serde_json::from_str(include_str!("../../../events/unsubscribe.json")).expect("an event");
        let request = Request::from_event(event.clone()).expect("a request");
        assert_eq!(request.method, Method::Post);
        assert!(request.path.starts_with("/unsubscribe/"), "{}", request.path);
        assert_eq!(request.source, source_of("203.0.113.7"));
        let mut spoilt = event;
        spoilt["rawPath"] = json!({"/unsubscribe/7.secret": 1});
        assert!(!Request::from_event(spoilt).expect_err("no request").to_string().contains("secret"));
    }

    #[test]
    fn an_answer_has_the_shape_that_a_function_url_takes() {
        let answer = Answer { status: 405, headers: BTreeMap::new(), body: "é".to_owned() }.allowing("GET");
        let expected = json!({"statusCode": 405, "headers": {"allow": "GET"}, "body": "é", "isBase64Encoded": false});
        assert_eq!(answer.to_event(), expected);
    }
}
