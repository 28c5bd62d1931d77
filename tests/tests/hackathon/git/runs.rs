//! Runs of the monitor, from the roster to the Hub.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use shared::records::Records;
use tests::{
    ask,
    databases::TestDatabase,
    github_fake::{Behaviour, GitHubFake, TOKEN},
    hub_fake::HubFake,
};

use super::support::{at, commits, fire, half_hour, start};
use crate::support::verdicts;

tests::contract!(
    teams_are_judged_by_their_commits_and_what_has_not_changed_is_not_told_again,
    a_limit_that_is_used_up_leaves_what_was_known_and_says_from_when,
    while_github_is_away_what_was_known_stands_and_nobody_waits_for_it_team_by_team,
    a_repository_that_is_gone_is_not_judged_by_what_was_known,
    what_nobody_asks_for_in_a_month_is_forgotten,
);

const TEAMS: [(&str, &[(&str, &str)]); 10] = [
    ("amber", &[("Repo", "https://github.com/octo/busy/tree/main")]),
    ("blue", &[("Repo", "git@github.com:octo/two.git")]),
    ("coral", &[("Repo", "github.com/octo/one")]),
    ("denim", &[("Repo", "https://www.github.com/old/name.git")]),
    ("ebony", &[("Repo", "https://GitHub.com/octo/empty")]),
    ("fawn", &[("Repo", "ssh://git@github.com/octo/private.git")]),
    ("green", &[("Repo", "https://github.com/octo/nowhere")]),
    ("hazel", &[("Repo", "https://gitlab.com/octo/api")]),
    ("ivory", &[]),
    ("jade", &[("Repo", "********")]),
];

/// Each kind of repository, as it is at nine.
async fn github() -> GitHubFake {
    let (fake, nine) = (GitHubFake::start().await, half_hour(0));
    fake.has("octo/busy", &commits(250, nine - TimeDelta::minutes(5)));
    fake.has("octo/two", &commits(2, nine - TimeDelta::hours(24)));
    fake.has("octo/one", &[(nine, 7), (start() - TimeDelta::seconds(1), 7)]);
    fake.has("old/name", &commits(3, nine - TimeDelta::hours(24) - TimeDelta::seconds(1)));
    fake.moves("old/name", "new/name");
    fake.has_empty("octo/empty");
    fake.has_private("octo/private", &commits(9, nine));
    fake
}

async fn reasons(records: &Records, run: i64) -> BTreeMap<String, String> {
    verdicts(records, run).await.into_iter().map(|past| (past.team, past.verdict.reason)).collect()
}

