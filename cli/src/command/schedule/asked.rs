//! The schedules that a command is about, and the moment from which on.

use std::fs;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use shared::template::{Declared, Given, Template};

use crate::{
    args::{Asked, Which},
    command::moment,
    exit::Misused,
};

/// The template of the release that this program belongs to.
const BUILT_IN: &str = include_str!("../../../../template.yaml");

/// The schedules of the template, with its parameters filled in.
pub(super) fn schedules(asked: &Asked) -> anyhow::Result<Vec<Declared>> {
    let given: Given<'_> =
        asked.which.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str().into())).collect();
    template(&asked.which)?.schedules(&given).with_context(|| place(&asked.which))
}

/// Reads the template, which must have the parameters that were typed.
pub(in crate::command) fn template(which: &Which) -> anyhow::Result<Template> {
    let template = match &which.template {
        Some(path) => fs::read_to_string(path).map_err(anyhow::Error::from).and_then(|text| Template::parse(&text)),
        None => Template::parse(BUILT_IN),
    };
    let template = template.with_context(|| place(which))?;
    if let Some((name, _)) = which.parameters.iter().find(|(name, _)| !template.has_parameter(name)) {
        return Err(Misused(format!("--parameter {name}: the template has no such parameter")).into());
    }
    Ok(template)
}

fn place(which: &Which) -> String {
    which.template.as_ref().map_or_else(|| "the template".to_owned(), |path| path.display().to_string())
}

/// The moment that is asked about, of a schedule in `zone`.
pub(super) fn moment(asked: &Asked, zone: Tz) -> Result<DateTime<Utc>, Misused> {
    asked.at.as_deref().map_or_else(|| Ok(Utc::now()), |text| moment::at(text, zone))
}
