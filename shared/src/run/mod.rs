//! A run: what one firing of a job became.
//!
//! A run is opened by one conditional insert on (job, key), planned into batches, worked, and closed by whoever
//! finishes last, with a ledger that must balance.

pub mod alerts;
pub mod batch;
pub mod close;
pub mod control;
pub mod deliver;
pub mod doubt;
pub mod fuse;
pub mod history;
pub mod job;
pub mod ledger;
pub mod missed;
pub mod outbox;
pub mod plan;
pub mod redrive;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use crate::{
    clock::Clock,
    events::JobStarted,
    firing::Firing,
    random,
    records::{Records, Result, Row, Tx},
};

use self::{control::Control, doubt::WhenInDoubt, ledger::Ledger};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being planned or worked.
    Open,
    /// Closed, and its ledger balanced.
    Completed,
    /// Closed, and its ledger did not balance.
    Failed,
    /// Closed by a person before its end.
    Cancelled,
}

impl State {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::str::FromStr for State {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        [Self::Open, Self::Completed, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

/// A run, as its row says.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// The job's name, which is its function's.
    pub job: String,
    /// The job's own key for this firing: `2026-11/05`.
    pub key: String,
    /// What fired it first: `schedule`, `manual`, `resume`; `redrive` where it does again what another left behind.
    pub trigger: String,
    /// The firing's scheduled time.
    pub scheduled_at: DateTime<Utc>,
    /// When it was opened, by the business clock.
    pub started_at: DateTime<Utc>,
    /// When it was closed; [`crate::records::never()`] while it is open.
    pub finished_at: DateTime<Utc>,
    /// Where it stands.
    pub state: State,
    /// What a person wants of it.
    pub control: Control,
    /// What the job fixed at its start, as JSON.
    pub parameters: String,
    /// The last subject that has been planned.
    pub checkpoint: i64,
    /// Whether every subject has been planned.
    pub plan_complete: bool,
    /// What the planner counted so far.
    pub planned: u64,
    /// The ledger of its closing, as JSON; empty while it is open.
    pub ledger: String,
    /// Why it failed; empty otherwise.
    pub error: String,
    /// The most memory that the closing process had used until then, in bytes.
    pub peak_rss_bytes: u64,
    /// Where its planner stood when the keeper last started it again; -1 where it never did.
    pub resumed_checkpoint: i64,
    /// How often another start was refused because it stood there still.
    pub vain_resumes: u32,
    /// The run of which this one does again what it left behind; 0 for none.
    pub parent: i64,
    /// How many letters a second a redrive lets go; 0 for all at once.
    pub letters_per_second: u32,
    /// What becomes of its letters in doubt.
    pub when_in_doubt: WhenInDoubt,
    /// The X-Ray trace of the firing that opened it; empty on one machine.
    pub trace: String,
}

const COLUMNS: &str = "SELECT id, job, run_key, trigger_kind, scheduled_at, started_at, finished_at, state, control, \
                       parameters, checkpoint, plan_complete, planned, ledger, error, peak_rss_bytes, \
                       resumed_checkpoint, vain_resumes, parent_id, letters_per_second, trace, \
                       when_in_doubt FROM runs";

impl Run {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            job: row.text(1)?,
            key: row.text(2)?,
            trigger: row.text(3)?,
            scheduled_at: row.time(4)?,
            started_at: row.time(5)?,
            finished_at: row.time(6)?,
            state: row.parsed(7)?,
            control: row.parsed(8)?,
            parameters: row.text(9)?,
            checkpoint: row.int(10)?,
            plan_complete: row.truth(11)?,
            planned: row.count(12)?,
            ledger: row.text(13)?,
            error: row.text(14)?,
            peak_rss_bytes: row.count(15)?,
            resumed_checkpoint: row.int(16)?,
            vain_resumes: row.small(17)?,
            parent: row.int(18)?,
            letters_per_second: row.small(19)?,
            trace: row.text(20)?,
            when_in_doubt: row.parsed(21)?,
        })
    }

    /// The run of that number.
    pub async fn find(tx: &mut Tx, id: i64) -> Result<Option<Self>> {
        let row = tx.row(format!("{COLUMNS} WHERE id = ?"), &[id.into()]).await?;
        row.as_ref().map(Self::read).transpose()
    }

    /// The run of that job and key.
    pub async fn find_by_key(tx: &mut Tx, job: &str, key: &str) -> Result<Option<Self>> {
        let row = tx.row(format!("{COLUMNS} WHERE job = ? AND run_key = ?"), &[job.into(), key.into()]).await?;
        row.as_ref().map(Self::read).transpose()
    }

    /// Whether it was fired too late to begin without a person's approval, and has not got it.
    pub fn waits_for_approval(&self) -> bool {
        self.control == Control::Approval && self.state == State::Open
    }

    /// The ledger of its closing, where it has one.
    pub fn closing_ledger(&self) -> Option<Ledger> {
        serde_json::from_str(&self.ledger).ok()
    }
}

