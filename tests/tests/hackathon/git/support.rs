//! What the tests of the monitor of repositories stand on.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use git_monitor::{
    Git,
    github::{Entry, GitHub, Manners},
    place::{Place, Repository},
    rules::Rules,
};
use shared::{
    aws::Aws,
    clock::Clock,
    config::{BaseUrlKind, Kind as _, MonitorSettings, TokenKind, Values},
    credential::Credential,
    firing::{Firing, Trigger},
    hackathon::{Monitor, hub::Hub},
    records::Records,
    run::job::{Fired, Job as _},
    sqs::Deadline,
};
use tests::{
    github_fake::{GitHubFake, TOKEN},
    hub_fake::{self, HACKATHON, HubFake},
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
    let settings: MonitorSettings = Values::gather(hub_fake::settings(hub), None).read().expect("settings");
    let hub_client = Hub::from_settings(settings.hub.as_ref().expect("it is on"), &Aws::from_environment()).await;
    let clock = Clock::standing_at(at);
    let github = client(fake, token(TOKEN), MANNERS, &clock);
    let monitor = Monitor {
        measure: Git::new(github, records.clone(), clock.clone(), start(), Rules::built_in()),
        records: records.clone(),
        clock,
        hub: Arc::clone(&hub_client.expect("certificates")),
        hackathon: HACKATHON.to_owned(),
        // One after the other, so that a test knows who comes first.
        teams_at_once: 1,
        settles_after: settings.settles_after,
        kept_days: settings.kept_days,
    };
    let fired = monitor.fire(Firing::new(at, Trigger::Schedule), Deadline::none()).await.expect("a run");
    assert!(fired.plan_complete);
    assert_eq!((hub.faults(), fake.faults()), (Vec::new(), Vec::new()));
    fired
}
