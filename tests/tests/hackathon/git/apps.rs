//! A GitHub App's way in.

use chrono::TimeDelta;
use git_monitor::{
    facts::Why,
    github::{App, AppKey, AppKeyFrom, Entry, GitHub},
};
use shared::clock::Clock;
use tests::github_fake::{APP, APP_KEY, APP_KEY_PKCS8, GitHubFake};

use super::support::{self, MANNERS, commits, half_hour, repository};

fn client(fake: &GitHubFake, app: u32, key: &str, clock: &Clock) -> GitHub {
    let key = AppKeyFrom::Read(Box::new(AppKey::parse(key).expect("a key")));
    support::client(fake, Entry::App(Box::new(App::new(app, key, clock.clone()))), MANNERS, clock)
}

/// Two private repositories of who has installed the app, a private and a public one of who has not.
async fn fake() -> GitHubFake {
    let fake = GitHubFake::start().await;
    for name in ["octo/api", "octo/web", "other/private"] {
        fake.has_private(name, &commits(1, half_hour(0)));
    }
    fake.has("other/public", &commits(1, half_hour(0)));
    fake.installs(&["octo"], half_hour(0) + TimeDelta::hours(1));
    fake
}

async fn stars(fake: &GitHubFake, github: &GitHub, name: &str) -> Result<u64, Why> {
    let about = github.about(&repository(name), None).await;
    assert_eq!(fake.faults(), Vec::<String>::new());
    about.map(|known| known.facts.stars)
}

#[tokio::test]
async fn a_token_of_the_installation_shows_its_repositories_until_shortly_before_its_end() {
    for key in [APP_KEY, APP_KEY_PKCS8] {
        let (fake, clock) = (fake().await, Clock::standing_at(half_hour(0)));
        let github = client(&fake, APP, key, &clock);
        assert_eq!(stars(&fake, &github, "octo/api").await, Ok(42));
        assert_eq!(stars(&fake, &github, "octo/web").await, Ok(42));
        clock.advance(TimeDelta::minutes(55) - TimeDelta::seconds(1));
        assert_eq!(stars(&fake, &github, "octo/api").await, Ok(42));
        assert_eq!(
            fake.new_calls(),
            [
                "GET /repos/octo/api/installation 200",
                "POST /app/installations/0/access_tokens 201",
                "GET /repos/octo/api 200",
                "GET /repos/octo/web/installation 200",
                "GET /repos/octo/web 200",
                "GET /repos/octo/api 200",
            ]
        );
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(stars(&fake, &github, "octo/api").await, Ok(42));
        assert_eq!(fake.new_calls(), ["POST /app/installations/0/access_tokens 201", "GET /repos/octo/api 200"]);
    }
}

#[tokio::test]
async fn a_token_that_is_not_taken_any_more_is_asked_for_anew_once() {
    let (fake, clock) = (fake().await, Clock::standing_at(half_hour(0)));
    let github = client(&fake, APP, APP_KEY, &clock);
    assert_eq!(stars(&fake, &github, "octo/api").await, Ok(42));
    fake.revokes();
    fake.new_calls();
    assert_eq!(stars(&fake, &github, "octo/api").await, Ok(42));
    assert_eq!(
        fake.new_calls(),
        ["GET /repos/octo/api 401", "POST /app/installations/0/access_tokens 201", "GET /repos/octo/api 200"]
    );
}

#[tokio::test]
async fn where_it_is_not_installed_it_sees_what_is_public() {
    let (fake, clock) = (fake().await, Clock::standing_at(half_hour(0)));
    let github = client(&fake, APP, APP_KEY, &clock);
    assert_eq!(stars(&fake, &github, "other/public").await, Ok(42));
    assert_eq!(stars(&fake, &github, "other/private").await, Err(Why::NotSeen));
    assert_eq!(
        fake.new_calls(),
        [
            "GET /repos/other/public/installation 404",
            "GET /app/installations?per_page=1 200",
            "POST /app/installations/0/access_tokens 201",
            "GET /repos/other/public 200",
            "GET /repos/other/private/installation 404",
            "GET /repos/other/private 404",
        ]
    );
    fake.installs(&[], half_hour(0));
    let nowhere = client(&fake, APP, APP_KEY, &clock);
    assert_eq!(stars(&fake, &nowhere, "other/public").await, Ok(42), "as nobody");
}

#[tokio::test]
async fn an_app_that_is_not_known_gets_nothing_and_its_key_is_shown_by_nothing() {
    let (fake, clock) = (fake().await, Clock::standing_at(half_hour(0)));
    let github = client(&fake, APP + 1, APP_KEY, &clock);
    let refused = github.about(&repository("octo/api"), None).await;
    assert_eq!(refused, Err(Why::NoEntry));
    assert_eq!(fake.calls(), ["GET /repos/octo/api/installation 401"]);
    let shown = format!("{github:?}");
    assert!(shown.contains("AppKey(****)"), "{shown}");
    for wrong in ["", "key", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"] {
        let error = format!("{:#}", AppKey::parse(wrong).expect_err("no key"));
        assert_eq!(error, "expected the RSA private key of a GitHub App, as PEM");
    }
}
