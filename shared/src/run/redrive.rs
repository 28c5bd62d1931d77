//! Redrive: a run of its own, the child, that does again what a closed run left behind: its parked batches, and in the
//! others the letters that were in doubt and were not taken by their provider.
//!
//! Opening it writes, in one transaction, the child and its name on every batch that it takes from; so a batch goes
//! into one child only. What the batches hold then moves batch by batch, each in a transaction of its own that compares
//! and sets: whoever is cut off in between, the keeper goes on. The child has no subjects to walk: what is
//! [`advance`] here takes the place of a planner's walk.
//!
//! Only what was never accepted is done again: letters that failed because their batch was parked, and those of which
//! their provider's silence says so ([`claims::silence`]). What a provider refused for good stays failed, and what is in
//! doubt stays in doubt.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;

use super::{Opened, Run, State, alerts, batch::UNPREPARED, control::Control, outbox};
use crate::{
    claims,
    clock::Clock,
    events::JobStarted,
    invitation::POSITIONS,
    letters::{LetterId, LetterKind},
    random,
    records::{Records, RecordsError, Result, Row, Tx, Value, dialect::with_list, never},
};

/// What is to be done again.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only batches whose cause holds this text; empty for every cause.
    pub cause: String,
    /// Only these batches; empty for all.
    pub batches: Vec<i64>,
    /// How many letters a second are let go; 0 for all at once.
    pub letters_per_second: u32,
}

/// Why there is no redrive.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// There is no such run.
    #[error("there is no run {0}")]
    Unknown(i64),
    /// What is still open mends itself.
    #[error("run {0} is still open: a redrive takes what a closed run left behind")]
    StillOpen(i64),
    /// A person ended it.
    #[error("run {0} was cancelled by a person: it left nothing to do again")]
    Cancelled(i64),
    /// No batch is as wanted, or all have been taken by a redrive before.
    #[error(
        "run {0} has no parked batch of that kind, and no letter that was not taken, that is not being done again already"
    )]
    NothingLeft(i64),
    /// The records do not answer.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// What a redrive would take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Takes {
    /// How many parked batches.
    pub batches: u64,
    /// How many letters were planned in them: what was sent, refused or skipped before they were parked is among them.
    pub planned: u64,
    /// How many letters of other batches were not taken by their provider.
    pub not_taken: u64,
}

/// What stands between a key and the number of its redrive: `2026-11/05/redrive-1`.
const SUFFIX: &str = "/redrive-";

/// How many batches are read at a time.
const PAGE: usize = 100;

/// How many letters one statement moves.
const ROWS: usize = 500;

/// Counts what a redrive would take, and changes nothing.
pub async fn preview(records: &Records, parent: i64, wanted: &Wanted) -> std::result::Result<Takes, RedriveError> {
    let wanted = Arc::new(wanted.clone());
    records
        .read(move |tx| {
            let wanted = wanted.clone();
            async move {
                if let Err(refused) = closed_run(tx, parent).await? {
                    return Ok(Err(refused));
                }
                let (filter, values) = filter(parent, &wanted);
                let sql = format!(
                    "SELECT COALESCE(SUM(state = 'parked'), 0), COALESCE(SUM((state = 'parked') * planned), 0), \
                     COALESCE(SUM((state <> 'parked') * not_taken), 0) FROM batches WHERE {filter}"
                );
                let Some(row) = tx.row(sql, &values).await? else { return Ok(Ok(Takes::default())) };
                Ok(Ok(Takes { batches: row.sum(0)?, planned: row.sum(1)?, not_taken: row.sum(2)? }))
            }
            .boxed()
        })
        .await?
}

/// Opens a child run that takes what is left behind, as wanted; they move by [`advance`]. Where none is left to take but an
/// open child has some, it is joined.
pub async fn open(
    records: &Records,
    clock: &Clock,
    parent: i64,
    wanted: &Wanted,
) -> std::result::Result<Opened, RedriveError> {
    let (wanted, token, now) = (Arc::new(wanted.clone()), random::token(), clock.now());
    records
        .transaction(move |tx| {
            let (wanted, token) = (wanted.clone(), token.clone());
            async move { try_open(tx, parent, &wanted, &token, now).await }.boxed()
        })
        .await?
}

