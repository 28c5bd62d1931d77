//! `almanac schedule`: when everything fires next.

pub(super) mod asked;
mod check;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::{run::missed::MissedPolicy, schedule::Expression, template::Declared};

use crate::{
    args::{Common, Schedule, ScheduleCommand},
    exit::Exit,
    say::say,
};

/// A firing in UTC.
const UTC: &str = "%Y-%m-%d %H:%M:%S UTC";
/// The same by the clocks of its zone.
const LOCAL: &str = "%a %Y-%m-%d %H:%M:%S %:z";

pub(super) fn schedule(common: &Common, schedule: &Schedule) -> anyhow::Result<Exit> {
    match schedule.command {
        None => list(common, schedule),
        Some(ScheduleCommand::Check { years }) => check::check(common, &schedule.asked, years),
    }
}

fn list(common: &Common, schedule: &Schedule) -> anyhow::Result<Exit> {
    let declared = asked::schedules(&schedule.asked)?;
    for declared in &declared {
        let after = asked::moment(&schedule.asked, declared.schedule.zone)?;
        let firings: Vec<_> = declared.schedule.firings_after(after).take(schedule.count).collect();
        if common.json {
            say!("{}", as_json(declared, &firings));
        } else {
            print(declared, &firings);
        }
    }
    if declared.is_empty() && !common.json {
        say!("The template declares no schedule.");
    }
    Ok(Exit::Done)
}

/// Which schedule it is, in one line.
fn heading(declared: &Declared) -> String {
    let Declared { function, name, expression, schedule, .. } = declared;
    format!("{function} {name}: {expression} in {}", schedule.zone)
}

fn print(declared: &Declared, firings: &[DateTime<Utc>]) {
    say!("{}, {}", heading(declared), declared.state);
    if let Some(policy) = declared.policy {
        say!("  when clocks change: {policy}");
    }
    if let Some(policy) = declared.when_missed {
        say!("  when missed: {policy}");
    }
    if let Expression::Rate(rate) = declared.schedule.expression {
        say!("  {rate}, counted from when it is created");
    } else if firings.is_empty() {
        say!("  never again");
    }
    for firing in firings {
        say!("  {}   {}", firing.with_timezone(&declared.schedule.zone).format(LOCAL), firing.format(UTC));
    }
}

fn as_json(declared: &Declared, firings: &[DateTime<Utc>]) -> Value {
    let every = match declared.schedule.expression {
        Expression::Rate(rate) => Some(rate.interval().num_seconds()),
        Expression::Cron(_) | Expression::At(_) => None,
    };
    let firings: Vec<_> = firings
        .iter()
        .map(|firing| json!({"local": firing.with_timezone(&declared.schedule.zone).to_rfc3339(), "utc": firing}))
        .collect();
    json!({
        "function": declared.function, "schedule": declared.name, "expression": declared.expression,
        "zone": declared.schedule.zone.name(), "state": declared.state,
        "policy": declared.policy.map(|policy| policy.to_string()),
        "when_missed": declared.when_missed.map(MissedPolicy::as_str), "every_seconds": every, "firings": firings,
    })
}
