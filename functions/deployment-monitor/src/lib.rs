//! Whether what a team has deployed answers as it should: a plan of HTTP probes of the server that the team names.
//!
//! A team's address is a stranger's word. It is read ([`Endpoint`]), its name is resolved once, and what it leads to is
//! checked ([`AddressPolicy`]); connections are made to the addresses that were checked and to no others, whatever the name
//! says later. Every probe has a connection of its own, bounded in time and in what is read, follows nowhere, and shares
//! nothing with another team's. What it came to is measured, and judged later by a pure rule ([`Rule`]).

mod address;
mod connection;
mod deployed;
mod endpoint;
mod exchange;
mod fault;
mod measured;
mod plan;
mod prober;
mod reason;
mod resolve;
mod rules;
mod score;

use std::sync::Arc;

use shared::{
    config::ProbeSettings,
    hackathon::{Criterion, Monitoring, PagedJob},
};

pub use self::{
    address::{AddressPolicy, Reserved},
    deployed::Deployed,
    endpoint::{Endpoint, Unprobed},
    fault::Fault,
    measured::{Answered, Got, Measured},
    plan::{Condition, JsonKind, Probe},
    prober::Prober,
    resolve::{Resolver, SystemResolver},
    rules::{BUILT_IN, Limits, Rules},
    score::{Points, Rule, Tally, Tier},
};

/// The function's name and that of its job.
pub const JOB: &str = "deployment-monitor";

/// The monitor, where it is switched on.
///
/// # Errors
/// When its rules or its certificates cannot be read.
pub fn monitor(monitoring: &Monitoring, probes: &ProbeSettings) -> anyhow::Result<Option<Arc<dyn PagedJob>>> {
    if !monitoring.is_on(Criterion::DeployedSolution) {
        return Ok(None);
    }
    let rules = probes.rules.read(BUILT_IN, Rules::check)?;
    let prober = Prober::new(probes, rules.limits, Arc::new(SystemResolver))?;
    Ok(Some(monitoring.job(Deployed { prober, rules })))
}
