//! What is known of a team's repository, or why nothing is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::place::Host;

/// What is measured of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// Its repository as it is, or as it was when GitHub last told.
    Known(Facts),
    /// Nothing.
    Unknown(Why),
}

/// What GitHub tells of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The repository itself.
    pub about: About,
    /// What has been done in it since the hackathon's start.
    pub activity: Activity,
    /// Where this is not from now: from when, and why.
    pub outdated: Option<Outdated>,
}

/// Facts from before, because there are none from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outdated {
    /// When GitHub told them, or said that they had not changed.
    pub as_of: DateTime<Utc>,
    /// Why there are no later ones.
    pub why: Why,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// How many people have starred it.
    pub stars: u64,
    /// How many forks it has.
    pub forks: u64,
    /// The branch whose commits count.
    pub default_branch: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When anything about it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// Commits on the default branch since the hackathon's start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// How many there are.
    pub commits: u64,
    /// Whether there are more, which were not counted.
    pub more: bool,
    /// When the latest was committed, by its committer's clock.
    pub last_commit_at: Option<DateTime<Utc>>,
    /// How many people have written them.
    pub authors: u64,
}

/// Why nothing is known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The team has not said where its repository is.
    NotSet,
    /// What it says is no repository.
    Unreadable,
    /// It is somewhere else than at the GitHub that is asked.
    Elsewhere(Host),
    /// GitHub shows no such repository.
    NotSeen,
    /// GitHub has it and does not show it, by this HTTP status.
    Withheld(u16),
    /// No more may be asked before this moment.
    Limited(DateTime<Utc>),
    /// GitHub does not take the token or the app's key, or it cannot be read.
    NoEntry,
    /// GitHub does not answer, or fails.
    Away,
    /// GitHub's answer is not as documented.
    Garbled,
}

impl Why {
    /// Whether it says nothing of the repository, so that what was known of it before still stands.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Limited(_) | Self::NoEntry | Self::Away | Self::Garbled)
    }

    /// The sentence for people.
    pub fn reason(self) -> String {
        match self {
            Self::NotSet => "Repo is not set".to_owned(),
            Self::Unreadable => "Repo is no URL of a repository, or is masked".to_owned(),
            Self::Elsewhere(host) => match host.name() {
                Some(name) => {
                    format!("the repository is at {name}; only the organisers' GitHub is looked at")
                }
                None => "Repo leads to a host that is not the organisers' GitHub".to_owned(),
            },
            Self::NotSeen => "there is no such repository, or it is private: make it public, or give the organisers' \
                              account or GitHub App access to it"
                .to_owned(),
            Self::Withheld(status) => {
                format!("GitHub does not let the organisers' account see the repository ({status}): its owner can")
            }
            Self::Limited(until) => format!("GitHub's rate limit is used up until {}", minute(until)),
            Self::NoEntry => "GitHub does not take the organisers' token".to_owned(),
            Self::Away => "GitHub did not answer".to_owned(),
            Self::Garbled => "GitHub's answer is not as documented".to_owned(),
        }
    }
}

/// A moment as a sentence has it.
pub(crate) fn minute(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M UTC").to_string()
}
