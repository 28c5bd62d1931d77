//! What load tests of teams' systems came to: four monitors that read the totals which k6 has written to Prometheus.
//!
//! For each team, Prometheus is asked which tests it knows ([`IdPattern`]); of each tier the latest run counts. Then what
//! those came to is read, and judged by a pure rule ([`Rules`]): nothing here makes a test run.

mod judge;
mod load_test;
mod prometheus;
mod rules;
mod test_ids;

use std::sync::Arc;

use anyhow::Context as _;
use shared::{
    aws::Aws,
    config::LoadTestSettings,
    credential::Credential,
    hackathon::{Criterion, Monitoring, PagedJob},
};
use tokio::sync::Semaphore;

pub use self::{
    load_test::{LoadTests, Measured, Test},
    prometheus::{Prometheus, PrometheusError, Window},
    rules::{AuthRule, BookingRule, Rule, Rules, Tier, TierRule},
    test_ids::{IdPattern, InvalidPattern, TestId},
};
pub use shared::hackathon::WHEN_MISSED;

/// The function's name. Its jobs are called after their criteria.
pub const FUNCTION: &str = "performance-monitor";

/// What this function judges by.
pub const CRITERIA: [Criterion; 4] =
    [Criterion::EventSearch, Criterion::ArchiveSearch, Criterion::AuthPerformance, Criterion::TicketBooking];

/// How many teams' queries are under way at once: a Prometheus runs twenty queries at a time by default, and others ask too.
const TEAMS_AT_ONCE: usize = 10;

/// The monitors among these that are switched on.
///
/// # Errors
/// When the rules cannot be read, or no client can be made.
pub async fn monitors(
    monitoring: &Monitoring,
    settings: &LoadTestSettings,
    aws: &Aws,
) -> anyhow::Result<Vec<Arc<dyn PagedJob>>> {
    let Some(prometheus) = &settings.prometheus else { return Ok(Vec::new()) };
    let rules: Rules = settings.rules.read(rules::BUILT_IN, Rules::check)?;
    let key = match &settings.token {
        Some(token) => Some(Credential::at(token, aws).await?),
        None => None,
    };
    let prometheus = Prometheus::new(settings, prometheus, key).context("the client of Prometheus")?;
    let (prometheus, at_once) = (Arc::new(prometheus), Arc::new(Semaphore::new(TEAMS_AT_ONCE)));
    let monitor = |criterion: Criterion| {
        Some(monitoring.job(LoadTests {
            criterion,
            rule: rules.of(criterion)?,
            window_days: rules.window_days,
            enforce_p95: settings.enforce_p95,
            dashboards: settings.dashboards.clone(),
            prometheus: prometheus.clone(),
            clock: monitoring.clock.clone(),
            at_once: at_once.clone(),
        }))
    };
    Ok(CRITERIA.into_iter().filter(|criterion| monitoring.is_on(*criterion)).filter_map(monitor).collect())
}
