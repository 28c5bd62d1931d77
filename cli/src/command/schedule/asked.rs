//! The schedules that a command is about, and the moment from which on.

use std::fs;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use shared::template::{Declared, Given, Template};

use crate::{args::Asked, command::moment, exit::Misused};

/// The template of the release that this program belongs to.
const BUILT_IN: &str = include_str!("../../../../template.yaml");

/// Reads the template, fills in its parameters, and takes its schedules.
pub(super) fn schedules(asked: &Asked) -> anyhow::Result<Vec<Declared>> {
    let Some(path) = &asked.template else { return declared_in(BUILT_IN, asked) };
    let place = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(place)?;
    declared_in(&text, asked).with_context(place)
}

fn declared_in(text: &str, asked: &Asked) -> anyhow::Result<Vec<Declared>> {
    let template = Template::parse(text)?;
    if let Some((name, _)) = asked.parameters.iter().find(|(name, _)| !template.has_parameter(name)) {
        return Err(Misused(format!("--parameter {name}: the template has no such parameter")).into());
    }
    let given: Given<'_> =
        asked.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str().into())).collect();
    template.schedules(&given)
}

/// The moment that is asked about, of a schedule in `zone`.
pub(super) fn moment(asked: &Asked, zone: Tz) -> Result<DateTime<Utc>, Misused> {
    asked.at.as_deref().map_or_else(|| Ok(Utc::now()), |text| moment::at(text, zone))
}
