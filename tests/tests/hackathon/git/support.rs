//! What the tests of the monitor of repositories stand on.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use git_monitor::{
    Git,
    github::{Entry, GitHub, Manners},
    place::{Place, Repository},
    rules::Rules,
};
use shared::{
    clock::Clock,
    config::{BaseUrlKind, Kind as _, MonitorSettings, TokenKind, Values},
    credential::Credential,
    records::Records,
    run::job::Fired,
};
use tests::{
    github_fake::{GitHubFake, TOKEN},
    hub_fake::{self, HubFake},
    monitoring,
};

/// Patient enough for any machine, and quick to try again.
pub const MANNERS: Manners = Manners {
    timeout: Duration::from_secs(30),
    retries: 2,
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_secs(1),
};

/// A moment.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

/// When the hackathon began.
pub fn start() -> DateTime<Utc> {
    at("2026-11-07T08:00:00Z")
}

/// A run's scheduled time, and those after it by half hours.
pub fn half_hour(number: i32) -> DateTime<Utc> {
    at("2026-11-08T09:00:00Z") + TimeDelta::minutes(30) * number
}

/// So many commits by the account 7, the latest at that moment, a minute between each.
pub fn commits(number: i32, latest: DateTime<Utc>) -> Vec<(DateTime<Utc>, u64)> {
    (0..number).map(|n| (latest - TimeDelta::minutes(n.into()), 7)).collect()
}

/// A repository at GitHub.
pub fn repository(name: &str) -> Repository {
    match Place::parse(&format!("https://github.com/{name}"), "github.com") {
        Place::GitHub(repository) => repository,
        other => panic!("{name} is {other:?}"),
    }
}

/// Whoever has that token.
pub fn token(token: &str) -> Entry {
    Entry::Token(Credential::Setting(TokenKind.parse(token).expect("a token")))
}

/// A client of the fake.
pub fn client(fake: &GitHubFake, entry: Entry, manners: Manners, clock: &Clock) -> GitHub {
    let base = BaseUrlKind.parse(&fake.url()).expect("an address");
    GitHub::new(base, entry, manners, "almanac-monitor".to_owned(), clock.clone()).expect("certificates")
}

/// Fires the monitor for a moment, to the run's end, as a new process does.
pub async fn fire(records: &Records, hub: &HubFake, fake: &GitHubFake, at: DateTime<Utc>) -> Fired {
    // One after the other, so that a test knows who comes first.
    let settings = hub_fake::settings(hub).into_iter().chain([("MAX_CONCURRENT_JOBS", "1".to_owned())]);
    let settings: MonitorSettings = Values::gather(settings, None).read().expect("settings");
    let clock = Clock::standing_at(at);
    let monitoring = monitoring::monitoring(settings, records, &clock).await;
    let github = client(fake, token(TOKEN), MANNERS, &clock);
    let monitor = monitoring.job(Git::new(github, records.clone(), clock, start(), Rules::built_in()));
    let fired = monitoring::fire(&*monitor, hub, at).await;
    assert_eq!(fake.faults(), Vec::<String>::new());
    fired
}
