//! `almanac run --dry-run`: who would be written to and why others would not, by the same code, changing nothing.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::BoxFuture};
use invitation_worker::{
    reminders::{self as reminding, rules::Rules},
    selection,
    skips::Skips,
};
use serde_json::json;
use shared::{
    clock::Clock,
    firing::{Firing, Trigger},
    letters::LetterKind,
    records::{Result, Tx},
    run::{
        batch::Subject,
        plan::{Page, Subjects},
    },
};

use crate::{exit::Exit, say::say, stack::Stack};

pub(super) async fn dry_run(stack: &Stack, job: &str, scheduled_at: DateTime<Utc>, json: bool) -> anyhow::Result<Exit> {
    match job {
        reminders::JOB => reminders(stack, scheduled_at, json).await,
        _ => invitations(stack, scheduled_at, json).await,
    }
}

async fn invitations(stack: &Stack, scheduled_at: DateTime<Utc>, json: bool) -> anyhow::Result<Exit> {
    let subjects = stack.invitations(&Clock::system())?.subjects(Firing::new(scheduled_at, Trigger::Manual)).await?;
    let cycle = subjects.parameters;
    let foreseen = foresee(stack, subjects, move |tx, _, batch| {
        async move {
            let verdict = selection::decide(tx, &batch, &cycle, true).await?;
            Ok((verdict.invited.len(), verdict.skipped))
        }
        .boxed()
    })
    .await?;
    if json {
        say!(
            "{}",
            json!({"dry_run": true, "month": cycle.month, "day": cycle.day, "users": foreseen.subjects,
                   "planned": foreseen.planned, "would_send": foreseen.sent, "skipped": foreseen.skipped})
        );
        return Ok(Exit::Done);
    }
    say!("Dry run for {} up to day {}: nothing is written, nothing is sent.", cycle.month, cycle.day);
    say!("  users      {:>9}", foreseen.subjects);
    foreseen.print();
    Ok(Exit::Done)
}

async fn reminders(stack: &Stack, scheduled_at: DateTime<Utc>, json: bool) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    let subjects = stack.reminders(&clock)?.subjects(scheduled_at).await?;
    let (parameters, now) = (subjects.0, clock.now());
    let foreseen = foresee(stack, subjects, move |tx, kind, batch| {
        async move {
            let LetterKind::Reminder(kind) = kind else { return Ok((0, Skips::default())) };
            let due = reminding::gather(tx, kind, &parameters, &batch).await?;
            let decision = reminding::decide(tx, &Rules::new(kind, parameters, now), &due).await?;
            Ok((decision.reminded.len(), decision.skipped))
        }
        .boxed()
    })
    .await?;
    let until = parameters.scheduled_at;
    if json {
        say!(
            "{}",
            json!({"dry_run": true, "due_until": until, "planned": foreseen.planned, "would_send": foreseen.sent,
                   "skipped": foreseen.skipped})
        );
        return Ok(Exit::Done);
    }
    say!("Dry run of what has come due until {until}: nothing is written, nothing is sent.");
    foreseen.print();
    Ok(Exit::Done)
}

/// What a run would come to.
#[derive(Debug, Default)]
struct Foreseen {
    subjects: u64,
    planned: u64,
    sent: u64,
    skipped: BTreeMap<&'static str, u64>,
}

impl Foreseen {
    fn print(&self) {
        say!("  planned    {:>9}", self.planned);
        say!("  would send {:>9}", self.sent);
        for (reason, contacts) in &self.skipped {
            say!("  would skip {contacts:>9}  {reason}");
        }
    }
}

/// Walks what a planner would walk, and has every batch decided about: how many would be sent, and who be skipped.
async fn foresee<S, D>(stack: &Stack, subjects: S, decide: D) -> anyhow::Result<Foreseen>
where
    S: Subjects,
    D: for<'t> Fn(&'t mut Tx, LetterKind, Arc<[Subject]>) -> BoxFuture<'t, Result<(usize, Skips)>> + Send + Sync,
{
    let (mut foreseen, mut after) = (Foreseen::default(), 0);
    loop {
        let walk = subjects.clone();
        let page: Page = stack.records.read(move |tx| walk.clone().page(tx, after)).await?;
        let Some(checkpoint) = page.checkpoint else { return Ok(foreseen) };
        after = checkpoint;
        for batch in subjects.batch_size().divide(&page.subjects) {
            foreseen.subjects += batch.len() as u64;
            foreseen.planned += batch.iter().map(|subject| u64::from(subject.planned)).sum::<u64>();
            let batch: Arc<[Subject]> = batch.into();
            let (sent, skips) = stack.records.read(|tx| decide(tx, page.kind, batch.clone())).await?;
            foreseen.sent += sent as u64;
            for (reason, contacts) in skips.by_reason() {
                *foreseen.skipped.entry(reason.as_str()).or_default() += u64::from(contacts);
            }
        }
    }
}
