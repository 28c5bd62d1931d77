//! Which hackathon a command is about.

use shared::{
    config::{MonitorSettings, Values},
    hackathon::costs::LONGEST_HACKATHON,
};

use crate::exit::Misused;

/// The hackathon that is asked for; else the one that monitors judge.
pub(super) fn meant(asked: Option<&str>, values: &Values) -> anyhow::Result<String> {
    let Some(hackathon) = asked else {
        let hub = values.read::<MonitorSettings>()?.hub;
        let unsaid = || Misused("no monitor is switched on, so say which hackathon: --hackathon ID".to_owned());
        return Ok(hub.ok_or_else(unsaid)?.hackathon);
    };
    if hackathon.is_empty() || hackathon.chars().count() > LONGEST_HACKATHON {
        return Err(Misused(format!("--hackathon must have 1 to {LONGEST_HACKATHON} characters")).into());
    }
    Ok(hackathon.to_owned())
}
