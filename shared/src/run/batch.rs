//! A batch: the part of a run that one message stands for.
//!
//! `planned` becomes `open` when a worker writes its rows, and `done`, `parked` or `cancelled` when nothing of it is
//! left to do. While it waits (paused, throttled, handed back) it is simply not queued, and the keeper queues it again
//! when its time has come, with a fresh message.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Control, State, doubt};
use crate::{
    invitation::{POSITIONS, SendState},
    letters::{LetterId, LetterKind},
    records::{RecordsError, Result, Row, Tx},
};

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// No worker has begun it.
    Planned,
    /// Its rows are written; claims are being made.
    Open,
    /// Nothing is left to do.
    Done,
    /// It exhausted its tries; what was not sent counts as failed.
    Parked,
    /// A person cancelled the run.
    Cancelled,
}

impl BatchState {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Open => "open",
            Self::Done => "done",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for BatchState {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        [Self::Planned, Self::Open, Self::Done, Self::Parked, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

/// A subject of a batch, and what the planner counted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// A user who invites; of reminders, the batch whose invitations are reminded of.
    pub id: i64,
    /// How many contacts the user had when the run was planned; of reminders, how many came due.
    pub planned: u32,
}

/// Writes subjects as a batch keeps them: `7:20,8:19`.
pub fn write_subjects(subjects: &[Subject]) -> String {
    let parts: Vec<_> = subjects.iter().map(|subject| format!("{}:{}", subject.id, subject.planned)).collect();
    parts.join(",")
}

fn read_subjects(text: &str) -> Option<Vec<Subject>> {
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (id, planned) = part.split_once(':')?;
            Some(Subject { id: id.parse().ok()?, planned: planned.parse().ok()? })
        })
        .collect()
}

/// Who prepared a batch that nobody has: it has no rows of its own yet.
pub(super) const UNPREPARED: &str = "00000000000000000000000000000000";

/// The message that stands for a batch. It carries ids, never personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchMessage {
    /// The run.
    pub run: i64,
    /// The batch.
    pub batch: i64,
}

/// A batch with what a worker must know of its run.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its number.
    pub id: i64,
    /// The run it belongs to.
    pub run_id: i64,
    /// What its letters are.
    pub kind: LetterKind,
    /// What it was made from.
    pub subjects: Vec<Subject>,
    /// What the planner counted for it.
    pub planned: u32,
    /// Where it stands.
    pub state: BatchState,
    /// Positions before this one have been claimed.
    pub cursor: u32,
    /// How many claims were made: the fence between workers.
    pub claims: u32,
    /// Where the run stands.
    pub run_state: State,
    /// What a person wants of the run.
    pub control: Control,
    /// What the job fixed at the run's start.
    pub parameters: String,
}

impl Batch {
    fn read(row: &Row) -> Result<Self> {
        let subjects = read_subjects(&row.text(2)?)
            .ok_or_else(|| RecordsError::unreadable(2, "the subjects are no list of id:count"))?;
        Ok(Self {
            id: row.int(0)?,
            run_id: row.int(1)?,
            subjects,
            planned: row.small(3)?,
            state: row.parsed(4)?,
            cursor: row.small(5)?,
            claims: row.small(6)?,
            run_state: row.parsed(7)?,
            control: row.parsed(8)?,
            parameters: row.text(9)?,
            kind: row.parsed(10)?,
        })
    }

    /// The batch of that number.
    pub async fn find(tx: &mut Tx, id: i64) -> Result<Option<Self>> {
        let row = tx
            .row(
                "SELECT b.id, b.run_id, b.subjects, b.planned, b.state, b.cursor_position, b.claims, r.state, \
                 r.control, r.parameters, b.letters FROM batches b JOIN runs r ON r.id = b.run_id WHERE b.id = ?",
                &[id.into()],
            )
            .await?;
        row.as_ref().map(Self::read).transpose()
    }
}

/// The most batches whose rows one query looks at.
const BATCHES_PER_RANGE: i64 = 1_000;

/// What a batch's letters are; none when there is no such batch.
async fn kind(tx: &mut Tx, batch_id: i64) -> Result<Option<LetterKind>> {
    let row = tx.row("SELECT letters FROM batches WHERE id = ?", &[batch_id.into()]).await?;
    row.map(|row| row.parsed(0)).transpose()
}

/// Locks a batch's row until the transaction's end, so that no claim can be made beside it.
async fn lock(tx: &mut Tx, batch_id: i64) -> Result<()> {
    tx.row("SELECT id FROM batches WHERE id = ? {for update}", &[batch_id.into()]).await?;
    Ok(())
}

/// The same, unless somebody else has locked it: then gives false at once. Whoever it is may stand still for long.
pub async fn lock_if_free(tx: &mut Tx, batch_id: i64) -> Result<bool> {
    let locked = tx.row("SELECT id FROM batches WHERE id = ? {for update of free}", &[batch_id.into()]).await?;
    Ok(locked.is_some())
}