async fn try_open(
    tx: &mut Tx,
    parent: i64,
    wanted: &Wanted,
    token: &str,
    now: DateTime<Utc>,
) -> Result<std::result::Result<Opened, RedriveError>> {
    tx.row("SELECT id FROM runs WHERE id = ? {for update}", &[parent.into()]).await?;
    let parent = match closed_run(tx, parent).await? {
        Ok(parent) => parent,
        Err(refused) => return Ok(Err(refused)),
    };
    // A commit whose answer was lost is not made twice.
    let sql = "SELECT id FROM runs WHERE parent_id = ? AND owner_token = ?";
    if let Some(row) = tx.row(sql, &[parent.id.into(), token.into()]).await? {
        let child = Run::find(tx, row.int(0)?).await?.ok_or(RecordsError::Fenced)?;
        return Ok(Ok(Opened::New(child)));
    }
    let (filter, wanted_values) = filter(parent.id, wanted);
    if tx.row(format!("SELECT 1 FROM batches WHERE {filter} LIMIT 1"), &wanted_values).await?.is_none() {
        let open = open_child(tx, parent.id).await?;
        return Ok(open.map(Opened::Joined).ok_or(RedriveError::NothingLeft(parent.id)));
    }
    let child = insert_child(tx, &parent, wanted, token, now).await?;
    let values = [vec![child.into()], wanted_values].concat();
    tx.execute(format!("UPDATE batches SET redriven_by = ? WHERE {filter}"), &values).await?;
    let child = Run::find(tx, child).await?.ok_or(RecordsError::Fenced)?;
    outbox::put_event(tx, child.id, &JobStarted::new(&child)).await?;
    // One that takes some batches only may leave letters that were not taken.
    let sql = "SELECT 1 FROM batches WHERE run_id = ? AND not_taken > 0 AND redriven_by = 0 LIMIT 1";
    if tx.row(sql, &[parent.id.into()]).await?.is_none() {
        alerts::is_redriven(tx, parent.id).await?;
    }
    Ok(Ok(Opened::New(child)))
}

async fn open_child(tx: &mut Tx, parent: i64) -> Result<Option<Run>> {
    let sql = "SELECT id FROM runs WHERE parent_id = ? AND state = 'open' ORDER BY id LIMIT 1";
    match tx.row(sql, &[parent.into()]).await? {
        Some(row) => Run::find(tx, row.int(0)?).await,
        None => Ok(None),
    }
}

async fn closed_run(tx: &mut Tx, id: i64) -> Result<std::result::Result<Run, RedriveError>> {
    let Some(run) = Run::find(tx, id).await? else { return Ok(Err(RedriveError::Unknown(id))) };
    Ok(match run.state {
        State::Completed | State::Failed => Ok(run),
        State::Open => Err(RedriveError::StillOpen(id)),
        State::Cancelled => Err(RedriveError::Cancelled(id)),
    })
}

async fn insert_child(tx: &mut Tx, parent: &Run, wanted: &Wanted, token: &str, now: DateTime<Utc>) -> Result<i64> {
    let root = parent.key.split_once(SUFFIX).map_or(parent.key.as_str(), |(root, _)| root);
    // Whoever opens another redrive of the same firing just now waits, so that each has a number of its own.
    tx.row("SELECT id FROM runs WHERE job = ? AND run_key = ? {for update}", &[(&parent.job).into(), root.into()])
        .await?;
    let prefix = format!("{root}{SUFFIX}");
    let sql = "SELECT COUNT(*) FROM runs WHERE job = ? AND run_key > ? AND run_key < ?";
    // A tilde comes after every digit.
    let before = tx
        .row(sql, &[(&parent.job).into(), (&prefix).into(), format!("{prefix}~").into()])
        .await?
        .map(|row| row.count(0));
    let key = format!("{prefix}{}", before.transpose()?.unwrap_or(0) + 1);
    tx.insert(
        "INSERT INTO runs (job, run_key, owner_token, trigger_kind, scheduled_at, started_at, parameters, \
         checkpoint_at, ledger, error, parent_id, letters_per_second, when_in_doubt) \
         VALUES (?, ?, ?, 'redrive', ?, ?, ?, {now}, '', '', ?, ?, ?)",
        &[
            (&parent.job).into(),
            key.into(),
            token.into(),
            parent.scheduled_at.into(),
            now.into(),
            (&parent.parameters).into(),
            parent.id.into(),
            wanted.letters_per_second.into(),
            parent.when_in_doubt.as_str().into(),
        ],
    )
    .await
}

