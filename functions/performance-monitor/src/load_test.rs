//! Measuring: which tests of a team count, and what they came to.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    clock::Clock,
    config::BaseUrl,
    hackathon::{Criterion, Measure, Team, Verdict},
};
use tokio::sync::Semaphore;

use crate::{
    Rule, TestId,
    prometheus::{Prometheus, PrometheusError, Window, of_tests},
};

/// A monitor of load tests, by one criterion.
#[derive(Debug, Clone)]
pub struct LoadTests {
    /// The criterion.
    pub criterion: Criterion,
    /// Its rule.
    pub rule: Rule,
    /// How many days back a test counts.
    pub window_days: u32,
    /// Whether tests must be fast as well.
    pub enforce_p95: bool,
    /// Where tests are shown to people.
    pub dashboards: Option<BaseUrl>,
    /// Who knows what tests came to.
    pub prometheus: Arc<Prometheus>,
    /// The business clock.
    pub clock: Clock,
    /// How many teams' queries are under way at once.
    pub at_once: Arc<Semaphore>,
}

/// What is known of a team's tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// What the tests that count came to; none, where there were none.
    Tests(Vec<Test>),
    /// Prometheus could not be asked, and why.
    Unknown(String),
}

/// What a load test came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Its id.
    pub id: String,
    /// How many users it played.
    pub users: Option<u64>,
    /// The number of the run.
    pub run: u64,
    /// How many requests it made.
    pub requests: u64,
    /// How many of them were answered otherwise than expected.
    pub failed: u64,
    /// What 95 of 100 requests were faster than, in milliseconds.
    pub p95_ms: Option<f64>,
    /// The most requests a second.
    pub peak_per_second: Option<f64>,
    /// What else its rule counts, by the rule's names for it.
    pub counters: BTreeMap<String, u64>,
}

impl Test {
    /// How many requests were answered as expected.
    pub fn well(&self) -> u64 {
        self.requests.saturating_sub(self.failed)
    }

    /// What its rule counts under that name; nothing that was counted is 0.
    pub fn counted(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Measure for LoadTests {
    type Measured = Measured;

    fn criterion(&self) -> Criterion {
        self.criterion
    }

    fn variables(&self) -> &'static [&'static str] {
        &[]
    }

    async fn measure(&self, team: &Team) -> Measured {
        // It is closed by nobody.
        let _place = self.at_once.acquire().await;
        match self.tests_of(&team.slug).await {
            Ok(tests) => Measured::Tests(tests),
            Err(error) => Measured::Unknown(error.to_string()),
        }
    }

    fn judge(&self, measured: &[Measured], _: DateTime<Utc>) -> Vec<Verdict> {
        measured.iter().map(|measured| self.verdict(measured)).collect()
    }
}

impl LoadTests {
    /// The team's tests that count, with what they came to.
    async fn tests_of(&self, slug: &str) -> Result<Vec<Test>, PrometheusError> {
        let pattern = self.rule.test_ids();
        let window = Window { until: self.clock.now(), days: self.window_days };
        let ids = self.prometheus.test_ids(&pattern.regex_of(slug), window).await?;
        let latest = pattern.latest(slug, &ids);
        if latest.is_empty() {
            return Ok(Vec::new());
        }
        let which = of_tests(latest.iter().map(|test| &*test.id));
        let found = Found::ask(&self.prometheus, &which, window, self.rule.counters()).await?;
        Ok(latest.into_iter().map(|test| found.test(test)).collect())
    }
}

/// What Prometheus knows of some tests, by their ids.
struct Found {
    requests: BTreeMap<String, f64>,
    failed: BTreeMap<String, f64>,
    p95_seconds: BTreeMap<String, f64>,
    peaks: BTreeMap<String, f64>,
    counters: Vec<(&'static str, BTreeMap<String, f64>)>,
}

impl Found {
    async fn ask(
        prometheus: &Prometheus,
        which: &str,
        Window { until, days }: Window,
        counters: &'static [(&'static str, &'static str)],
    ) -> Result<Self, PrometheusError> {
        // A test that is over has no value any more at this moment: its last one is its total.
        let total = |selector: &str| format!("sum by (testid) (last_over_time({selector}[{days}d]))");
        let requests = prometheus.by_test(&total(&format!("k6_http_reqs_total{{{which}}}")), until).await?;
        let unexpected = total(&format!("k6_http_reqs_total{{{which},expected_response=\"false\"}}"));
        let failed = prometheus.by_test(&unexpected, until).await?;
        // k6 writes native histograms or classic ones, as it is told.
        let p95 = format!(
            "histogram_quantile(0.95, sum by (testid) (rate(k6_http_req_duration_seconds{{{which}}}[{days}d]))) \
             or histogram_quantile(0.95, sum by (testid, le) \
             (rate(k6_http_req_duration_seconds_bucket{{{which}}}[{days}d])))"
        );
        let p95_seconds = prometheus.by_test(&p95, until).await?;
        let peak = format!("max_over_time(sum by (testid) (irate(k6_http_reqs_total{{{which}}}[1m]))[{days}d:60s])");
        // No verdict depends on it, so neither does it on an expensive query.
        let peaks = prometheus.by_test(&peak, until).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the most requests a second are not known");
            BTreeMap::new()
        });
        let mut counted = Vec::new();
        for (name, counter) in counters {
            counted.push((*name, prometheus.by_test(&total(&format!("{counter}{{{which}}}")), until).await?));
        }
        Ok(Self { requests, failed, p95_seconds, peaks, counters: counted })
    }

    fn test(&self, test: TestId) -> Test {
        let counters = self.counters.iter().map(|(name, values)| ((*name).to_owned(), whole(values, &test.id)));
        Test {
            requests: whole(&self.requests, &test.id),
            failed: whole(&self.failed, &test.id),
            p95_ms: self.p95_seconds.get(&test.id).map(|seconds| seconds * 1_000.0),
            peak_per_second: self.peaks.get(&test.id).copied(),
            counters: counters.collect(),
            users: test.users,
            run: test.run,
            id: test.id,
        }
    }
}

/// A counter's value; nothing that was counted is 0.
fn whole(values: &BTreeMap<String, f64>, id: &str) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast keeps to the type's range")]
    let whole = values.get(id).map_or(0, |value| value.round() as u64);
    whole
}
