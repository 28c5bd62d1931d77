//! What a person wants of a run: to begin although it is late, to go on, to pause, to be cancelled. Honoured between claims.

use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use super::{Run, State, alerts, fuse};
use crate::{
    clock::Clock,
    records::{Records, Result, Tx, never},
};

/// A person's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Run,
    /// Start nothing more until it is resumed.
    Pause,
    /// Start nothing more, and close.
    Cancel,
    /// Nothing yet: fired later than its deadline, the run begins when a person approves it.
    Approval,
}

impl Control {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Pause => "pause",
            Self::Cancel => "cancel",
            Self::Approval => "approval",
        }
    }
}

impl std::str::FromStr for Control {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        [Self::Run, Self::Pause, Self::Cancel, Self::Approval]
            .into_iter()
            .find(|control| control.as_str() == text)
            .ok_or(())
    }
}

/// What became of a wish.
#[derive(Debug, Clone)]
pub enum Wish {
    /// It is noted; workers see it before their next claim.
    Noted,
    /// The run is closed already.
    AlreadyClosed(State),
    /// The run is being cancelled, which cannot be taken back.
    AlreadyCancelled,
    /// The run waits for a person's approval: it can be approved or cancelled.
    WaitsForApproval,
    /// The run waits for nobody's approval.
    NeedsNoApproval,
    /// There is no such run.
    Unknown,
}

/// Notes what a person wants of a run.
pub async fn set(records: &Records, run_id: i64, control: Control) -> Result<Wish> {
    records
        .transaction(move |tx| {
            async move {
                tx.execute(
                    // The planner of a paused run has ended: its checkpoint counts as old, so that the keeper starts one
                    // at once when the run goes on.
                    "UPDATE runs SET checkpoint_at = CASE WHEN control = 'pause' THEN ? ELSE checkpoint_at END, \
                     control = ? WHERE id = ? AND state = 'open' AND control <> 'cancel' \
                     AND (control <> 'approval' OR ? = 'cancel')",
                    &[never().into(), control.as_str().into(), run_id.into(), control.as_str().into()],
                )
                .await?;
                Ok(match Run::find(tx, run_id).await? {
                    None => Wish::Unknown,
                    Some(run) if run.state != State::Open => Wish::AlreadyClosed(run.state),
                    Some(run) if run.control == control => {
                        if control == Control::Run {
                            fuse::reset(tx, run_id).await?;
                        }
                        Wish::Noted
                    }
                    Some(run) if run.control == Control::Approval => Wish::WaitsForApproval,
                    Some(_) => Wish::AlreadyCancelled,
                })
            }
            .boxed()
        })
        .await
}

/// Lets a run begin that was fired later than its deadline.
pub async fn approve(records: &Records, clock: &Clock, run_id: i64) -> Result<Wish> {
    let now = clock.now();
    records
        .transaction(move |tx| {
            async move {
                let approved = approve_within(tx, run_id, now).await?;
                Ok(match Run::find(tx, run_id).await? {
                    None => Wish::Unknown,
                    Some(_) if approved => Wish::Noted,
                    Some(run) if run.state != State::Open => Wish::AlreadyClosed(run.state),
                    Some(run) if run.control == Control::Cancel => Wish::AlreadyCancelled,
                    Some(_) => Wish::NeedsNoApproval,
                })
            }
            .boxed()
        })
        .await
}

/// Lets a run begin, where it waits for approval; says whether it did. It begins now, and its planner counts as missing.
pub(super) async fn approve_within(tx: &mut Tx, run_id: i64, now: DateTime<Utc>) -> Result<bool> {
    let locked = tx.row("SELECT id FROM runs WHERE id = ? {for update}", &[run_id.into()]).await?;
    let run = if locked.is_some() { Run::find(tx, run_id).await? } else { None };
    let Some(run) = run.filter(Run::waits_for_approval) else { return Ok(false) };
    let sql = "UPDATE runs SET control = 'run', started_at = ?, checkpoint_at = ? WHERE id = ?";
    tx.execute(sql, &[now.into(), never().into(), run_id.into()]).await?;
    alerts::is_approved(tx, &run).await?;
    super::say_started(tx, &run).await?;
    Ok(true)
}
