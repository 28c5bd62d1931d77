//! What monitors of load tests need.

use std::time::Duration;

use super::super::kinds::BaseUrl;
use super::super::reader::{Group, Reader};
use super::super::rules_file::RulesFile;
use super::super::table::{
    ARCHIVE_SEARCH_ENABLED, AUTH_PERFORMANCE_ENABLED, EVENT_SEARCH_ENABLED, GRAFANA_API_URL,
    GRAFANA_DASHBOARD_BASE_URL, GRAFANA_DATA_SOURCE, GRAFANA_TOKEN, GRAFANA_TOKEN_SECRET, HTTP_TIMEOUT,
    P95_THRESHOLDS_ENFORCED, PERFORMANCE_MONITOR_RULES, PROMETHEUS_URL, TICKET_BOOKING_ENABLED, USER_AGENT,
};
use super::hub::TokenAt;

/// Where Prometheus is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrometheusAt {
    /// At its own address.
    Direct(BaseUrl),
    /// Through Grafana.
    Grafana {
        /// Grafana's address.
        base: BaseUrl,
        /// The UID of its data source.
        source: String,
    },
}

/// What monitors of load tests need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadTestSettings {
    /// Where Prometheus is asked, where any of them is switched on.
    pub prometheus: Option<PrometheusAt>,
    /// By what token; by none where none is needed.
    pub token: Option<TokenAt>,
    /// Where tests are shown to people.
    pub dashboards: Option<BaseUrl>,
    /// Whether tests must be fast to pass.
    pub enforce_p95: bool,
    /// How long one query may take.
    pub timeout: Duration,
    /// What queries call their sender.
    pub user_agent: String,
    /// What they judge by.
    pub rules: RulesFile,
}

impl Group for LoadTestSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let switches =
            [&EVENT_SEARCH_ENABLED, &ARCHIVE_SEARCH_ENABLED, &AUTH_PERFORMANCE_ENABLED, &TICKET_BOOKING_ENABLED]
                .map(|switch| reader.value(switch));
        let prometheus = prometheus(reader, switches.contains(&Some(true)));
        let (token, kept) = (reader.optional(&GRAFANA_TOKEN), reader.optional(&GRAFANA_TOKEN_SECRET));
        let (dashboards, enforce_p95) =
            (reader.optional(&GRAFANA_DASHBOARD_BASE_URL), reader.value(&P95_THRESHOLDS_ENFORCED));
        let (timeout, user_agent) = (reader.value(&HTTP_TIMEOUT), reader.value(&USER_AGENT));
        let rules = RulesFile::named_by(reader, &PERFORMANCE_MONITOR_RULES);
        Some(Self {
            prometheus: prometheus?,
            token: kept?.map(TokenAt::Secret).or(token?.map(TokenAt::Setting)),
            dashboards: dashboards?,
            enforce_p95: enforce_p95?,
            timeout: Duration::from_millis(timeout?.into()),
            user_agent: user_agent?,
            rules: rules?,
        })
    }
}

fn prometheus(reader: &mut Reader<'_>, needed: bool) -> Option<Option<PrometheusAt>> {
    let (direct, grafana) = (reader.optional(&PROMETHEUS_URL), reader.optional(&GRAFANA_API_URL));
    let source = reader.value(&GRAFANA_DATA_SOURCE);
    match (direct?, grafana?, source?) {
        (Some(_), Some(_), _) => {
            reader.misfit(&PROMETHEUS_URL, "stands beside GRAFANA_API_URL: set one of the two");
            None
        }
        (Some(url), None, _) => Some(Some(PrometheusAt::Direct(url))),
        (None, Some(base), source) => Some(Some(PrometheusAt::Grafana { base, source })),
        (None, None, _) if needed => reader.value(&PROMETHEUS_URL).map(|url| Some(PrometheusAt::Direct(url))),
        (None, None, _) => Some(None),
    }
}
