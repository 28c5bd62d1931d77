//! The function's own binary, as Lambda runs it.

use serde_json::{Value, json};
use tests::{
    ask,
    aws_fake::AwsFake,
    databases::TestDatabase,
    github_fake::{APP, APP_KEY, GitHubFake, TOKEN},
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

/// A firing half an hour later than the event's, and so on.
fn later(half_hours: u32) -> Value {
    json!({"scheduled_time": format!("2026-11-08T{:02}:30:00Z", 9 + half_hours)})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_or_an_apps_key_that_is_kept_as_a_secret_is_read_and_read_again_when_it_is_refused() {
    const ARN: &str = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:github-AbCdEf";
    let (database, hub, github) = (TestDatabase::sqlite().await, hub().await, github().await);
    let aws = AwsFake::start().await;
    github.installs(&["octo"], "2099-01-01T00:00:00Z".parse().expect("a moment"));
    let on = [&on(&database, &hub, &github)[..], &aws.environment()].concat();
    aws.set_secret(ARN, "ghp_of_last_year");
    let by_token = [("GITHUB_TOKEN_SECRET", ARN.to_owned())];
    let mut function = start(&[&on[..], &by_token].concat()).await;
    assert!(matches!(function.invoke(later(0)).await, Answer::Response(_)));
    assert_eq!(hub.told(), Vec::<Vec<String>>::new(), "nothing is known, so nothing is told");
    aws.set_secret(ARN, TOKEN);
    assert!(matches!(function.invoke(later(1)).await, Answer::Response(_)));
    assert_eq!(hub.told(), [["amber CODE_REPO PASSED 100"]]);
    assert!(!function.output().contains("ghp_"));

    aws.set_secret(ARN, APP_KEY);
    let by_app = [("GITHUB_APP_ID", APP.to_string()), ("GITHUB_APP_KEY_SECRET", ARN.to_owned())];
    let mut function = start(&[&on[..], &by_app].concat()).await;
    github.new_calls();
    assert!(matches!(function.invoke(later(2)).await, Answer::Response(_)));
    assert_eq!(hub.told().len(), 2);
    assert_eq!(github.new_calls()[..2].concat().matches("installation").count(), 2, "it asks as the app");
    assert_eq!((hub.faults(), github.faults()), (Vec::new(), Vec::new()));
    let output = function.output();
    assert!(!output.contains("ghs_") && !output.contains("PRIVATE KEY"), "{output}");
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
