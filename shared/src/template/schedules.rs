//! The schedules that a template declares, each in the block of the function that it fires.

use std::str::FromStr;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::{Given, Template, text};
use crate::{
    hackathon::Criterion,
    run::missed::MissedPolicy,
    schedule::{DstPolicy, Schedule},
};

/// A schedule, and what the template says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The name of its function's block.
    pub function: String,
    /// The job that it fires: that of the criterion which its input names, else its function's binary; empty where that is
    /// not built from source.
    pub job: String,
    /// The name of the event in that block.
    pub name: String,
    /// The expression as it is written, parameters filled in.
    pub expression: String,
    /// When it fires.
    pub schedule: Schedule,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// `DstPolicy` in the `Metadata` of its function.
    pub policy: Option<DstPolicy>,
    /// `MissedPolicy` in the `Metadata` of its function.
    pub when_missed: Option<MissedPolicy>,
}

impl Template {
    /// Every schedule, for given parameters.
    ///
    /// Fails where one cannot be read, and where there is one of a kind that is not read here, since nothing may pass
    /// unseen.
    pub fn schedules(&self, given: &Given<'_>) -> anyhow::Result<Vec<Declared>> {
        for (id, block) in self.resources() {
            refuse_apart(block).with_context(|| id.to_owned())?;
        }
        let mut declared = Vec::new();
        for (function, block) in self.functions() {
            for (name, event) in block["Properties"]["Events"].as_object().into_iter().flatten() {
                let place = || format!("{function}, {name}");
                if is_schedule(event).with_context(place)? {
                    let read = self.declared((function, block), (name, event), given);
                    declared.push(read.with_context(place)?);
                }
            }
        }
        Ok(declared)
    }

    fn declared(
        &self,
        (function, block): (&str, &Value),
        (name, event): (&str, &Value),
        given: &Given<'_>,
    ) -> anyhow::Result<Declared> {
        let said = |property: &'static str| {
            let value = event["Properties"].get(property).map(|value| self.resolve_text(value, given));
            value.transpose().context(property)
        };
        let expression = said("ScheduleExpression")?.context("it has no ScheduleExpression")?;
        // Where nothing is said of zone and state: what EventBridge Scheduler takes.
        let zone = said("ScheduleExpressionTimezone")?.unwrap_or_else(|| "UTC".to_owned());
        let state = said("State")?.unwrap_or_else(|| "ENABLED".to_owned());
        let schedule = Schedule {
            expression: expression.parse().with_context(|| expression.clone())?,
            zone: zone.parse().ok().with_context(|| format!("{zone} is no zone of the IANA database"))?,
        };
        let job = match criterion(event)? {
            Some(criterion) => criterion.job().to_owned(),
            None => block.pointer("/Metadata/BuildProperties/Binary").and_then(text).unwrap_or_default(),
        };
        let (function, name) = (function.to_owned(), name.to_owned());
        let (policy, when_missed) = (declared_in(block, "DstPolicy")?, declared_in(block, "MissedPolicy")?);
        Ok(Declared { function, job, name, expression, schedule, state, policy, when_missed })
    }
}

/// A schedule beside the functions would fire one of them all the same.
fn refuse_apart(block: &Value) -> anyhow::Result<()> {
    let of_rule = block["Type"] == "AWS::Events::Rule" && !block["Properties"]["ScheduleExpression"].is_null();
    if of_rule || block["Type"] == "AWS::Scheduler::Schedule" {
        bail!("a schedule stands in its function's block, as an event of the type ScheduleV2");
    }
    Ok(())
}

fn is_schedule(event: &Value) -> anyhow::Result<bool> {
    match event["Type"].as_str() {
        Some("Schedule") => bail!("a rule's schedule has no zone: the type is ScheduleV2"),
        Some("ScheduleV2") => {
            // They would change when it fires.
            for unread in ["StartDate", "EndDate"] {
                if !event["Properties"][unread].is_null() {
                    bail!("{unread} is not read here");
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The criterion that a schedule's input names.
fn criterion(event: &Value) -> anyhow::Result<Option<Criterion>> {
    let Some(input) = event["Properties"]["Input"].as_str() else { return Ok(None) };
    let input: Value = serde_json::from_str(input).context("its Input is no JSON")?;
    let named = input.get("criterion").map(|named| named.as_str().unwrap_or_default().parse());
    named.transpose().context("its Input")
}

fn declared_in<P>(block: &Value, name: &'static str) -> anyhow::Result<Option<P>>
where
    P: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let Some(declared) = block["Metadata"].get(name) else { return Ok(None) };
    let declared = text(declared).with_context(|| format!("{name} is a text"))?;
    Ok(Some(declared.parse().context(name)?))
}
