//! `almanac run --dry-run`: who would be written to and why others would not, by the same code, changing nothing; how long
//! it would take, what it would cost, and whether it would be begun.

use std::{collections::BTreeMap, sync::Arc};

use ::reminders::ReminderSubjects;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::BoxFuture};
use invitation_worker::{
    reminders::{self as reminding, rules::Rules},
    selection,
    skips::Skips,
};
use monthly_invitations::CycleSubjects;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    firing::{Firing, Trigger},
    letters::LetterKind,
    records::{Result, Tx},
    run::{
        Run,
        batch::Subject,
        job::Job as _,
        plan::{Page, Subjects},
    },
};

use super::{forecast::Forecast, run::How};
use crate::{exit::Exit, say::say, stack::Stack};

pub(super) async fn dry_run(
    stack: &Stack,
    job: &str,
    scheduled_at: DateTime<Utc>,
    how: How,
    json: bool,
) -> anyhow::Result<Exit> {
    let whom = Whom::of(stack, job, scheduled_at).await?;
    let foreseen = whom.foresee(stack).await?;
    let forecast = Forecast::of(stack).await?;
    let step = forecast.here(foreseen.sent, foreseen.batches);
    let refusal = forecast.refusal(&step).filter(|_| !how.however_long);
    if json {
        let mut said = whom.as_json(&foreseen);
        said["forecast"] = forecast.as_json(&step);
        said["refused"] = json!(refusal);
        say!("{said}");
    } else {
        whom.print(&foreseen);
        forecast.print(&step);
        if let Some(refusal) = &refusal {
            say!("It would not be begun: {refusal}.");
        }
    }
    Ok(if refusal.is_some() { Exit::Refused } else { Exit::Done })
}

/// Why a run is not to be begun, if it is not. One that is there already goes on, or shows its ledger.
pub(super) async fn refusal(stack: &Stack, job: &str, scheduled_at: DateTime<Utc>) -> anyhow::Result<Option<String>> {
    let (name, clock) = (job.to_owned(), Clock::system());
    let key = match job {
        ::reminders::JOB => stack.reminders(&clock)?.key(scheduled_at),
        _ => stack.invitations(&clock)?.key(scheduled_at),
    };
    let there = stack.records.read(move |tx| {
        let (name, key) = (name.clone(), key.clone());
        async move { Run::find_by_key(tx, &name, &key).await }.boxed()
    });
    if there.await?.is_some() {
        return Ok(None);
    }
    let whom = Whom::of(stack, job, scheduled_at).await?;
    let forecast = Forecast::of(stack).await?;
    // Counting is quick; who of them would be left out is asked only when it matters.
    let most = whom.most(stack).await?;
    if forecast.refusal(&forecast.here(most.planned, most.batches)).is_none() {
        return Ok(None);
    }
    let foreseen = whom.foresee(stack).await?;
    Ok(forecast.refusal(&forecast.here(foreseen.sent, foreseen.batches)))
}

/// Whom a run is about.
enum Whom {
    Invited(CycleSubjects),
    Reminded(ReminderSubjects, DateTime<Utc>),
}

impl Whom {
    async fn of(stack: &Stack, job: &str, scheduled_at: DateTime<Utc>) -> anyhow::Result<Self> {
        let clock = Clock::system();
        Ok(match job {
            ::reminders::JOB => Self::Reminded(stack.reminders(&clock)?.subjects(scheduled_at).await?, clock.now()),
            _ => {
                let firing = Firing::new(scheduled_at, Trigger::Manual);
                Self::Invited(stack.invitations(&clock)?.subjects(firing).await?)
            }
        })
    }

    /// How many there are at most: nobody is decided about.
    async fn most(&self, stack: &Stack) -> anyhow::Result<Foreseen> {
        match self {
            Self::Invited(subjects) => foresee(stack, subjects.clone(), everybody).await,
            Self::Reminded(subjects, _) => foresee(stack, *subjects, everybody).await,
        }
    }

    /// What a run would come to.
    async fn foresee(&self, stack: &Stack) -> anyhow::Result<Foreseen> {
        match self {
            Self::Invited(subjects) => {
                let cycle = subjects.parameters;
                foresee(stack, subjects.clone(), move |tx, _, batch| {
                    async move {
                        let verdict = selection::decide(tx, &batch, &cycle, true).await?;
                        Ok((verdict.invited.len(), verdict.skipped))
                    }
                    .boxed()
                })
                .await
            }
            Self::Reminded(subjects, now) => {
                let (parameters, now) = (subjects.0, *now);
                foresee(stack, *subjects, move |tx, kind, batch| {
                    async move {
                        let LetterKind::Reminder(kind) = kind else { return Ok((0, Skips::default())) };
                        let due = reminding::gather(tx, kind, &parameters, &batch).await?;
                        let decision = reminding::decide(tx, &Rules::new(kind, parameters, now), &due).await?;
                        Ok((decision.reminded.len(), decision.skipped))
                    }
                    .boxed()
                })
                .await
            }
        }
    }

    fn as_json(&self, foreseen: &Foreseen) -> Value {
        let mut said = json!({"dry_run": true, "planned": foreseen.planned, "would_send": foreseen.sent,
                              "skipped": foreseen.skipped});
        match self {
            Self::Invited(subjects) => {
                said["month"] = json!(subjects.parameters.month);
                said["day"] = json!(subjects.parameters.day);
                said["users"] = json!(foreseen.subjects);
            }
            Self::Reminded(subjects, _) => said["due_until"] = json!(subjects.0.scheduled_at),
        }
        said
    }

    fn print(&self, foreseen: &Foreseen) {
        match self {
            Self::Invited(CycleSubjects { parameters, .. }) => {
                let (month, day) = (parameters.month, parameters.day);
                say!("Dry run for {month} up to day {day}: nothing is written, nothing is sent.");
                say!("  users      {:>9}", foreseen.subjects);
            }
            Self::Reminded(subjects, _) => {
                let until = subjects.0.scheduled_at;
                say!("Dry run of what has come due until {until}: nothing is written, nothing is sent.");
            }
        }
        say!("  planned    {:>9}", foreseen.planned);
        say!("  would send {:>9}", foreseen.sent);
        for (reason, contacts) in &foreseen.skipped {
            say!("  would skip {contacts:>9}  {reason}");
        }
    }
}

/// Takes everybody of a batch.
fn everybody(_: &mut Tx, _: LetterKind, batch: Arc<[Subject]>) -> BoxFuture<'_, Result<(usize, Skips)>> {
    let letters = batch.iter().map(|subject| subject.planned as usize).sum();
    async move { Ok((letters, Skips::default())) }.boxed()
}

/// What a run would come to.
#[derive(Debug, Default)]
struct Foreseen {
    subjects: u64,
    batches: u64,
    planned: u64,
    sent: u64,
    skipped: BTreeMap<&'static str, u64>,
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
            foreseen.batches += 1;
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
