//! `almanac run --dry-run`: who would be written to and why others would not, by the same code, changing nothing.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use invitation_worker::selection;
use serde_json::json;
use shared::{
    clock::Clock,
    run::{batch::Subject, plan::Subjects as _},
};

use crate::{exit::Exit, say::say, stack::Stack};

pub(super) async fn dry_run(stack: &Stack, scheduled_at: DateTime<Utc>, json: bool) -> anyhow::Result<Exit> {
    let planner = stack.planner(&Clock::system())?;
    let subjects = planner.subjects(scheduled_at).await?;
    let cycle = subjects.parameters;
    let (mut users, mut planned, mut invited, mut after) = (0_u64, 0_u64, 0_u64, 0);
    let mut skipped: BTreeMap<&'static str, u64> = BTreeMap::new();
    loop {
        let walk = subjects.clone();
        let page = stack.records.read(move |tx| walk.clone().page(tx, after)).await?;
        let Some(checkpoint) = page.checkpoint else { break };
        after = checkpoint;
        for batch in page.subjects.chunks(subjects.batch_size()) {
            users += batch.len() as u64;
            planned += batch.iter().map(|subject| u64::from(subject.planned)).sum::<u64>();
            let batch: Arc<[Subject]> = batch.into();
            let verdict = stack
                .records
                .read(move |tx| {
                    let batch = batch.clone();
                    async move { selection::decide(tx, &batch, &cycle, true).await }.boxed()
                })
                .await?;
            invited += verdict.invited.len() as u64;
            for ((_, reason), contacts) in verdict.skipped {
                *skipped.entry(reason.as_str()).or_default() += u64::from(contacts.contacts);
            }
        }
    }
    if json {
        say!(
            "{}",
            json!({"dry_run": true, "month": cycle.month, "day": cycle.day, "users": users, "planned": planned,
                   "would_send": invited, "skipped": skipped})
        );
        return Ok(Exit::Done);
    }
    say!("Dry run for {} up to day {}: nothing is written, nothing is sent.", cycle.month, cycle.day);
    say!("  users      {users:>9}");
    say!("  planned    {planned:>9}");
    say!("  would send {invited:>9}");
    for (reason, contacts) in skipped {
        say!("  would skip {contacts:>9}  {reason}");
    }
    Ok(Exit::Done)
}