/// Where letters of neighbouring batches lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetterRange {
    /// What they are; first and second reminders lie beside each other.
    pub kind: LetterKind,
    /// The first id that one of them can have.
    pub first: i64,
    /// The last.
    pub last: i64,
}

/// Where a run's letters can be, as ranges of neighbouring batches: a join over computed bounds would make MySQL read the
/// whole table.
pub async fn letter_ranges(tx: &mut Tx, run_id: i64) -> Result<Vec<LetterRange>> {
    let mut ranges: Vec<(LetterKind, i64, i64)> = Vec::new();
    for row in tx.rows("SELECT id, letters FROM batches WHERE run_id = ? ORDER BY id", &[run_id.into()]).await? {
        let (id, kind) = (row.int(0)?, row.parsed::<LetterKind>(1)?);
        let is_next = |of: LetterKind, first: i64, last: i64| {
            of.table() == kind.table() && last + 1 == id && id - first < BATCHES_PER_RANGE
        };
        match ranges.last_mut() {
            Some((of, first, last)) if is_next(*of, *first, *last) => *last = id,
            _ => ranges.push((kind, id, id)),
        }
    }
    let range =
        |(kind, first, last)| LetterRange { kind, first: first * POSITIONS, last: last * POSITIONS + POSITIONS - 1 };
    Ok(ranges.into_iter().map(range).collect())
}

/// Takes a batch off the queue until `wait` has passed; the keeper then sends a fresh message, whose failed tries are
/// counted anew: no failure of before is the cause of what becomes of it.
pub async fn postpone(tx: &mut Tx, batch_id: i64, wait: Duration, cause: &str) -> Result<()> {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    tx.execute(
        "UPDATE batches SET queued = 0, not_before = {now+?}, cause = ?, tries = 0 \
         WHERE id = ? AND state IN ('planned', 'open')",
        &[micros.into(), cause.into(), batch_id.into()],
    )
    .await?;
    Ok(())
}

/// Whether a batch has ended, or what keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It has nothing left to do.
    Yes,
    /// A position is neither sent, failed, in doubt nor cancelled, or a claim is open.
    PositionsLeft,
    /// All that is left is in doubt, and to be sent once more by the run's policy.
    DoubtsLeft,
}

/// Ends a batch that has nothing left to do; changes nothing while it has.
pub async fn finish(tx: &mut Tx, batch_id: i64) -> Result<Finished> {
    if has_unfinished_positions(tx, batch_id).await? {
        return Ok(Finished::PositionsLeft);
    }
    if doubt::awaits_second_try(tx, batch_id).await? {
        return Ok(Finished::DoubtsLeft);
    }
    tx.execute(
        "UPDATE batches SET state = 'done', finished_at = {now} WHERE id = ? AND state = 'open'",
        &[batch_id.into()],
    )
    .await?;
    Ok(Finished::Yes)
}

async fn has_unfinished_positions(tx: &mut Tx, batch_id: i64) -> Result<bool> {
    if let Some(kind) = kind(tx, batch_id).await?
        && has_letters(tx, kind, batch_id, SendState::Planned).await?
    {
        return Ok(true);
    }
    has_open_claim(tx, batch_id).await
}

/// Whether a batch has a letter in that state.
pub(super) async fn has_letters(tx: &mut Tx, kind: LetterKind, batch_id: i64, state: SendState) -> Result<bool> {
    let table = kind.table();
    let sql =
        format!("SELECT 1 FROM {table} WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state = ? LIMIT 1");
    Ok(tx.row(sql, &[batch_id.into(), batch_id.into(), state.stored().into()]).await?.is_some())
}

/// The positions of a batch's letters in that state, in order.
pub(crate) async fn positions_of(tx: &mut Tx, kind: LetterKind, batch_id: i64, state: SendState) -> Result<Vec<u32>> {
    let table = kind.table();
    let sql = format!(
        "SELECT id FROM {table} WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state = ? ORDER BY id"
    );
    let rows = tx.rows(sql, &[batch_id.into(), batch_id.into(), state.stored().into()]).await?;
    rows.iter().map(|row| Ok(LetterId(row.int(0)?).position())).collect()
}

/// Whether a call to a provider is under way for this batch, or was when its worker died.
pub async fn has_open_claim(tx: &mut Tx, batch_id: i64) -> Result<bool> {
    let open = tx.row("SELECT 1 FROM sends WHERE batch_id = ? AND state = 0 LIMIT 1", &[batch_id.into()]).await?;
    Ok(open.is_some())
}

/// Keeps whoever worked on a batch until now from making another claim.
pub async fn fence(tx: &mut Tx, batch_id: i64) -> Result<()> {
    tx.execute("UPDATE batches SET claims = claims + 1 WHERE id = ?", &[batch_id.into()]).await?;
    Ok(())
}

