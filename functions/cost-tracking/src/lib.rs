//! What teams spend, and what the judges gave: two monitors that read a figure from each team's variables at the Hub, and
//! tell it how that is to be judged.
//!
//! Neither looks anywhere else. The budget takes two passes: what every team has spent is collected first, because each
//! one's points depend on all; then all are judged together.

mod budget;
mod figure;
mod judges;
mod rules;

use std::sync::Arc;

use shared::{
    clock::Clock,
    config::{HubSettings, MonitorSettings},
    hackathon::{Criterion, Measure, Monitor, hub::Hub},
    records::Records,
    run::job::Job,
};

pub use self::{
    budget::Budget,
    figure::Figure,
    judges::Judges,
    rules::{BudgetRule, JudgesRule, Rules},
};
pub use shared::hackathon::WHEN_MISSED;

/// The function's name, and that of the job which judges budgets. The judges' is [`Criterion::JudgeScore`]'s.
pub const JOB: &str = "cost-tracking";

/// What this function judges by.
pub const CRITERIA: [Criterion; 2] = [Criterion::BudgetTracking, Criterion::JudgeScore];

/// The monitors among these that are switched on.
pub fn monitors(
    settings: &MonitorSettings,
    records: &Records,
    clock: &Clock,
    hub: &Arc<Hub>,
    rules: Rules,
) -> Vec<Arc<dyn Job>> {
    let Some(at) = &settings.hub else { return Vec::new() };
    let stand = Stand { settings, at, records, clock, hub };
    let monitor = |criterion: &Criterion| match criterion {
        Criterion::BudgetTracking => Some(stand.job(Budget(rules.budget))),
        Criterion::JudgeScore => Some(stand.job(Judges(rules.judges))),
        _ => None,
    };
    settings.enabled.iter().filter_map(monitor).collect()
}

/// What each of them stands on.
struct Stand<'a> {
    settings: &'a MonitorSettings,
    at: &'a HubSettings,
    records: &'a Records,
    clock: &'a Clock,
    hub: &'a Arc<Hub>,
}

impl Stand<'_> {
    fn job<M: Measure + 'static>(&self, measure: M) -> Arc<dyn Job> {
        Arc::new(Monitor {
            measure,
            records: self.records.clone(),
            clock: self.clock.clone(),
            hub: self.hub.clone(),
            hackathon: self.at.hackathon.clone(),
            teams_at_once: self.settings.teams_at_once,
            settles_after: self.settings.settles_after,
            kept_days: self.settings.kept_days,
        })
    }
}
