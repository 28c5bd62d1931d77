//! Probes, as the rules' file has them.

use anyhow::ensure;
use hyper::{Method, http::uri::PathAndQuery};
use serde::Deserialize;
use serde_json::Value;

/// The longest path of a probe with its query.
const LONGEST_PATH: usize = 1_024;

/// The words in a path by which a probe is known to destroy what a team has, as DELETE does.
const DESTRUCTIVE: [&str; 6] = ["reset", "wipe", "purge", "truncate", "drop", "destroy"];

/// One request to a team's server, and what is expected of its answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The method.
    pub method: Verb,
    /// The path below the team's address, with the query; it begins with `/`.
    pub path: String,
    /// What is sent, as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// The statuses of an answer as expected.
    pub statuses: Vec<u16>,
    /// Whether it is among those by which a team passes.
    #[serde(default)]
    pub critical: bool,
    /// What the body of the answer must be like; none, where any will do.
    #[serde(default)]
    pub answer: Option<Condition>,
    /// Said of one that destroys what a team has: without it such a probe is refused.
    #[serde(default)]
    pub destructive: Option<Allowance>,
}

/// A method of HTTP that a probe may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Reads.
    Get,
    /// Reads without a body.
    Head,
    /// Asks what there is.
    Options,
    /// Makes.
    Post,
    /// Puts in place.
    Put,
    /// Changes.
    Patch,
    /// Removes, so it is destructive.
    Delete,
}

/// That a probe may destroy what a team has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// It may.
    Allow,
}

/// What an answer's body must be like.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// It holds this text somewhere.
    Text(String),
    /// It is JSON, in which there is such a value at a place.
    Field {
        /// The place, as a JSON pointer (RFC 6901): `/0/id`; empty for the whole.
        at: String,
        /// What stands there.
        is: JsonKind,
    },
}

/// A kind of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are JSON's own words")]
pub enum JsonKind {
    Array,
    Boolean,
    Null,
    Number,
    Object,
    String,
}

impl Verb {
    /// The method.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Options => Method::OPTIONS,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Condition {
    /// Whether a body is like that.
    pub fn holds(&self, body: &[u8]) -> bool {
        match self {
            Self::Text(text) => String::from_utf8_lossy(body).contains(&**text),
            Self::Field { at, is } => {
                let json: Result<Value, _> = serde_json::from_slice(body);
                json.is_ok_and(|json| json.pointer(at).is_some_and(|value| is.is_kind_of(value)))
            }
        }
    }
}

impl JsonKind {
    fn is_kind_of(self, value: &Value) -> bool {
        match self {
            Self::Array => value.is_array(),
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::String => value.is_string(),
        }
    }
}

