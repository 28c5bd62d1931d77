//! Load tests as a real Prometheus knows them, judged by a run of each monitor.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::{TimeDelta, Utc};
use performance_monitor::monitors;
use serde_json::json;
use shared::{
    aws::Aws,
    clock::Clock,
    config::{LoadTestSettings, MonitorSettings, Values},
    hackathon::{Criterion, Past},
};
use tests::{
    databases::TestDatabase,
    hub_fake::{self, HubFake},
    monitoring,
    prometheus::PrometheusServer,
};

const TOKEN: &str = "glsa_0123456789abcdef";

/// What k6 has told of requests: test, requests as expected, others.
const REQUESTS: [(&str, u32, u32); 13] = [
    ("red-events-1000-events-9", 1_000, 0),
    // The latest of that tier, though a text before it.
    ("red-events-1000-events-10", 94_999, 5_001),
    ("red-events-5000-events-9", 950, 50),
    ("red-events-25000-events-1", 10, 10),
    ("red-archive-100000-search-1", 96, 4),
    ("red-check-authorizations-all-2", 42, 0),
    ("red-booking-9", 10, 0),
    ("red-booking-10", 90, 0),
    ("a.b-events-1000-events-1", 95, 5),
    // Of a team that is none: to a regular expression it may look like a.b.
    ("aXb-events-100000-events-2", 100, 0),
    // A slug that begins like another team's.
    ("red-2-events-100000-events-3", 100, 0),
    ("a.b-check-authorizations-all-1", 41, 0),
    ("a.b-booking-1", 10, 0),
];

/// The other counters: name, test, value.
const COUNTERS: [(&str, &str, u32); 10] = [
    ("k6_checks_total", "red-check-authorizations-all-2", 100),
    ("k6_checks_failed_total", "red-check-authorizations-all-2", 5),
    ("k6_checks_total", "a.b-check-authorizations-all-1", 41),
    ("k6_successful_bookings_total", "red-booking-9", 10),
    ("k6_successful_bookings_total", "red-booking-10", 94),
    ("k6_failed_bookings_total", "red-booking-10", 3),
    ("k6_conflict_bookings_total", "red-booking-10", 3),
    ("k6_successful_bookings_total", "a.b-booking-1", 95),
    ("k6_conflict_bookings_total", "a.b-booking-1", 5),
    ("k6_successful_bookings_total", "red-2-booking-1", 5),
];

/// What an exporter shows of these at each look: nothing has happened at the first.
fn page(look: usize) -> String {
    let done = u32::from(look > 0);
    let requests = REQUESTS.iter().flat_map(|(test, well, ill)| {
        [("true", well), ("false", ill)].map(|(expected, count)| {
            format!("k6_http_reqs_total{{testid=\"{test}\",expected_response=\"{expected}\"}} {}\n", count * done)
        })
    });
    let counters = COUNTERS.iter().map(|(name, test, count)| format!("{name}{{testid=\"{test}\"}} {}\n", count * done));
    // Of 100 requests 90 took less than a second, all less than 3.4: 95 of them less than 2.2, as far as that can be known.
    let buckets = [("1", 90), ("3.4", 100), ("+Inf", 100)].map(|(le, count)| {
        let test = "red-events-5000-events-9";
        format!("k6_http_req_duration_seconds_bucket{{testid=\"{test}\",le=\"{le}\"}} {}\n", count * done)
    });
    requests.chain(counters).chain(buckets).collect()
}

/// Fires the monitor of a criterion now and gives its verdicts, by team.
async fn judged(
    database: &TestDatabase,
    hub: &HubFake,
    criterion: Criterion,
    settings: &[(&str, &str)],
) -> BTreeMap<String, Past> {
    let on = ["EVENT_SEARCH_ENABLED", "ARCHIVE_SEARCH_ENABLED", "AUTH_PERFORMANCE_ENABLED", "TICKET_BOOKING_ENABLED"]
        .map(|switch| (switch, "true"));
    let settings = on.iter().chain(settings).map(|(name, value)| (*name, (*value).to_owned()));
    let values = Values::gather(hub_fake::settings(hub).into_iter().chain(settings), None);
    let (settings, load_tests): (MonitorSettings, LoadTestSettings) = values.read().expect("settings");
    let clock = Clock::system();
    let monitoring = monitoring::monitoring(settings, database, &clock).await;
    let monitors = monitors(&monitoring, &load_tests, &Aws::from_environment()).await.expect("rules");
    assert_eq!(monitors.len(), 4);
    let monitor = monitors.into_iter().find(|monitor| monitor.name() == criterion.job()).expect("it is on");
    let fired = monitoring::fire(&*monitor, hub, clock.now()).await;
    let verdicts = monitoring::verdicts(database, fired.run).await;
    verdicts.into_iter().map(|past| (past.team.clone(), past)).collect()
}

