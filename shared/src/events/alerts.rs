//! The event `alerts-triggered`: conditions that were met, or have cleared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::VERSION;

/// The event's detail, which is also what people are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertsTriggered {
    /// Raised when a field changes its sense or goes away.
    pub version: u32,
    /// The job that found them.
    pub job: String,
    /// What was found; at least one.
    pub alerts: Vec<Triggered>,
    /// What a health check measured, by name.
    pub health_data: BTreeMap<String, Value>,
}

/// One alert in the event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Triggered {
    /// What is the matter, as a slug: `run-stuck`.
    pub cause: String,
    /// What it is about, where one cause can have several: `run-42`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it begins or is over.
    pub state: State,
    /// For people, without personal data.
    pub message: String,
    /// The run's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What it was to stay under, or above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was lost, or is being lost.
    Critical,
    /// Something stands still until a person comes.
    High,
    /// It should be looked at soon.
    Medium,
    /// It is good to know.
    Low,
}

/// Whether an alert begins or is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The condition is met.
    Raised,
    /// It is no longer.
    Cleared,
}

impl AlertsTriggered {
    /// The event of one alert that a job found.
    pub fn of(job: &str, alert: Triggered) -> Self {
        Self { version: VERSION, job: job.to_owned(), alerts: vec![alert], health_data: BTreeMap::new() }
    }

    /// What such a detail is about, in a line for people: `high: run-stuck (run-42)`.
    pub fn headline_of(detail: &str) -> String {
        let Ok(Self { alerts, .. }) = serde_json::from_str(detail) else { return "alert".to_owned() };
        alerts.iter().map(Triggered::headline).collect::<Vec<_>>().join(", ")
    }
}

impl Triggered {
    fn headline(&self) -> String {
        let begins = match self.state {
            State::Raised => self.severity.as_str(),
            State::Cleared => "cleared",
        };
        let subject = if self.subject.is_empty() { String::new() } else { format!(" ({})", self.subject) };
        format!("{begins}: {}{subject}", self.cause)
    }
}

impl Severity {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl std::str::FromStr for Severity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Critical, Self::High, Self::Medium, Self::Low]
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or(())
    }
}
