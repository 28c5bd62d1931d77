//! What is read of GitHub's answers: of repositories and of lists of commits, as in "REST API endpoints for
//! repositories" and "for commits", version 2022-11-28. Whatever else they say is passed over.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::facts::About;

/// The most letters of a branch's name that are kept.
const LONGEST_BRANCH: usize = 255;

#[derive(Debug, Deserialize)]
pub(super) struct RepositoryShape {
    stargazers_count: u64,
    forks_count: u64,
    default_branch: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<RepositoryShape> for About {
    fn from(read: RepositoryShape) -> Self {
        Self {
            stars: read.stargazers_count,
            forks: read.forks_count,
            default_branch: read.default_branch.chars().take(LONGEST_BRANCH).collect(),
            created_at: read.created_at,
            updated_at: read.updated_at,
        }
    }
}

/// A commit of a list.
#[derive(Debug, Deserialize)]
pub(super) struct CommitShape {
    commit: GitCommit,
    /// The account of the author; none, or an object without anything, where GitHub knows none of that address.
    author: Option<Account>,
}

#[derive(Debug, Deserialize)]
struct GitCommit {
    author: Option<Signature>,
    committer: Option<Signature>,
}

#[derive(Debug, Deserialize)]
struct Signature {
    email: Option<String>,
    /// A text, because git takes moments that are none.
    date: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Account {
    id: Option<u64>,
}

/// Who wrote a commit: an account, or an address where there is none. It is only for telling people apart, and not
/// kept.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Author {
    Account(u64),
    Address(String),
}

impl CommitShape {
    /// When it was committed, which is what GitHub's own `since` goes by.
    pub(super) fn at(&self) -> Option<DateTime<Utc>> {
        let signature = self.commit.committer.as_ref().or(self.commit.author.as_ref())?;
        signature.date.as_deref()?.parse().ok()
    }

    pub(super) fn author(&self) -> Option<Author> {
        let account = self.author.as_ref().and_then(|account| account.id).map(Author::Account);
        let address = || self.commit.author.as_ref()?.email.as_ref().map(|address| address.to_lowercase());
        account.or_else(|| address().map(Author::Address))
    }
}
