//! What the monitor of teams' repositories needs.

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};

use super::super::kinds::{BaseUrl, SecretArn};
use super::super::reader::{Group, Reader};
use super::super::rules_file::RulesFile;
use super::super::table::{
    GIT_MONITOR_ENABLED, GIT_MONITOR_RULES, GITHUB_API_URL, GITHUB_APP_ID, GITHUB_APP_KEY, GITHUB_APP_KEY_SECRET,
    GITHUB_TOKEN, GITHUB_TOKEN_SECRET, HACKATHON_START, HTTP_TIMEOUT, USER_AGENT,
};
use super::hub::TokenAt;

/// By whose leave GitHub is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitHubEntry {
    /// Nobody's.
    Nobody,
    /// That of a token.
    Token(TokenAt),
    /// That of the GitHub App of this number, whose key is in a file.
    AppFile(u32, PathBuf),
    /// That of the GitHub App of this number, whose key is in what keeps secrets.
    AppSecret(u32, SecretArn),
}

/// What the monitor of teams' repositories needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHubSettings {
    /// Where GitHub's API is.
    pub base_url: BaseUrl,
    /// By whose leave it is asked.
    pub entry: GitHubEntry,
    /// How long one request may take.
    pub timeout: Duration,
    /// When the hackathon began; it is there where the monitor is switched on.
    pub hackathon_start: Option<DateTime<Utc>>,
    /// What requests call their sender.
    pub user_agent: String,
    /// What it judges by.
    pub rules: RulesFile,
}

impl Group for GitHubSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let on = reader.value(&GIT_MONITOR_ENABLED);
        let (base_url, timeout) = (reader.value(&GITHUB_API_URL), reader.value(&HTTP_TIMEOUT));
        let user_agent = reader.value(&USER_AGENT);
        let rules = RulesFile::named_by(reader, &GIT_MONITOR_RULES);
        let entry = entry(reader);
        let hackathon_start = match on {
            Some(true) => reader.value(&HACKATHON_START).map(Some),
            _ => reader.optional(&HACKATHON_START),
        };
        on?;
        Some(Self {
            base_url: base_url?,
            entry: entry?,
            timeout: Duration::from_millis(timeout?.into()),
            hackathon_start: hackathon_start?,
            user_agent: user_agent?,
            rules: rules?,
        })
    }
}

/// An app, a token, or nobody: whoever sets both does not say who asks.
fn entry(reader: &mut Reader<'_>) -> Option<GitHubEntry> {
    let (token, kept_token) = (reader.optional(&GITHUB_TOKEN), reader.optional(&GITHUB_TOKEN_SECRET));
    let app = reader.optional(&GITHUB_APP_ID);
    let (file, kept_key) = (reader.optional(&GITHUB_APP_KEY), reader.optional(&GITHUB_APP_KEY_SECRET));
    let (token, kept_token, file, kept_key) = (token?, kept_token?, file?, kept_key?);
    let token = kept_token.map(TokenAt::Secret).or(token.map(TokenAt::Setting));
    match (app?, token) {
        (None, token) => {
            if file.is_some() || kept_key.is_some() {
                return reader.value(&GITHUB_APP_ID).map(|_| GitHubEntry::Nobody);
            }
            Some(token.map_or(GitHubEntry::Nobody, GitHubEntry::Token))
        }
        (Some(_), Some(_)) => {
            reader.misfit(&GITHUB_APP_ID, "stands beside a token, so it is not said who asks: set one of the two");
            None
        }
        (Some(app), None) => match kept_key {
            Some(arn) => Some(GitHubEntry::AppSecret(app, arn)),
            None => reader.value(&GITHUB_APP_KEY).map(|file| GitHubEntry::AppFile(app, file)),
        },
    }
}
