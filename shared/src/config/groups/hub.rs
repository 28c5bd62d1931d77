//! What hackathon monitors need.

use std::time::Duration;

use super::super::kinds::{BaseUrl, Kind, SecretArn, SecretName, Token};
use super::super::reader::{Group, Reader};
use super::super::rules_file::RulesFile;
use super::super::setting::Setting;
use super::super::table::{
    API_BASE_URL, API_RETRIES, API_TIMEOUT, COST_TRACKING_RULES, CRITERIA_SETTLE_AFTER, HACKATHON_ID,
    MAX_CONCURRENT_JOBS, RATE_LIMIT_PER_MINUTE, SERVICE_API_KEY, SERVICE_API_KEY_SECRET, VERDICT_RETENTION_DAYS,
    switch_of,
};
use crate::hackathon::{Criterion, http::FIRST_WAIT, hub::Manners};

/// Where the key to a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenAt {
    /// Here.
    Setting(Token),
    /// In what keeps secrets.
    Secret(SecretArn),
}

/// The Hub, and which hackathon it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// Where it is.
    pub base_url: BaseUrl,
    /// Where the key to it is.
    pub key: TokenAt,
    /// How to speak to it.
    pub manners: Manners,
    /// The hackathon, as it names it.
    pub hackathon: String,
}

/// What the monitors need. Those that are switched off need nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorSettings {
    /// The Hub, where any monitor is switched on.
    pub hub: Option<HubSettings>,
    /// The criteria whose monitors are switched on.
    pub enabled: Vec<Criterion>,
    /// How many teams are looked at together.
    pub teams_at_once: usize,
    /// How many runs in a row must say the same of a team whose status changes to and fro before the Hub is told.
    pub settles_after: usize,
    /// How many days verdicts are kept.
    pub kept_days: u32,
}

impl Group for MonitorSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let switches = Criterion::ALL.map(|criterion| (criterion, reader.value(switch_of(criterion))));
        let enabled: Vec<_> =
            switches.iter().filter(|(_, on)| *on == Some(true)).map(|(criterion, _)| *criterion).collect();
        let hub = hub(reader, !enabled.is_empty());
        let teams_at_once = reader.value(&MAX_CONCURRENT_JOBS);
        let (settles_after, kept_days) = (reader.value(&CRITERIA_SETTLE_AFTER), reader.value(&VERDICT_RETENTION_DAYS));
        switches.iter().all(|(_, on)| on.is_some()).then_some(())?;
        Some(Self {
            hub: hub?,
            enabled,
            teams_at_once: teams_at_once? as usize,
            settles_after: settles_after? as usize,
            kept_days: kept_days?,
        })
    }
}

/// What the monitors of budgets and judges' scores need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSettings {
    /// What they judge by.
    pub rules: RulesFile,
}

impl Group for CostSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { rules: RulesFile::named_by(reader, &COST_TRACKING_RULES)? })
    }
}

/// The Hub's settings. What is set is read in any case; what is not is only missed when the Hub is needed.
fn hub(reader: &mut Reader<'_>, needed: bool) -> Option<Option<HubSettings>> {
    let (timeout, retries) = (reader.value(&API_TIMEOUT), reader.value(&API_RETRIES));
    let per_minute = reader.value(&RATE_LIMIT_PER_MINUTE);
    if !needed {
        let (base_url, key) = (reader.optional(&API_BASE_URL), reader.optional(&SERVICE_API_KEY));
        let (secret, hackathon) = (reader.optional(&SERVICE_API_KEY_SECRET), reader.optional(&HACKATHON_ID));
        let right = timeout.is_some() && retries.is_some() && per_minute.is_some();
        let right = right && base_url.is_some() && key.is_some() && secret.is_some() && hackathon.is_some();
        return right.then_some(None);
    }
    let (base_url, hackathon) = (reader.value(&API_BASE_URL), reader.value(&HACKATHON_ID));
    let key = token_at(reader, &SERVICE_API_KEY, &SERVICE_API_KEY_SECRET);
    let manners = Manners {
        timeout: Duration::from_millis(timeout?.into()),
        retries: retries?,
        per_minute: per_minute?,
        first_wait: FIRST_WAIT,
    };
    Some(Some(HubSettings { base_url: base_url?, key: key?, manners, hackathon: hackathon? }))
}

/// The place of a key that must be there: its own setting, or the secret in place of it.
pub(super) fn token_at<K: Kind<Value = Token>>(
    reader: &mut Reader<'_>,
    setting: &Setting<K>,
    secret: &Setting<SecretName>,
) -> Option<TokenAt> {
    match reader.optional(secret) {
        Some(Some(arn)) => reader.optional(setting).map(|_| TokenAt::Secret(arn)),
        Some(None) => reader.value(setting).map(TokenAt::Setting),
        None => None,
    }
}