/// Has an open batch begun anew from its rows: whoever works on it can make no further claim, and a fresh message comes.
pub async fn begin_anew(tx: &mut Tx, batch_id: i64) -> Result<()> {
    let sql = "UPDATE batches SET claims = claims + 1, queued = 0, not_before = {now} WHERE id = ? AND state = 'open'";
    tx.execute(sql, &[batch_id.into()]).await.map(drop)
}

/// Gives up on a batch: what it has not sent has failed, with this cause. Waits (false) while a claim is open.
pub async fn park(tx: &mut Tx, batch_id: i64, cause: &str) -> Result<bool> {
    // `send_state` 3 is failed; see the migration.
    end(tx, batch_id, BatchState::Parked, "send_state = 3", cause).await
}

/// Batches of a run that have not ended, oldest first.
pub async fn unfinished(tx: &mut Tx, run_id: i64, most: usize) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM batches WHERE run_id = ? AND state IN ('planned', 'open') ORDER BY id LIMIT ?";
    let rows = tx.rows(sql, &[run_id.into(), most.into()]).await?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Cancels a batch: what it has not sent will not be. Waits (false) while a claim is open.
pub async fn cancel(tx: &mut Tx, batch_id: i64) -> Result<bool> {
    end(tx, batch_id, BatchState::Cancelled, "send_state = 5, status = 7", "the run was cancelled").await
}

/// Ends a batch in that state; `outcome` is what it sets on letters that were not sent.
async fn end(tx: &mut Tx, batch_id: i64, state: BatchState, outcome: &'static str, cause: &str) -> Result<bool> {
    lock(tx, batch_id).await?;
    if has_open_claim(tx, batch_id).await? {
        return Ok(false);
    }
    if let Some(kind) = kind(tx, batch_id).await? {
        let table = kind.table();
        let range = "id BETWEEN ? * 65536 AND ? * 65536 + 65535";
        let sql = format!("UPDATE {table} SET {outcome} WHERE {range} AND send_state = 0");
        tx.execute(sql, &[batch_id.into(), batch_id.into()]).await?;
    }
    tx.execute(
        "UPDATE batches SET state = ?, cause = ?, finished_at = {now}, claims = claims + 1 \
         WHERE id = ? AND state IN ('planned', 'open')",
        &[state.as_str().into(), cause.into(), batch_id.into()],
    )
    .await?;
    Ok(true)
}

/// How often a batch is tried without success before it is parked.
pub const MOST_TRIES: u32 = 5;

/// How long a batch waits after its first failed try; four times as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// What becomes of a batch after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It is off the queue, and the keeper sends a fresh message after so long.
    Waits(Duration),
    /// That was its last try.
    Parked,
    /// It had ended before, or never was, or somebody else is at it now.
    Nothing,
}

/// Counts a failed try of a batch, with its cause: it waits for the next, or is parked after the last. While a claim is
/// open it cannot be parked, and waits on.
pub async fn fail(tx: &mut Tx, batch_id: i64, cause: &str) -> Result<Failed> {
    let sql = "SELECT tries FROM batches WHERE id = ? AND state IN ('planned', 'open') {for update of free}";
    let Some(row) = tx.row(sql, &[batch_id.into()]).await? else { return Ok(Failed::Nothing) };
    let tries = row.small(0)? + 1;
    let wait = FIRST_WAIT * 4_u32.pow((tries - 1).min(MOST_TRIES - 2));
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    tx.execute(
        "UPDATE batches SET queued = 0, not_before = {now+?}, cause = ?, tries = ? WHERE id = ?",
        &[micros.into(), cause.into(), tries.into(), batch_id.into()],
    )
    .await?;
    if tries >= MOST_TRIES && park(tx, batch_id, cause).await? {
        return Ok(Failed::Parked);
    }
    Ok(Failed::Waits(wait))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn subjects_are_read_back_as_they_were_written(
            pairs in proptest::collection::vec((1..i64::MAX, 0..10_000_u32), 0..300)
        ) {
            let subjects: Vec<_> = pairs.into_iter().map(|(id, planned)| Subject { id, planned }).collect();
            prop_assert_eq!(read_subjects(&write_subjects(&subjects)), Some(subjects));
        }
    }

    #[test]
    fn a_message_with_anything_but_ids_is_refused() {
        assert!(serde_json::from_str::<BatchMessage>(r#"{"run":1,"batch":2}"#).is_ok());
        for body in ["", "{}", r#"{"run":1}"#, r#"{"run":1,"batch":2,"email":"a@b.c"}"#, r#"{"run":"1","batch":2}"#] {
            assert!(serde_json::from_str::<BatchMessage>(body).is_err(), "{body}");
        }
    }
}
