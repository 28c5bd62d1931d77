//! `almanac costs`: what providers have billed the teams of a hackathon, and taking it in from their exports.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

use anyhow::Context as _;
use serde_json::json;
use shared::hackathon::costs::{self, Amount, Cost, Costs, Key};

use super::{
    hackathon,
    intake::{Rejects, name_of, open},
};
use crate::{
    args::{Common, CostsImport},
    exit::Exit,
    import::{CostRow, Reject, read_costs},
    say::say,
    stack::{self, Stack},
    stop::Stop,
};

/// After so many lines it is seen whether the process was asked to end.
const LINES_AT_ONCE: u64 = 4_096;

pub(super) async fn show(common: &Common, hackathon: Option<&str>) -> anyhow::Result<Exit> {
    let values = stack::settings(common);
    let hackathon = hackathon::meant(hackathon, &values)?;
    let stack = Stack::open(values).await?;
    let costs = Costs::read(&stack.records, &hackathon).await;
    stack.close().await;
    let costs = costs?;
    if common.json {
        let costs = json!({"hackathon": hackathon, "teams": costs.teams, "days": costs.days});
        say!("{costs}");
    } else if costs.is_empty() {
        say!("No costs of hackathon {hackathon} have been imported yet.");
    } else {
        tell(&costs);
    }
    Ok(Exit::Done)
}

fn tell(costs: &Costs) {
    say!("By team:");
    for of_team in &costs.teams {
        say!("  {}: {} {}", of_team.team, of_team.amount, of_team.currency);
    }
    say!("By day and provider:");
    for of_day in &costs.days {
        say!("  {} {}: {} {}", of_day.day, of_day.provider, of_day.amount, of_day.currency);
    }
}

pub(super) async fn import(common: &Common, hackathon: Option<&str>, asked: CostsImport) -> anyhow::Result<Exit> {
    let values = stack::settings(common);
    let hackathon = hackathon::meant(hackathon, &values)?;
    let stop = Stop::listen();
    let stack = stop.or(Stack::open(values)).await??;
    let imported = stop.or(import_into(&stack, common, &hackathon, asked)).await;
    stack.close().await;
    imported?
}

async fn import_into(stack: &Stack, common: &Common, hackathon: &str, asked: CostsImport) -> anyhow::Result<Exit> {
    let path = asked.rejects.unwrap_or_else(|| stack.settings.home.join("rejects.csv"));
    let mut import = Import { sums: BTreeMap::new(), rejects: Rejects::begin(&path)?, read: 0 };
    for file in &asked.files {
        import.file(file, &asked.team_tag).await?;
    }
    let Import { sums, rejects, read } = import;
    let rejected = rejects.finish()?;
    let kept = sums.len();
    let costs = sums.into_iter().map(|(key, amount)| cost(key, amount)).collect::<anyhow::Result<_>>()?;
    costs::put(&stack.records, hackathon, costs).await?;
    if common.json {
        say!("{}", json!({"read": read, "rejected": rejected, "kept": kept, "rejects": path}));
        return Ok(Exit::Done);
    }
    say!("{read} lines: {kept} sums by team, day, provider and currency kept, {rejected} lines rejected");
    if rejected > 0 {
        say!("The rejected lines, each with its reason, are in {}", path.display());
    }
    Ok(Exit::Done)
}

fn cost(key: Key, amount: Amount) -> anyhow::Result<Cost> {
    let micros = i64::try_from(amount.micros().0).context("a sum is too large to be kept")?;
    Ok(Cost { key, micros })
}

/// What the files say, summed up. Nothing is written before all have been read.
struct Import {
    sums: BTreeMap<Key, Amount>,
    rejects: Rejects,
    read: u64,
}

impl Import {
    async fn file(&mut self, path: &Path, team_tag: &str) -> anyhow::Result<()> {
        let name = name_of(path);
        let rows = read_costs(open(path)?, team_tag).with_context(|| format!("reading {}", path.display()))?;
        for row in rows {
            self.read += 1;
            match row {
                Ok(row) => self.add(&name, row)?,
                Err(error) => self.rejects.add_unread(&name, error)?,
            }
            if self.read.is_multiple_of(LINES_AT_ONCE) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, row: CostRow) -> anyhow::Result<()> {
        match self.sums.entry(row.key) {
            Entry::Vacant(none) => {
                none.insert(row.amount);
            }
            Entry::Occupied(mut sum) => match sum.get().plus(row.amount) {
                Ok(new) => *sum.get_mut() = new,
                Err(error) => {
                    self.rejects.add(name, &Reject { line: row.line, field: row.field, reason: error.to_string() })?;
                }
            },
        }
        Ok(())
    }
}