/// The batches that a redrive may take from: those that no redrive took, or one that was closed before it got to them.
fn filter(parent: i64, wanted: &Wanted) -> (String, Vec<Value<'static>>) {
    let mut sql = "run_id = ? AND (state = 'parked' OR not_taken > 0) AND redriven_as = 0 AND (redriven_by = 0 OR redriven_by IN \
                   (SELECT id FROM runs WHERE parent_id = ? AND state <> 'open'))"
        .to_owned();
    let mut values: Vec<Value<'static>> = vec![parent.into(), parent.into()];
    if !wanted.cause.is_empty() {
        sql.push_str(" AND INSTR(cause, ?) > 0");
        values.push(wanted.cause.clone().into());
    }
    if !wanted.batches.is_empty() {
        sql.push_str(" AND ");
        sql.push_str(&with_list("id IN (?..)", wanted.batches.len()));
        values.extend(wanted.batches.iter().map(|&batch| Value::from(batch)));
    }
    (sql, values)
}

/// A batch that a child took, and that has not moved.
#[derive(Debug, Clone)]
struct Taken {
    id: i64,
    kind: LetterKind,
    subjects: String,
    planned: u32,
    prepared_by: String,
}

/// Moves the next batches of a child to it, at most a page; when none is left its plan is complete.
///
/// Gives the run as it stands then. Safe to repeat, and to do beside itself.
pub async fn advance(records: &Records, clock: &Clock, run: &Run) -> Result<Run> {
    let (child, parent, now) = (run.id, run.parent, clock.now());
    for taken in records.read(move |tx| taken_by(tx, child, parent).boxed()).await? {
        let taken = Arc::new(taken);
        let moved = records
            .transaction(move |tx| {
                let taken = taken.clone();
                async move { move_batch(tx, child, &taken, now).await }.boxed()
            })
            .await;
        match moved {
            // Another mover has it, or a person stopped the run.
            Ok(()) | Err(RecordsError::Fenced) => {}
            Err(error) => return Err(error),
        }
    }
    records.transaction(move |tx| complete(tx, child, parent).boxed()).await
}

async fn taken_by(tx: &mut Tx, child: i64, parent: i64) -> Result<Vec<Taken>> {
    let sql = "SELECT id, letters, subjects, planned, prepared_by FROM batches \
               WHERE run_id = ? AND redriven_by = ? AND redriven_as = 0 ORDER BY id LIMIT ?";
    let taken = |row: &Row| {
        Ok(Taken {
            id: row.int(0)?,
            kind: row.parsed(1)?,
            subjects: row.text(2)?,
            planned: row.small(3)?,
            prepared_by: row.text(4)?,
        })
    };
    tx.rows(sql, &[parent.into(), child.into(), PAGE.into()]).await?.iter().map(taken).collect()
}

async fn complete(tx: &mut Tx, child: i64, parent: i64) -> Result<Run> {
    tx.execute(
        "UPDATE runs SET plan_complete = 1 WHERE id = ? AND state = 'open' AND control = 'run' AND NOT EXISTS \
         (SELECT 1 FROM batches WHERE run_id = ? AND redriven_by = ? AND redriven_as = 0)",
        &[child.into(), parent.into(), child.into()],
    )
    .await?;
    Run::find(tx, child).await?.ok_or(RecordsError::Fenced)
}