async fn hub() -> HubFake {
    HubFake::start([("red", &[][..]), ("a.b", &[]), ("none", &[])]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_team_the_latest_run_of_each_tier_is_judged_by_every_criterion() {
    let (prometheus, hub, database) = (PrometheusServer::start(page).await, hub().await, TestDatabase::sqlite().await);
    let url = prometheus.url();
    let at = [("PROMETHEUS_URL", &*url), ("GRAFANA_DASHBOARD_BASE_URL", "https://grafana.example.org/d/k6")];
    let events = judged(&database, &hub, Criterion::EventSearch, &at).await;
    judged(&database, &hub, Criterion::ArchiveSearch, &at).await;
    judged(&database, &hub, Criterion::AuthPerformance, &at).await;
    judged(&database, &hub, Criterion::TicketBooking, &at).await;
    assert_eq!(
        hub.told(),
        [
            ["a.b EVENT_SEARCH PASSED 10", "none EVENT_SEARCH NO_DATA -", "red EVENT_SEARCH PASSED 20"],
            ["a.b ARCHIVE_SEARCH NO_DATA -", "none ARCHIVE_SEARCH NO_DATA -", "red ARCHIVE_SEARCH PASSED 50"],
            ["a.b AUTH_PERFORMANCE FAILED 15", "none AUTH_PERFORMANCE NO_DATA -", "red AUTH_PERFORMANCE PASSED 30"],
            ["a.b TICKET_BOOKING PASSED 30", "none TICKET_BOOKING NO_DATA -", "red TICKET_BOOKING FAILED 0"],
        ]
    );
    let red = &events["red"].verdict;
    assert_eq!(red.reason, "5000 users: 95 % of 1000 requests went well");
    assert_eq!(red.metrics["dashboard"], "https://grafana.example.org/d/k6?var-testid=red-events-25000-events-1");
    let tier = |number: usize, field: &str| red.metrics["tiers"][number][field].clone();
    assert_eq!([tier(0, "test_id"), tier(0, "run")], [json!("red-events-1000-events-10"), json!(10)]);
    let p95 = tier(1, "p95_ms").as_f64().expect("it is known");
    assert!((2_100.0..2_300.0).contains(&p95), "{p95}");
    assert_eq!(events["none"].verdict.reason, "no test within 3 days");
}

/// What Prometheus knew of a test as k6 wrote it every five seconds, until so many hours ago: ten minutes of 20 requests a
/// second, five of 80, and ten of 20 again.
fn a_test_of(hours_ago: i64) -> String {
    let begun = Utc::now() - TimeDelta::hours(hours_ago) - TimeDelta::minutes(25);
    let mut history = "# TYPE k6_http_reqs counter\n".to_owned();
    let mut done = 0;
    for second in (0..1_500).step_by(5) {
        let sample = begun.timestamp() + second;
        writeln!(history, "k6_http_reqs_total{{testid=\"red-archive-5000-search-3\"}} {done} {sample}")
            .expect("a text");
        done += 5 * if (600..900).contains(&second) { 80 } else { 20 };
    }
    history + "# EOF\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_the_day_before_counts_and_shows_the_most_requests_a_second() {
    let (prometheus, hub) = (PrometheusServer::that_remembers(&a_test_of(26)).await, hub().await);
    let (url, database) = (prometheus.url(), TestDatabase::sqlite().await);
    let red = judged(&database, &hub, Criterion::ArchiveSearch, &[("PROMETHEUS_URL", &*url)]).await.remove("red");
    let red = red.expect("judged").verdict;
    let tier = &red.metrics["tiers"][0];
    assert_eq!((&tier["run"], &tier["peak_per_second"]), (&json!(3), &json!(80.0)), "{red:?}");
    assert_eq!((tier["requests"].as_u64(), red.score), (Some(47_900), Some(20)), "{red:?}");

    let database = TestDatabase::sqlite().await;
    let prometheus = PrometheusServer::that_remembers(&a_test_of(80)).await;
    let url = prometheus.url();
    let red = judged(&database, &hub, Criterion::ArchiveSearch, &[("PROMETHEUS_URL", &*url)]).await.remove("red");
    assert_eq!(red.expect("judged").verdict.reason, "no test within 3 days");
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_must_be_fast_where_that_is_enforced_by_the_rules_in_force() {
    let (prometheus, hub, database) = (PrometheusServer::start(page).await, hub().await, TestDatabase::sqlite().await);
    let (url, folder) = (prometheus.url(), tempfile::tempdir().expect("a temporary folder"));
    let rules = include_str!("../../../infra/rules/performance-monitor.json").replace("2000", "2500");
    let file = folder.path().join("rules.json");
    std::fs::write(&file, rules).expect("writable");
    let file = file.to_str().expect("a plain path");
    let enforced = [("PROMETHEUS_URL", &*url), ("P95_THRESHOLDS_ENFORCED", "true")];
    let red = judged(&database, &hub, Criterion::EventSearch, &enforced).await.remove("red").expect("judged");
    // Two seconds are allowed. Of the other tiers' speed nothing is known.
    assert_eq!((red.verdict.score, red.verdict.status.as_str()), (Some(0), "FAILED"), "{:?}", red.verdict);

    let database = TestDatabase::sqlite().await;
    let looser = [&enforced[..], &[("PERFORMANCE_MONITOR_RULES", file)]].concat();
    let red = judged(&database, &hub, Criterion::EventSearch, &looser).await.remove("red").expect("judged");
    assert_eq!(red.verdict.score, Some(20), "{:?}", red.verdict);
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_is_asked_through_grafana_by_a_token_that_no_verdict_shows() {
    let (mut prometheus, hub, database) =
        (PrometheusServer::start(page).await, hub().await, TestDatabase::sqlite().await);
    let grafana = prometheus.behind_grafana("k6%20metrics", TOKEN).await;
    let at = [("GRAFANA_API_URL", &*grafana), ("GRAFANA_DATA_SOURCE", "k6 metrics"), ("GRAFANA_TOKEN", TOKEN)];
    let bookings = judged(&database, &hub, Criterion::TicketBooking, &at).await;
    assert_eq!(bookings["a.b"].verdict.score, Some(30));

    let database = TestDatabase::sqlite().await;
    let wrong =
        [("GRAFANA_API_URL", &*grafana), ("GRAFANA_DATA_SOURCE", "k6 metrics"), ("GRAFANA_TOKEN", "glsa_wrong")];
    let bookings = judged(&database, &hub, Criterion::TicketBooking, &wrong).await;
    assert_eq!(bookings["a.b"].verdict.reason, "Prometheus refused the query: 401");
}
