//! What teams commit: a monitor that asks GitHub for the commits on the default branch of each team's repository since
//! the hackathon's start, and tells the Hub how that is to be judged (CODE_REPO).
//!
//! A team says by its variable `Repo` where its repository is ([`place`]). GitHub is asked as seldom as can be
//! ([`github`]): what it told before is kept in the records, and asked for only in case that it has changed. When it
//! cannot be asked, because a limit is reached or it is away, what it told last still stands, and the verdict says from
//! when that is. What is measured are counts and moments ([`facts`]); the [`rules`] turn them into points as of the
//! run's scheduled time.

pub mod facts;
pub mod github;
mod measure;
mod memory;
pub mod place;
pub mod rules;
mod verdict;

use std::sync::Arc;

use anyhow::Context as _;
use shared::{
    aws::Aws,
    config::GitHubSettings,
    hackathon::{Criterion, Monitoring, PagedJob},
};

pub use self::measure::{Git, REPO};
use self::{github::GitHub, rules::Rules};

/// The function's name, and that of its job.
pub const JOB: &str = "git-monitor";

/// What this function judges by.
pub const CRITERIA: [Criterion; 1] = [Criterion::CodeRepo];

/// The monitor, where it is switched on.
///
/// # Errors
/// When its rules cannot be read, or no client of GitHub can be made.
pub async fn monitor(
    monitoring: &Monitoring,
    at: &GitHubSettings,
    aws: &Aws,
) -> anyhow::Result<Option<Arc<dyn PagedJob>>> {
    if !monitoring.is_on(Criterion::CodeRepo) {
        return Ok(None);
    }
    let since = at.hackathon_start.context("HACKATHON_START: missing")?;
    let rules: Rules = at.rules.read(rules::BUILT_IN, |_| Ok(()))?;
    let Monitoring { records, clock, .. } = monitoring;
    let github = GitHub::from_settings(at, aws, clock).await.context("the client of GitHub")?;
    Ok(Some(monitoring.job(Git::new(github, records.clone(), clock.clone(), since, rules))))
}