/// Makes a batch of the child out of one that it took. [`RecordsError::Fenced`] when it has moved already, or the child is
/// not to go on.
async fn move_batch(tx: &mut Tx, child: i64, taken: &Taken, now: DateTime<Utc>) -> Result<()> {
    // The run is locked first, so that movers take turns and a cancellation comes before or after.
    tx.row("SELECT id FROM runs WHERE id = ? {for update}", &[child.into()]).await?;
    let run = Run::find(tx, child).await?.ok_or(RecordsError::Fenced)?;
    if run.state != State::Open || run.control != Control::Run {
        return Err(RecordsError::Fenced);
    }
    // Nothing more is concluded of its letters meanwhile.
    tx.row("SELECT id FROM batches WHERE id = ? {for update}", &[taken.id.into()]).await?;
    let batch = insert_batch(tx, &run, taken).await?;
    // A batch that no worker had prepared has no rows yet: it is done again from its subjects.
    let (letters, moved) = if taken.prepared_by == UNPREPARED {
        (taken.planned, 0)
    } else {
        let moved = move_rows(tx, taken, batch, now).await?;
        let sql = "UPDATE batches SET planned = ?, state = CASE WHEN ? = 0 THEN 'done' ELSE 'open' END WHERE id = ?";
        tx.execute(sql, &[moved.into(), moved.into(), batch.into()]).await?;
        (moved, moved)
    };
    let sql = "UPDATE batches SET redriven_as = ?, redriven_letters = ? \
               WHERE id = ? AND redriven_by = ? AND redriven_as = 0";
    if tx.execute(sql, &[batch.into(), moved.into(), taken.id.into(), child.into()]).await? != 1 {
        return Err(RecordsError::Fenced);
    }
    tx.execute(
        "UPDATE runs SET planned = planned + ?, checkpoint = ?, checkpoint_at = {now} WHERE id = ?",
        &[letters.into(), taken.id.into(), child.into()],
    )
    .await?;
    Ok(())
}

/// Begins a batch in the child. Where a rate is set it waits until the one before it has had its time.
async fn insert_batch(tx: &mut Tx, run: &Run, taken: &Taken) -> Result<i64> {
    let due = after_the_last(tx, run).await?;
    tx.insert(
        "INSERT INTO batches (run_id, letters, subjects, planned, prepared_by, cause, not_before) \
         SELECT ?, ?, ?, ?, ?, '', CASE WHEN ? > {now} THEN ? ELSE {now} END",
        &[
            run.id.into(),
            taken.kind.as_str().into(),
            (&taken.subjects).into(),
            taken.planned.into(),
            (&taken.prepared_by).into(),
            due.into(),
            due.into(),
        ],
    )
    .await
}

async fn after_the_last(tx: &mut Tx, run: &Run) -> Result<DateTime<Utc>> {
    if run.letters_per_second == 0 {
        return Ok(never());
    }
    let sql = "SELECT not_before, planned FROM batches WHERE run_id = ? ORDER BY id DESC LIMIT 1";
    let Some(last) = tx.row(sql, &[run.id.into()]).await? else { return Ok(never()) };
    let micros = last.int(1)? * 1_000_000 / i64::from(run.letters_per_second);
    Ok(last.time(0)? + TimeDelta::microseconds(micros))
}

/// Gives a batch's failed letters to the child's batch, planned again; gives how many. Nothing went out
/// under their ids, so these may change, and what is said of them after all is still understood. Those that a provider refused for good, or that nobody could answer any more, stay.
async fn move_rows(tx: &mut Tx, taken: &Taken, new: i64, now: DateTime<Utc>) -> Result<u32> {
    let refused: BTreeSet<u32> = claims::refused_for_good(tx, taken.id).await?;
    let failed = failed_letters(tx, taken, now).await?;
    let again: Vec<i64> = failed.into_iter().filter(|&id| !refused.contains(&LetterId(id).position())).collect();
    for ids in again.chunks(ROWS) {
        let mut values: Vec<Value<'_>> = vec![((new - taken.id) * POSITIONS).into()];
        values.extend(ids.iter().map(|&id| Value::from(id)));
        let list = with_list("id IN (?..)", ids.len());
        let table = taken.kind.table();
        let sql = format!("UPDATE {table} SET id = id + ?, send_state = 0 WHERE send_state IN (3, 6) AND {list}");
        tx.execute(sql, &values).await?;
    }
    Ok(u32::try_from(again.len()).unwrap_or(u32::MAX))
}

/// The failed letters of a batch that somebody could still answer. Of reminders the worker asks for itself, because
/// more can have happened to their invitations.
async fn failed_letters(tx: &mut Tx, taken: &Taken, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let rows = match taken.kind {
        LetterKind::Invitation => {
            let sql = "SELECT id FROM invitations WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state IN (3, 6) \
                       AND status = 0 AND expires_at > ? ORDER BY id";
            tx.rows(sql, &[taken.id.into(), taken.id.into(), now.into()]).await?
        }
        LetterKind::Reminder(_) => {
            let sql = "SELECT id FROM reminders WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state IN (3, 6) \
                       AND status = 0 ORDER BY id";
            tx.rows(sql, &[taken.id.into(), taken.id.into()]).await?
        }
    };
    rows.iter().map(|row| row.int(0)).collect()
}
