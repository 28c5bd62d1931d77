//! The schedules that a command is about, and the moment from which on.

use std::fs;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use shared::{
    config::{MonitorSettings, PlannerSettings},
    hackathon::Criterion,
    template::{Declared, Given, Template},
};

use crate::{
    args::{Asked, Which},
    command::moment,
    exit::Misused,
};

/// The template of the release that this program belongs to.
const BUILT_IN: &str = include_str!("../../../../template.yaml");

/// The schedules of the template, with its parameters filled in.
pub(super) fn schedules(asked: &Asked) -> anyhow::Result<Vec<Declared>> {
    template(&asked.which)?.schedules(&typed(&asked.which)).with_context(|| place(&asked.which))
}

/// The schedules as this machine keeps them: by the parameters that were typed, else by what its settings say, else by the
/// template's defaults.
pub(in crate::command) fn schedules_here(
    which: &Which,
    settings: &PlannerSettings,
    monitors: &MonitorSettings,
) -> anyhow::Result<Vec<Declared>> {
    let template = template(which)?;
    let on = |criteria: &[Criterion]| criteria.iter().any(|one| monitors.enabled.contains(one)).to_string().into();
    let settings = [
        ("ScheduleZone", settings.timezone.name().into()),
        ("MonthlyJobDay", settings.day.into()),
        ("MonthlyJobHour", settings.hour.into()),
        ("CostTracking", on(&[Criterion::BudgetTracking])),
        ("JudgeScore", on(&[Criterion::JudgeScore])),
        ("DeploymentMonitor", on(&[Criterion::DeployedSolution])),
        // One switch there, four here: whose monitor is off has no job here that its schedule could fire.
        ("LoadTests", on(&performance_monitor::CRITERIA)),
    ];
    let known = settings.into_iter().filter(|(name, _)| template.has_parameter(name));
    template.schedules(&known.chain(typed(which)).collect())
}

/// The parameters that were typed.
pub(in crate::command) fn typed(which: &Which) -> Given<'_> {
    which.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str().into())).collect()
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
