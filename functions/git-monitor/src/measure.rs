//! One team's repository, as it is now or was last.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared::{
    clock::Clock,
    hackathon::{Criterion, Measure, Team, Verdict},
    records::Records,
};

use crate::{
    facts::{About, Activity, Facts, Measured, Why},
    github::{GitHub, Known},
    memory::{Addresses, Memory, Remembered},
    place::{Place, Repository},
    rules::Rules,
};

/// The variable with the URL of a team's repository.
pub const REPO: &str = "Repo";

/// How long one repository may take, with all pages and tries: no team may use up a run's time.
const LONGEST: Duration = Duration::from_secs(90);

/// Judges what teams have committed.
#[derive(Debug)]
pub struct Git {
    github: GitHub,
    host: String,
    memory: Memory,
    since: DateTime<Utc>,
    rules: Rules,
}

impl Git {
    /// The measure of commits since a moment.
    pub fn new(github: GitHub, records: Records, clock: Clock, since: DateTime<Utc>, rules: Rules) -> Self {
        let (host, memory) = (github.host(), Memory { records, clock });
        Self { github, host, memory, since, rules }
    }

    async fn look(&self, repository: &Repository) -> Measured {
        let _place = self.github.place().await;
        let addresses = Addresses {
            about: self.github.about_url(repository),
            commits: self.github.commits_url(repository, self.since),
        };
        let before = self.memory.recall(&addresses).await;
        let asked = tokio::time::timeout(LONGEST, self.ask(repository, &before)).await;
        match asked.unwrap_or(Err(Why::Away)) {
            Ok((about, activity)) => {
                self.memory.keep(&addresses, &about, &activity).await;
                Measured::Known(Facts { about: about.facts, activity: activity.facts, outdated: None })
            }
            Err(why) if why.is_passing() => before.facts(why).map_or(Measured::Unknown(why), Measured::Known),
            Err(why) => Measured::Unknown(why),
        }
    }

    async fn ask(&self, repository: &Repository, before: &Remembered) -> Result<(Known<About>, Known<Activity>), Why> {
        let about = self.github.about(repository, before.about()).await?;
        Ok((about, self.github.activity(repository, self.since, before.activity()).await?))
    }
}

#[async_trait]
impl Measure for Git {
    type Measured = Measured;

    fn criterion(&self) -> Criterion {
        Criterion::CodeRepo
    }

    fn variables(&self) -> &'static [&'static str] {
        &[REPO]
    }

    async fn measure(&self, team: &Team) -> Measured {
        if team.position == 1 {
            // Once in a run, which has a first team.
            self.memory.forget_old().await;
        }
        let Some(url) = team.variable(REPO) else { return Measured::Unknown(Why::NotSet) };
        match Place::parse(url, &self.host) {
            Place::GitHub(repository) => self.look(&repository).await,
            Place::Elsewhere(host) => Measured::Unknown(Why::Elsewhere(host)),
            Place::Unreadable => Measured::Unknown(Why::Unreadable),
        }
    }

    fn judge(&self, measured: &[Measured], at: DateTime<Utc>) -> Vec<Verdict> {
        measured.iter().map(|measured| self.rules.verdict(measured, at)).collect()
    }
}