impl Probe {
    /// Method and path, without the query.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.verb(), self.bare_path())
    }

    fn verb(&self) -> Method {
        self.method.method()
    }

    fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// # Errors
    /// When it cannot be sent, expects what cannot be, or destroys without the allowance; the error begins with the field.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let sendable = self.path.parse::<PathAndQuery>().is_ok_and(|path| path.as_str() == self.path);
        ensure!(
            self.path.starts_with('/') && self.path.len() <= LONGEST_PATH && sendable,
            "path: {:?} is no path of an URL; expected one such as /api/events?page=1",
            self.path
        );
        ensure!(!self.statuses.is_empty(), "statuses: none; expected at least one, such as [200]");
        if let Some(status) = self.statuses.iter().find(|status| !(200..=599).contains(*status)) {
            anyhow::bail!("statuses: {status} is no status of an answer; expected 200 to 599");
        }
        if let Some(Condition::Field { at, .. }) = &self.answer {
            let pointer = at.is_empty() || at.starts_with('/');
            ensure!(pointer, "answer.field.at: {at:?} is no JSON pointer; expected one such as /0/id");
        }
        ensure!(
            !self.is_destructive() || self.destructive == Some(Allowance::Allow),
            "destructive: {} destroys what a team has; expected \"destructive\": \"allow\", or another probe",
            self.name()
        );
        Ok(())
    }

    fn is_destructive(&self) -> bool {
        let words = self.bare_path().split(|c: char| !c.is_ascii_alphanumeric());
        let named = |word: &str| DESTRUCTIVE.iter().any(|destructive| word.eq_ignore_ascii_case(destructive));
        self.method == Verb::Delete || words.into_iter().any(named)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(probe: Value) -> Result<(), String> {
        let probe: Probe = serde_json::from_value(probe).map_err(|error| error.to_string())?;
        probe.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_probe_that_destroys_is_refused_without_the_allowance() {
        for (method, path) in [
            ("POST", "/api/reset"),
            ("POST", "/api/Reset?all=1"),
            ("GET", "/api/db-wipe"),
            ("DELETE", "/api/bookings/1"),
            ("PUT", "/api/purge/now"),
        ] {
            let probe = json!({"method": method, "path": path, "statuses": [200]});
            let error = checked(probe.clone()).expect_err("it destroys");
            assert!(error.starts_with("destructive: ") && error.contains("\"destructive\": \"allow\""), "{error}");
            let mut allowed = probe.clone();
            allowed["destructive"] = json!("allow");
            assert_eq!(checked(allowed), Ok(()), "{path}");
            for wrong in [json!(true), json!("yes"), json!("deny")] {
                let mut not = probe.clone();
                not["destructive"] = wrong;
                assert!(checked(not).is_err(), "{path}");
            }
        }
        for path in ["/api/events", "/api/presets", "/api/dropdown", "/api/events?reset=1"] {
            assert_eq!(checked(json!({"method": "GET", "path": path, "statuses": [200]})), Ok(()), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_sent_or_expected_is_refused_by_its_field() {
        for (probe, field) in [
            (json!({"method": "GET", "path": "api", "statuses": [200]}), "path: "),
            (json!({"method": "GET", "path": "", "statuses": [200]}), "path: "),
            (json!({"method": "GET", "path": "/a b", "statuses": [200]}), "path: "),
            (json!({"method": "GET", "path": "/a#b", "statuses": [200]}), "path: "),
            (json!({"method": "GET", "path": "/a\r\nHost: b", "statuses": [200]}), "path: "),
            (json!({"method": "GET", "path": "/a", "statuses": []}), "statuses: "),
            (json!({"method": "GET", "path": "/a", "statuses": [600]}), "statuses: "),
            (json!({"method": "GET", "path": "/a", "statuses": [100]}), "statuses: "),
            (json!({"method": "FETCH", "path": "/a", "statuses": [200]}), "unknown variant `FETCH`"),
            (
                json!({"method": "GET", "path": "/a", "statuses": [200], "answer": {"field": {"at": "id", "is": "number"}}}),
                "answer.field.at: ",
            ),
        ] {
            let error = checked(probe).expect_err(field);
            assert!(error.starts_with(field), "{error}");
        }
    }

    #[test]
    fn a_body_is_looked_at_by_text_or_by_the_kind_of_a_field() {
        let field = |at: &str, is| Condition::Field { at: at.to_owned(), is };
        for (condition, body, holds) in [
            (Condition::Text("tick".to_owned()), "a ticket", true),
            (Condition::Text("tick".to_owned()), "a TICKET", false),
            (field("", JsonKind::Array), "[]", true),
            (field("", JsonKind::Array), "{}", false),
            (field("/0/id", JsonKind::Number), r#"[{"id": 7}]"#, true),
            (field("/0/id", JsonKind::Number), r#"[{"id": "7"}]"#, false),
            (field("/0/id", JsonKind::Number), "[]", false),
            (field("", JsonKind::Array), "[", false),
            (field("", JsonKind::Array), "\u{0}\u{1}", false),
        ] {
            assert_eq!(condition.holds(body.as_bytes()), holds, "{condition:?} {body}");
        }
    }
}
