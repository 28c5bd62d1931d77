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
    config::CostSettings,
    hackathon::{Criterion, Monitoring, PagedJob},
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
///
/// # Errors
/// When their rules cannot be read.
pub fn monitors(monitoring: &Monitoring, settings: &CostSettings) -> anyhow::Result<Vec<Arc<dyn PagedJob>>> {
    let rules: Rules = settings.rules.read(rules::BUILT_IN, Rules::check)?;
    let mut monitors = Vec::new();
    if monitoring.is_on(Criterion::BudgetTracking) {
        monitors.push(monitoring.job(Budget(rules.budget)));
    }
    if monitoring.is_on(Criterion::JudgeScore) {
        monitors.push(monitoring.job(Judges(rules.judges)));
    }
    Ok(monitors)
}
