//! A job whose firings open runs: what is the same of every one, from the firing to the function's answer.

use anyhow::Context as _;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use serde::Serialize;

use super::{
    Opened, Opening, Run, close,
    control::{self, Control},
    doubt::WhenInDoubt,
    fuse,
    ledger::Ledger,
    missed::{self, Beginning, MissedPolicy},
    plan::PlanEnd,
};
use crate::{
    clock::Clock,
    firing::{Firing, Trigger},
    records::{Records, RecordsError},
    sqs::Deadline,
};

/// A job that a schedule, a person or the keeper fires.
#[async_trait]
pub trait Job: Send + Sync {
    /// The job's name: its folder, its binary, its event and its runs are called so.
    fn name(&self) -> &'static str;

    /// Where its runs are.
    fn records(&self) -> &Records;

    /// The business clock.
    fn clock(&self) -> &Clock;

    /// The key of the run for that time: firings that share it make one run. Keys of later times are greater as texts.
    fn key(&self, scheduled_at: DateTime<Utc>) -> String;

    /// What becomes of firings that its schedule brings late; the same as the template declares.
    fn when_missed(&self) -> MissedPolicy;

    /// How late such a firing may come before a person is asked, where the policy is to ask.
    fn deadline(&self) -> TimeDelta {
        TimeDelta::MAX
    }

    /// The firings of which the last makes up for the others: those whose keys begin so. All, where it is empty.
    fn period(&self, _: DateTime<Utc>) -> String {
        String::new()
    }

    /// What becomes of its letters in doubt; a run keeps to what holds when it is opened.
    fn when_in_doubt(&self) -> WhenInDoubt {
        WhenInDoubt::default()
    }

    /// What the run of a firing must not see change under it, as JSON; fixed when it is opened.
    async fn parameters(&self, firing: Firing) -> anyhow::Result<String>;

    /// Goes on with an open run from its checkpoint, to the end of its plan or until the deadline.
    async fn go_on(&self, run: &Run, deadline: Deadline) -> anyhow::Result<PlanEnd>;

    /// Opens the firing's run, or joins it, and goes on with it.
    ///
    /// Any number of firings for one scheduled time make one run, at once or one after the other.
    async fn fire(&self, firing: Firing, deadline: Deadline) -> anyhow::Result<Fired> {
        let beginning = missed::decide(self, firing).await.context("looking for the firing's run")?;
        let control = match beginning {
            Beginning::Now => Control::Run,
            Beginning::WhenApproved => Control::Approval,
            Beginning::MadeUpFor(run) => {
                tracing::warn!(scheduled_at = %firing.scheduled_at, run = run.id, "fired late: a later run makes up for it");
                return Ok(Fired { met: "made up for", ..fired(&Opened::Joined(*run), PlanEnd::Stopped) });
            }
        };
        let opened = self.open_as(firing, control).await.context("opening the run")?;
        let run = opened.run();
        tracing::Span::current().record("run", run.id);
        tracing::info!(run = run.id, key = run.key, trigger = %firing.trigger, met = met(&opened), "fired");
        if firing.trigger == Trigger::Resume && run.waits_for_person() {
            tracing::warn!(run = run.id, checkpoint = run.checkpoint, "not started again: it waits for a person");
            return Ok(Fired { met: "refused", ..fired(&opened, PlanEnd::Stopped) });
        }
        if run.waits_for_approval() {
            tracing::warn!(run = run.id, "fired later than its deadline: it waits for a person's approval");
            return Ok(Fired { met: "waits for approval", ..fired(&opened, PlanEnd::Stopped) });
        }
        let end = match &opened {
            Opened::Closed(_) => PlanEnd::Complete,
            Opened::New(run) | Opened::Joined(run) => self.go_on(run, deadline).await.context("planning the run")?,
        };
        if end == PlanEnd::Complete && run.closing_ledger().is_none() {
            // A run in which nothing was due has no batch whose end would close it.
            close::try_close(self.records(), self.clock(), run.id).await?;
        }
        Ok(fired(&opened, end))
    }

    /// Opens or finds the run of a firing. What comes later than this moment belongs to a later run.
    ///
    /// A person who joins an open run has it go on, also when the keeper no longer starts its planner again, or when it
    /// waited for approval.
    async fn open(&self, firing: Firing) -> anyhow::Result<Opened> {
        self.open_as(firing, Control::Run).await
    }

    /// The same, as a run that begins so, if this firing opens it.
    async fn open_as(&self, firing: Firing, control: Control) -> anyhow::Result<Opened> {
        let opening = Opening {
            key: self.key(firing.scheduled_at),
            firing,
            parameters: self.parameters(firing).await?,
            control,
            when_in_doubt: self.when_in_doubt(),
        };
        let opened = super::open(self.records(), self.clock(), self.name(), opening).await?;
        let (Opened::Joined(run), Trigger::Manual) = (&opened, firing.trigger) else { return Ok(opened) };
        let (run, now) = (run.id, self.clock().now());
        let run = self.records().transaction(move |tx| {
            async move {
                fuse::reset(tx, run).await?;
                control::approve_within(tx, run, now).await?;
                Run::find(tx, run).await?.ok_or(RecordsError::Fenced)
            }
            .boxed()
        });
        Ok(Opened::Joined(run.await?))
    }
}

/// What a firing came to; the function's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// The run.
    pub run: i64,
    /// Its key: `2026-11/05`.
    pub key: String,
    /// How this firing met the run: `opened`, `joined`, `closed`; `refused` where the run waits for a person since its
    /// planner came no further; `waits for approval`; or `made up for`, where it is a later firing's run.
    pub met: &'static str,
    /// Whether every subject has been planned. When not, workers go on with it, or the keeper has its planner do so.
    pub plan_complete: bool,
    /// The ledger, when the run is closed already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
}

fn fired(opened: &Opened, end: PlanEnd) -> Fired {
    let run = opened.run();
    Fired {
        run: run.id,
        key: run.key.clone(),
        met: met(opened),
        plan_complete: end == PlanEnd::Complete,
        ledger: run.closing_ledger(),
    }
}

fn met(opened: &Opened) -> &'static str {
    match opened {
        Opened::New(_) => "opened",
        Opened::Joined(_) => "joined",
        Opened::Closed(_) => "closed",
    }
}

/// What a run's planner fixed at its start, read back.
pub fn parameters_of<P: serde::de::DeserializeOwned>(run: i64, parameters: &str) -> anyhow::Result<P> {
    serde_json::from_str(parameters).with_context(|| format!("the parameters of run {run}"))
}
