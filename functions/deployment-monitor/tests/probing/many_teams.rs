//! Whole runs of the monitor: every team has the verdict that its server deserves, whatever others do.

use std::time::{Duration, Instant};

use shared::{hackathon::Status, memory};
use tests::{
    databases::TestDatabase,
    hub_fake::{Behaviour, HubFake},
};

use crate::{
    authority::Authority,
    server::Server,
    support::{fire, quarter, verdicts},
};

const TEAMS: usize = 500;

/// How a team's server behaves: of twenty one hangs, one resets and one answers garbage; one has nothing but errors.
fn manner(team: usize) -> &'static str {
    ["hang", "reset", "garbage", "broken"].get(team % 20).copied().unwrap_or("shop")
}

/// What such a server deserves.
fn deserved(manner: &str) -> (Status, &'static str) {
    match manner {
        "hang" => (Status::Failed, "; 12 timed out"),
        "reset" => (Status::Failed, "; 12 connection reset"),
        "garbage" => (Status::Failed, "; 12 not HTTP"),
        "broken" => (Status::Failed, "; 12 status 500"),
        _ => (Status::Passed, "12 of 12 probes answered as expected, 1 of 1 critical"),
    }
}

/// What a run took.
struct Took {
    all: Duration,
    /// The mean of the slowest team that answers.
    slowest_ms: f64,
    /// The most memory that the process had.
    peak_bytes: u64,
}

/// One run over all teams.
async fn run(database: &TestDatabase, settings: &[(&str, &str)]) -> Took {
    let authority = Authority::new();
    let (plain, secure) = (Server::start().await, Server::secure(authority.server("localhost")).await);
    let url = |team: usize| {
        let path = format!("{}-{team:03}", manner(team));
        // Of those that answer at all every other does it by https.
        if team % 2 == 1 && manner(team) == "shop" {
            format!("https://localhost:{}/{path}", secure.port())
        } else {
            plain.url(&path)
        }
    };
    let teams: Vec<(String, String)> = (0..TEAMS).map(|team| (format!("team-{team:03}"), url(team))).collect();
    let variables: Vec<[(&str, &str); 1]> = teams.iter().map(|(_, url)| [("ENDPOINT_URL", &**url)]).collect();
    let roster = teams.iter().zip(&variables).map(|((slug, _), variables)| (&**slug, &variables[..]));
    let hub = HubFake::start(roster).await;
    let began = Instant::now();
    let settings = [settings, &[("PROBE_CA_FILE", authority.file())]].concat();
    let fired = fire(database, &hub, quarter(0), &settings).await;
    let all = began.elapsed();

    let verdicts = verdicts(database, fired.run).await;
    assert_eq!(verdicts.len(), TEAMS);
    for (team, past) in verdicts.iter().enumerate() {
        let (status, said) = deserved(manner(team));
        assert_eq!((&past.team, past.verdict.status), (&format!("team-{team:03}"), status), "{}", past.verdict.reason);
        assert!(past.verdict.reason.ends_with(said), "{}: {}", past.team, past.verdict.reason);
        let score = past.verdict.score.expect("it was probed");
        // How fast a busy machine answers is worth up to ten.
        let least = if past.verdict.metrics["https"] == true { 95 } else { 90 };
        assert!(
            if status == Status::Passed { (least..=least + 10).contains(&score) } else { score == 0 },
            "{}: {score}",
            past.team
        );
    }
    assert_eq!(hub.told().iter().map(Vec::len).collect::<Vec<_>>(), [TEAMS], "in one call");
    let means = verdicts.iter().filter_map(|past| past.verdict.metrics["mean_ms"].as_f64());
    Took { all, slowest_ms: means.fold(0.0, f64::max), peak_bytes: memory::peak_rss_bytes() }
}

fn report(what: &str, took: &Took) {
    let Took { all, slowest_ms, peak_bytes } = took;
    let (seconds, mebibytes) = (all.as_secs_f64(), peak_bytes >> 20);
    println!("{TEAMS} teams, {what}: {seconds:.1} s, the slowest mean {slowest_ms} ms, at most {mebibytes} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_teams_each_have_the_verdict_that_their_server_deserves_on_sqlite() {
    let database = TestDatabase::sqlite().await;
    report("a time-out of 4 s, SQLite", &run(&database, &[("HTTP_TIMEOUT", "4000")]).await);
}

/// With the time-out that operators have; the function has 300 s.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; says how much of the function's time and memory a run needs"]
async fn what_five_hundred_teams_take_with_the_default_time_out() {
    report("the default time-out, SQLite", &run(&TestDatabase::sqlite().await, &[]).await);
    report("the default time-out, MySQL", &run(&TestDatabase::mysql().await, &[]).await);
}

tests::contract!(servers_are_probed_while_the_hub_is_down_and_it_is_told_once_afterwards);

async fn servers_are_probed_while_the_hub_is_down_and_it_is_told_once_afterwards(database: &TestDatabase) {
    let server = Server::start().await;
    let (amber, blue) = (server.url("shop-amber"), server.url("broken-blue"));
    let hub = HubFake::start([
        ("amber", &[("ENDPOINT_URL", &*amber)][..]),
        ("blue", &[("ENDPOINT_URL", &*blue)]),
        ("coral", &[]),
    ])
    .await;
    let statuses = |told: &Vec<String>| -> Vec<String> {
        // Without the points, which a busy machine may miss some of.
        told.iter().filter_map(|told| told.rsplit_once(' ')).map(|(told, _)| told.to_owned()).collect()
    };
    let expected =
        ["amber DEPLOYED_SOLUTION PASSED", "blue DEPLOYED_SOLUTION FAILED", "coral DEPLOYED_SOLUTION NO_DATA"];
    fire(database, &hub, quarter(0), &[]).await;
    assert_eq!(hub.told().iter().map(statuses).collect::<Vec<_>>(), [expected]);
    assert_eq!(server.heads().len(), 24);

    hub.does(|_, _| Behaviour::Fail(503));
    fire(database, &hub, quarter(1), &[]).await;
    assert_eq!(server.heads().len(), 48, "they are probed all the same");
    assert_eq!(hub.told().len(), 1);

    hub.does(|_, _| Behaviour::Answer);
    for number in [2, 3] {
        fire(database, &hub, quarter(number), &[]).await;
    }
    assert_eq!(hub.told().iter().map(statuses).collect::<Vec<_>>(), [expected; 4], "each run's once");
}
