//! `almanac schedule check`: no firing meets a clock change unless its function says what then happens.

use chrono::{DateTime, Datelike as _, Months, NaiveDateTime, Utc};
use serde_json::{Value, json};
use shared::{
    schedule::{AffectedFirings, Kind, LAST_YEAR},
    template::Declared,
};

use super::{asked, heading};
use crate::{
    args::{Asked, Common},
    exit::{Exit, Misused},
    say::say,
};

/// A schedule, and what clock changes do to it in the time that is looked at.
struct Checked {
    declared: Declared,
    affected: Vec<AffectedFirings>,
}

pub(super) fn check(common: &Common, asked: &Asked, years: u32) -> anyhow::Result<Exit> {
    let mut checked = Vec::new();
    for declared in asked::schedules(asked)? {
        let from = asked::moment(asked, declared.schedule.zone)?;
        let until = years_after(from, years)?;
        let affected = declared.schedule.affected_firings(from, until).collect();
        checked.push(Checked { declared, affected });
    }
    let failed = checked.iter().filter(|checked| !checked.passes()).count();
    for checked in &checked {
        if common.json {
            say!("{}", checked.as_json());
        } else {
            checked.print();
        }
    }
    if common.json {
        say!("{}", json!({"checked": checked.len(), "failed": failed, "years": years}));
    } else {
        say!("Schedules: {}; years: {years}; without a policy that they need: {failed}.", checked.len());
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// What lies beyond the time-zone data would prove nothing.
fn years_after(from: DateTime<Utc>, years: u32) -> Result<DateTime<Utc>, Misused> {
    let until = from.checked_add_months(Months::new(years * 12)).filter(|until| until.year() <= LAST_YEAR);
    until.ok_or_else(|| Misused(format!("time-zone data ends with {LAST_YEAR}: {years} years are too many")))
}

impl Checked {
    fn passes(&self) -> bool {
        self.affected.is_empty() || self.declared.policy.is_some()
    }

    fn print(&self) {
        let (heading, changes) = (heading(&self.declared), self.affected.len());
        match self.declared.policy {
            _ if changes == 0 => say!("{heading}: meets no clock change"),
            Some(policy) => say!("{heading}: meets {changes} clock changes, {policy}"),
            None => {
                say!("{heading}: MEETS {changes} CLOCK CHANGES, and the function declares no DstPolicy");
                for affected in &self.affected {
                    say!("  {}", in_words(affected));
                }
            }
        }
    }

    fn as_json(&self) -> Value {
        let Declared { function, name, expression, schedule, policy, .. } = &self.declared;
        let affected: Vec<_> = self
            .affected
            .iter()
            .map(|AffectedFirings { change, times }| {
                let kind = match change.kind() {
                    Kind::Gap => "gap",
                    Kind::Overlap => "overlap",
                };
                json!({"kind": kind, "at": change.at, "from": change.from, "to": change.to, "times": times})
            })
            .collect();
        json!({
            "function": function, "schedule": name, "expression": expression, "zone": schedule.zone.name(),
            "policy": policy.map(|policy| policy.to_string()), "passes": self.passes(), "affected": affected,
        })
    }
}

/// `2027-03-28 02:00 is skipped`, `2027-10-31 12 firings from 02:00 to 02:55 come twice`.
fn in_words(AffectedFirings { change, times }: &AffectedFirings) -> String {
    let (is, are) = match change.kind() {
        Kind::Gap => ("is skipped", "are skipped"),
        Kind::Overlap => ("comes twice", "come twice"),
    };
    let clock = |time: &NaiveDateTime| time.format("%H:%M").to_string();
    let date = change.times().start.format("%Y-%m-%d");
    match times.as_slice() {
        [first, .., last] => {
            format!("{date} {} firings from {} to {} {are}", times.len(), clock(first), clock(last))
        }
        times => format!("{date} {} {is}", times.iter().map(clock).collect::<String>()),
    }
}
