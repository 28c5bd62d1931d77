//! What a criterion says of a team.

use std::{fmt, str::FromStr};

use serde_json::{Value, json};

/// Whether a team fulfils a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Passed,
    /// It does not.
    Failed,
    /// Nothing is known to judge by.
    NoData,
    /// What judges by could not be asked this time. The Hub is not told: what it was told last still holds.
    Unknown,
}

/// A text that is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status of a criterion")]
pub struct UnknownStatus(String);

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Passed, Self::Failed, Self::NoData, Self::Unknown];

    /// The word that the Hub and the records have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::NoData => "NO_DATA",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// A team's status and score by a criterion, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The status.
    pub status: Status,
    /// The points; none where there is nothing to judge by.
    pub score: Option<u32>,
    /// Why, in a sentence for people. It repeats no value of a team's variables, which may be secret.
    pub reason: String,
    /// What it was judged by, as an object.
    pub metrics: Value,
}

impl Verdict {
    /// Passed, with so many points.
    pub fn passed(score: u32, reason: impl Into<String>, metrics: Value) -> Self {
        Self { status: Status::Passed, score: Some(score), reason: reason.into(), metrics }
    }

    /// Not passed, with so many points all the same.
    pub fn failed(score: u32, reason: impl Into<String>, metrics: Value) -> Self {
        Self { status: Status::Failed, score: Some(score), reason: reason.into(), metrics }
    }

    /// What judges by could not be asked, and why.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self { status: Status::Unknown, score: None, reason: reason.into(), metrics: json!({}) }
    }

    /// Nothing to judge by.
    pub fn no_data(reason: impl Into<String>) -> Self {
        Self { status: Status::NoData, score: None, reason: reason.into(), metrics: json!({}) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_back_from_its_word() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("passed".parse::<Status>().is_err());
    }
}