async fn teams_are_judged_by_their_commits_and_what_has_not_changed_is_not_told_again(database: &TestDatabase) {
    let (hub, fake) = (HubFake::start(TEAMS).await, github().await);
    let fired = fire(database, &hub, &fake, half_hour(0)).await;
    let judged = [
        "amber CODE_REPO PASSED 100",
        "blue CODE_REPO PASSED 100",
        "coral CODE_REPO FAILED 34",
        "denim CODE_REPO FAILED 52",
        "ebony CODE_REPO FAILED 10",
        "fawn CODE_REPO PASSED 100",
        "green CODE_REPO NO_DATA -",
        "hazel CODE_REPO NO_DATA -",
        "ivory CODE_REPO NO_DATA -",
        "jade CODE_REPO NO_DATA -",
    ];
    assert_eq!(hub.told(), [judged]);
    let said = reasons(database, fired.run).await;
    for (team, reason) in [
        ("amber", "250 commits since the start, the last within 24 hours"),
        ("blue", "2 commits since the start, the last within 24 hours"),
        ("coral", "1 commit since the start, the last within 24 hours"),
        ("denim", "3 commits since the start, the last not within 24 hours"),
        ("ebony", "no commits since the start"),
        (
            "green",
            "there is no such repository, or it is private: make it public, or give the organisers' account or GitHub \
             App access to it",
        ),
        ("hazel", "the repository is at GitLab; only the organisers' GitHub is looked at"),
        ("ivory", "Repo is not set"),
        ("jade", "Repo is no URL of a repository, or is masked"),
    ] {
        assert_eq!(said[team], reason);
    }
    let told = verdicts(database, fired.run).await;
    let metrics = serde_json::json!({
        "commits": 250, "moreCommits": false, "lastCommitAt": "2026-11-08T08:55:00Z", "authors": 1, "stars": 42,
        "forks": 7, "defaultBranch": "main", "createdAt": "2026-11-01T16:00:00Z", "updatedAt": "2026-11-07T16:00:00Z",
    });
    assert_eq!(told[0].verdict.metrics, metrics);
    let since = "commits?since=2026-11-07T08:00:00Z&per_page=100";
    assert_eq!(
        fake.new_calls(),
        [
            "GET /repos/octo/busy 200".to_owned(),
            format!("GET /repos/octo/busy/{since} 200"),
            format!("GET /repositories/1296269/{since}&page=2 200"),
            format!("GET /repositories/1296269/{since}&page=3 200"),
            "GET /repos/octo/two 200".to_owned(),
            format!("GET /repos/octo/two/{since} 200"),
            "GET /repos/octo/one 200".to_owned(),
            format!("GET /repos/octo/one/{since} 200"),
            "GET /repos/old/name 301".to_owned(),
            "GET /repositories/1296272 200".to_owned(),
            format!("GET /repos/old/name/{since} 301"),
            format!("GET /repositories/1296272/{since} 200"),
            "GET /repos/octo/empty 200".to_owned(),
            format!("GET /repos/octo/empty/{since} 409"),
            "GET /repos/octo/private 200".to_owned(),
            format!("GET /repos/octo/private/{since} 200"),
            "GET /repos/octo/nowhere 404".to_owned(),
        ]
    );

    fake.pushes("octo/one", half_hour(1), 8);
    fire(database, &hub, &fake, half_hour(1)).await;
    assert_eq!(
        fake.new_calls(),
        [
            "GET /repos/octo/busy 304".to_owned(),
            format!("GET /repos/octo/busy/{since} 304"),
            "GET /repos/octo/two 304".to_owned(),
            format!("GET /repos/octo/two/{since} 304"),
            "GET /repos/octo/one 304".to_owned(),
            format!("GET /repos/octo/one/{since} 200"),
            "GET /repos/old/name 301".to_owned(),
            "GET /repositories/1296272 304".to_owned(),
            format!("GET /repos/old/name/{since} 301"),
            format!("GET /repositories/1296272/{since} 304"),
            "GET /repos/octo/empty 304".to_owned(),
            format!("GET /repos/octo/empty/{since} 409"),
            "GET /repos/octo/private 304".to_owned(),
            format!("GET /repos/octo/private/{since} 304"),
            "GET /repos/octo/nowhere 404".to_owned(),
        ]
    );
    let told = &hub.told()[1];
    assert_eq!(told[0], "amber CODE_REPO PASSED 100", "by what was told before");
    assert_eq!(told[1], "blue CODE_REPO FAILED 38", "half an hour later the last is not recent any more");
    assert_eq!(told[2], "coral CODE_REPO PASSED 100", "one more commit");

    let kept = ask::texts(database, "SELECT facts FROM conditional_answers", vec![]).await.join(" ");
    assert!(!kept.contains("octocat") && !kept.contains("example.org"), "no person is in the records: {kept}");
}