/// How a firing met its run.
#[derive(Debug, Clone)]
pub enum Opened {
    /// This firing opened it.
    New(Run),
    /// Another firing had opened it, and it is still open.
    Joined(Run),
    /// It was closed before.
    Closed(Run),
}

impl Opened {
    /// The run, however it was met.
    pub fn run(&self) -> &Run {
        match self {
            Self::New(run) | Self::Joined(run) | Self::Closed(run) => run,
        }
    }
}

/// What a run is opened with, and keeps.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The job's own key for the firing.
    pub key: String,
    /// The firing.
    pub firing: Firing,
    /// What the job fixes, as JSON.
    pub parameters: String,
    /// Whether it begins at once or when a person approves it.
    pub control: Control,
    /// What becomes of its letters in doubt.
    pub when_in_doubt: WhenInDoubt,
}

/// Opens the run of (job, key), or finds the one that another firing opened.
///
/// The winner is known by reading the owner token back, never by a count of affected rows, so a repeated insert after
/// a lost connection is still its own. The same transaction says that the job has started, or where `control` is
/// [`Control::Approval`], that a person is to approve it.
pub async fn open(records: &Records, clock: &Clock, job: &'static str, opening: Opening) -> Result<Opened> {
    let token = random::token();
    let now = clock.now();
    let trace = opening.firing.trace.map(|trace| trace.to_string()).unwrap_or_default();
    let opening = Arc::new(opening);
    records
        .transaction(move |tx| {
            let (token, trace, opening) = (token.clone(), trace.clone(), opening.clone());
            async move {
                let Opening { key, firing, parameters, control, when_in_doubt } = &*opening;
                tx.execute(
                    "INSERT INTO runs (job, run_key, owner_token, trigger_kind, scheduled_at, started_at, parameters, \
                     trace, control, when_in_doubt, checkpoint_at, ledger, error) \
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {now}, '', '') \
                     {or ignore job}",
                    &[
                        job.into(),
                        key.into(),
                        (&token).into(),
                        firing.trigger.as_str().into(),
                        firing.scheduled_at.into(),
                        now.into(),
                        parameters.into(),
                        (&trace).into(),
                        control.as_str().into(),
                        when_in_doubt.as_str().into(),
                    ],
                )
                .await?;
                let owner = tx
                    .row("SELECT owner_token FROM runs WHERE job = ? AND run_key = ?", &[job.into(), key.into()])
                    .await?;
                let run = Run::find_by_key(tx, job, key).await?;
                let (Some(owner), Some(run)) = (owner, run) else {
                    return Err(crate::records::RecordsError::Fenced);
                };
                let is_ours = owner.text(0)? == token;
                if is_ours && run.waits_for_approval() {
                    alerts::waits_for_approval(tx, &run).await?;
                } else if is_ours {
                    say_started(tx, &run).await?;
                }
                Ok(match run.state {
                    State::Open if is_ours => Opened::New(run),
                    State::Open => Opened::Joined(run),
                    _ => Opened::Closed(run),
                })
            }
            .boxed()
        })
        .await
}

/// Says that the run has begun, unless that was said.
async fn say_started(tx: &mut Tx, run: &Run) -> Result<()> {
    if outbox::has(tx, run.id, outbox::Kind::JobStarted).await? {
        return Ok(());
    }
    outbox::put_event(tx, run.id, &JobStarted::new(run)).await
}
