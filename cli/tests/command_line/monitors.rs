//! `almanac run` of a hackathon's monitors.

use serde_json::json;
use tests::{
    github_fake::GitHubFake,
    hub_fake::{self, HubFake},
};

use crate::support::machine::Machine;

#[tokio::test]
async fn a_monitor_that_is_on_judges_and_tells_the_hub_and_one_that_is_off_says_how_to_switch_it_on() {
    let hub = HubFake::start([("amber", &[("MONEY_SPEND", "3")][..]), ("blue", &[("MONEY_SPEND", "1")])]).await;
    let ending = Machine::bare().run(&["run", "judge-score"]).await;
    assert_eq!(ending.code, 2, "{ending:?}");
    assert!(ending.err.contains("judge-score is switched off: JUDGE_SCORE_ENABLED=true"), "{ending:?}");

    let machine =
        hub_fake::settings(&hub).into_iter().fold(Machine::bare(), |machine, (name, value)| machine.set(name, value));
    let ending = machine.run(&["run", "cost-tracking", "--json"]).await;
    assert_eq!(ending.code, 0, "{ending:?}");
    let line = ending.json_of(0);
    assert_eq!([&line["status"], &line["planned"], &line["sent"]], [&json!("completed"), &json!(2), &json!(2)]);
    assert_eq!(hub.told(), [["amber BUDGET_TRACKING PASSED 5", "blue BUDGET_TRACKING PASSED 30"]]);

    let report = machine.run(&["run", "cost-tracking", "--at", "2026-11-08T10:00"]).await;
    let place = report.out.lines().find_map(|line| line.trim().strip_prefix("report")).expect("a report").trim();
    let page = std::fs::read_to_string(place).expect("it is written");
    assert!(page.contains("no team has spent less"), "{page}");
    let ending = machine.run(&["run", "cost-tracking", "--dry-run"]).await;
    assert_eq!(ending.code, 2, "{ending:?}");
}

#[tokio::test]
async fn the_monitor_of_repositories_asks_github_as_the_settings_say() {
    let hub = HubFake::start([("amber", &[("Repo", "https://github.com/octo/api")][..])]).await;
    let (github, now) = (GitHubFake::start().await, chrono::Utc::now());
    github.has("octo/api", &[(now, 7), (now, 8)]);
    let own = [
        ("GIT_MONITOR_ENABLED", "true".to_owned()),
        ("HACKATHON_START", "2020-01-01T00:00:00Z".to_owned()),
        ("GITHUB_API_URL", github.url()),
    ];
    let settings = hub_fake::settings(&hub).into_iter().chain(own);
    let machine = settings.fold(Machine::bare(), |machine, (name, value)| machine.set(name, value));
    let ending = machine.run(&["run", "git-monitor", "--json"]).await;
    assert_eq!(ending.code, 0, "{ending:?}");
    assert_eq!(hub.told(), [["amber CODE_REPO PASSED 100"]]);
    assert_eq!(github.faults(), Vec::<String>::new());
}