async fn a_limit_that_is_used_up_leaves_what_was_known_and_says_from_when(database: &TestDatabase) {
    let (hub, fake) = (HubFake::start(TEAMS[..3].iter().copied()).await, github().await);
    fire(database, &hub, &fake, half_hour(0)).await;
    hub.set("denim", "Repo", "https://github.com/new/name");
    fake.new_calls();
    // What has not changed costs nothing; the one request that is left tells amber's new commit.
    fake.pushes("octo/busy", half_hour(1), 8);
    fake.leaves(3, at("2026-11-08T10:10:00Z"));
    let fired = fire(database, &hub, &fake, half_hour(1)).await;
    assert_eq!(fake.left(), Some(0));
    assert_eq!(fake.new_calls().len(), 4, "amber's repository and three pages, and nobody else's");
    let said = reasons(database, fired.run).await;
    let outdated = "as of 2026-11-08 09:00 UTC, because GitHub's rate limit is used up until 2026-11-08 10:10 UTC";
    assert_eq!(said["amber"], "251 commits since the start, the last within 24 hours");
    assert_eq!(said["blue"], format!("2 commits since the start, the last not within 24 hours; {outdated}"));
    assert_eq!(said["coral"], format!("1 commit since the start, the last within 24 hours; {outdated}"));
    assert_eq!(said["denim"], "GitHub's rate limit is used up until 2026-11-08 10:10 UTC");
    let told: Vec<_> = hub.told()[1].iter().map(|told| told.split(' ').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(told, ["amber", "blue", "coral"], "of denim nothing is known, so nothing is told");

    // Whoever asks before the time is told so, and asks no more.
    let fired = fire(database, &hub, &fake, half_hour(2)).await;
    assert_eq!(fake.new_calls().len(), 1, "a new process learns it by its first request");
    let said = reasons(database, fired.run).await;
    let as_of = "as of 2026-11-08 09:30 UTC, because GitHub's rate limit is used up until 2026-11-08 10:10 UTC";
    assert_eq!(said["amber"], format!("251 commits since the start, the last within 24 hours; {as_of}"));

    fake.leaves_enough();
    let fired = fire(database, &hub, &fake, half_hour(3)).await;
    let said = reasons(database, fired.run).await;
    assert_eq!(said["coral"], "1 commit since the start, the last within 24 hours");
    assert_eq!(said["denim"], "3 commits since the start, the last not within 24 hours");
}

async fn while_github_is_away_what_was_known_stands_and_nobody_waits_for_it_team_by_team(database: &TestDatabase) {
    let slugs: Vec<String> = (10..40).map(|n| format!("team-{n}")).collect();
    let repositories: Vec<String> = (10..40).map(|n| format!("https://github.com/octo/r{n}")).collect();
    let variables: Vec<[(&str, &str); 1]> = repositories.iter().map(|url| [("Repo", url.as_str())]).collect();
    let hub = HubFake::start(slugs.iter().zip(&variables).map(|(slug, set)| (slug.as_str(), &set[..]))).await;
    let fake = GitHubFake::start().await;
    for n in 10..40 {
        fake.has(&format!("octo/r{n}"), &commits(2, half_hour(0)));
    }
    fire(database, &hub, &fake, half_hour(0)).await;
    fake.new_calls();
    fake.does(|_, _| Behaviour::Fail(502));
    let fired = fire(database, &hub, &fake, half_hour(1)).await;
    assert_eq!(fake.new_calls().len(), 20, "then it is left alone");
    let said = reasons(database, fired.run).await;
    let reason = "2 commits since the start, the last within 24 hours; as of 2026-11-08 09:00 UTC, because GitHub did \
                  not answer";
    assert!(said.len() == 30 && said.values().all(|said| said == reason), "{said:?}");
}

async fn a_repository_that_is_gone_is_not_judged_by_what_was_known(database: &TestDatabase) {
    let (hub, fake) = (HubFake::start(TEAMS[1..2].iter().copied()).await, github().await);
    fire(database, &hub, &fake, half_hour(0)).await;
    fake.does(|_, _| Behaviour::Fail(404));
    fire(database, &hub, &fake, half_hour(1)).await;
    assert_eq!(hub.told(), [["blue CODE_REPO PASSED 100"], ["blue CODE_REPO NO_DATA -"]]);
}

async fn what_nobody_asks_for_in_a_month_is_forgotten(database: &TestDatabase) {
    let (hub, fake) = (HubFake::start(TEAMS[..2].iter().copied()).await, github().await);
    fire(database, &hub, &fake, half_hour(0)).await;
    hub.set("blue", "Repo", "");
    let kept = async || ask::number(database, "SELECT COUNT(*) FROM conditional_answers", vec![]).await;
    fire(database, &hub, &fake, half_hour(0) + TimeDelta::days(30)).await;
    assert_eq!(kept().await, 4, "a month later to the second");
    fire(database, &hub, &fake, half_hour(0) + TimeDelta::days(30) + TimeDelta::seconds(1)).await;
    assert_eq!(kept().await, 2, "amber's, which was asked for");
    let tokens = ask::texts(database, "SELECT measured FROM measurements", vec![]).await.join(" ");
    assert!(!tokens.contains(TOKEN));
}
