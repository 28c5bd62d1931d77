//! The function's own binary, as Lambda runs it.

use serde_json::{Value, json};
use tests::{
    ask,
    databases::TestDatabase,
    github_fake::{APP_KEY, GitHubFake, TOKEN},
    hub_fake::{self, HubFake, KEY},
    lambda_host::{Answer, LambdaHost},
};

const FUNCTION: &str = "git-monitor";
const EVENT: &str = include_str!("../../../events/git-monitor.json");

async fn start(settings: &[(&str, String)]) -> LambdaHost {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_git-monitor"), settings).await.expect("the binary starts")
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

/// Settings by which the monitor is on.
fn on(database: &TestDatabase, hub: &HubFake, github: &GitHubFake) -> Vec<(&'static str, String)> {
    let own = [
        ("DATABASE_URL", database.url()),
        ("GIT_MONITOR_ENABLED", "true".to_owned()),
        ("HACKATHON_START", "2026-11-07T09:00:00+01:00".to_owned()),
        ("GITHUB_API_URL", github.url()),
    ];
    own.into_iter().chain(hub_fake::settings(hub)).collect()
}

async fn hub() -> HubFake {
    HubFake::start([("amber", &[("Repo", "https://github.com/octo/api")][..])]).await
}

async fn github() -> GitHubFake {
    let github = GitHubFake::start().await;
    let commits = ["2026-11-08T09:00:00Z", "2026-11-07T08:00:00Z"].map(|at| (at.parse().expect("a moment"), 7));
    github.has_private("octo/api", &commits);
    github
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_event_judges_teams_by_their_commits_and_no_log_shows_the_token() {
    let (database, hub, github) = (TestDatabase::sqlite().await, hub().await, github().await);
    let settings = [&on(&database, &hub, &github)[..], &[("GITHUB_TOKEN", TOKEN.to_owned())]].concat();
    let mut function = start(&settings).await;
    let judged = json!({"run": 1, "key": "2026-11-08T09:30:00", "met": "opened", "plan_complete": true});
    assert_eq!(function.invoke(event()).await, Answer::Response(judged));
    let asked = json!({"source": "almanac", "detail-type": "run-requested",
        "detail": {"version": 1, "job": "git-monitor", "scheduled_time": "2026-11-08T09:30:00Z"}});
    let Answer::Response(again) = function.invoke(asked).await else { panic!("the same firing") };
    assert_eq!([&again["run"], &again["met"]], [&json!(1), &json!("closed")]);
    assert_eq!(hub.told(), [["amber CODE_REPO PASSED 100"]]);
    assert_eq!((hub.faults(), github.faults()), (Vec::new(), Vec::new()));
    let other = json!({"met": "switched off", "criterion": "JUDGE_SCORE"});
    let asked = json!({"scheduled_time": "2026-11-08T09:30:00Z", "criterion": "JUDGE_SCORE"});
    assert_eq!(function.invoke(asked).await, Answer::Response(other), "another function's");
    let output = function.output();
    assert!(!output.contains(KEY) && !output.contains(TOKEN), "no key is in any log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_is_switched_off_does_nothing_and_needs_nothing() {
    let database = TestDatabase::sqlite().await;
    let mut function = start(&[("DATABASE_URL", database.url())]).await;
    let off = json!({"met": "switched off", "criterion": "CODE_REPO"});
    assert_eq!(function.invoke(event()).await, Answer::Response(off));
    assert_eq!(ask::number(&database, "SELECT COUNT(*) FROM runs", vec![]).await, 0);
}

#[tokio::test]
async fn whatever_is_missing_or_wrong_is_named_at_the_start() {
    let (database, hub, github) = (TestDatabase::sqlite().await, hub().await, github().await);
    let on = on(&database, &hub, &github);
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.display().to_string()
    };
    let rules = written("rules.json", "{\"passed_commits\": true}");
    let no_key = written("app.pem", &APP_KEY.replace("KEY-----", "DOG-----"));
    for (name, value, said) in [
        ("HACKATHON_START", String::new(), "HACKATHON_START"),
        ("HACKATHON_START", "yesterday".to_owned(), "RFC 3339"),
        ("GIT_MONITOR_RULES", rules, "passed_commits: invalid type: boolean `true`, expected u32"),
        ("GITHUB_APP_ID", "77".to_owned(), "GITHUB_APP_KEY"),
        ("GITHUB_APP_KEY", no_key.clone(), "GITHUB_APP_ID"),
        ("GITHUB_API_URL", "http://github.example.org".to_owned(), "GITHUB_API_URL"),
    ] {
        let settings = [&on[..], &[(name, value)]].concat();
        let (status, output) = start(&settings).await.end().await;
        assert!(!status.success() && output.contains(said), "{name}: {output}");
    }
    for (others, said) in [
        ([("GITHUB_APP_ID", "77"), ("GITHUB_TOKEN", TOKEN)], "stands beside a token"),
        ([("GITHUB_APP_ID", "77"), ("GITHUB_APP_KEY", &no_key)], "expected the RSA private key of a GitHub App"),
    ] {
        let others = others.map(|(name, value)| (name, value.to_owned()));
        let (status, output) = start(&[&on[..], &others].concat()).await.end().await;
        assert!(!status.success() && output.contains(said), "{output}");
        assert!(!output.contains(TOKEN));
    }
}
