//! The run history: which runs there were, and how far one has come.

use super::{
    COLUMNS, Run,
    batch::{self, LetterRange},
};
use crate::{
    invitation::{InvitationId, SendState},
    letters::{LetterKind, ReminderKind},
    records::{RecordsError, Result, Row, Tx},
};

/// The newest runs, newest first, of one job or of all.
pub async fn newest(tx: &mut Tx, job: Option<&str>, most: usize) -> Result<Vec<Run>> {
    let rows = match job {
        Some(job) => {
            tx.rows(format!("{COLUMNS} WHERE job = ? ORDER BY id DESC LIMIT ?"), &[job.into(), most.into()]).await?
        }
        None => tx.rows(format!("{COLUMNS} ORDER BY id DESC LIMIT ?"), &[most.into()]).await?,
    };
    rows.iter().map(Run::read).collect()
}

/// The open runs, oldest first.
pub async fn open(tx: &mut Tx, most: usize) -> Result<Vec<Run>> {
    let rows = tx.rows(format!("{COLUMNS} WHERE state = 'open' ORDER BY id LIMIT ?"), &[most.into()]).await?;
    rows.iter().map(Run::read).collect()
}

/// How far a run has come, cheap enough to be asked every second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What the planner has counted so far.
    pub planned: u64,
    /// What of it belongs to batches that are done, or was claimed in those that are not.
    pub handled: u64,
    /// How many batches there are.
    pub batches: u64,
    /// How many of them have nothing left to do.
    pub finished: u64,
    /// What the planner waits for, or a batch that is put off, if either does.
    pub waits_for: Option<String>,
}

/// How far a run has come.
pub async fn progress(tx: &mut Tx, run: &Run) -> Result<Progress> {
    let sql = "SELECT COUNT(*), COALESCE(SUM(CASE WHEN state IN ('planned', 'open') THEN 0 ELSE 1 END), 0), \
               COALESCE(SUM(CASE WHEN state IN ('planned', 'open') THEN cursor_position ELSE planned END), 0) \
               FROM batches WHERE run_id = ?";
    let row = tx.row(sql, &[run.id.into()]).await?;
    let Some(row) = row else { return Ok(Progress::default()) };
    let sql = "SELECT cause FROM batches WHERE run_id = ? AND state IN ('planned', 'open') AND queued = 0 \
               AND not_before > {now} LIMIT 1";
    let waiting = tx.row(sql, &[run.id.into()]).await?;
    let batch_waits = waiting.map(|row| row.text(0)).transpose()?.filter(|cause| !cause.is_empty());
    let planner_waits = if run.waits_for_approval() {
        Some(format!("waits for approval: almanac approve {}", run.id))
    } else {
        run.waits_for_person().then(|| format!("waits for a person: almanac runs show {}", run.id))
    };
    Ok(Progress {
        planned: run.planned,
        batches: row.count(0)?,
        finished: row.sum(1)?,
        handled: row.sum(2)?,
        waits_for: planner_waits.or(batch_waits),
    })
}

/// Parked batches of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Why they were parked.
    pub cause: String,
    /// How many there are.
    pub batches: u64,
    /// How many of them a redrive has taken.
    pub redriven: u64,
}

/// A run's parked batches by cause, the most frequent first.
pub async fn parked(tx: &mut Tx, run_id: i64, most: usize) -> Result<Vec<Parked>> {
    let sql = "SELECT cause, COUNT(*), SUM(CASE WHEN redriven_by = 0 THEN 0 ELSE 1 END) FROM batches \
               WHERE run_id = ? AND state = 'parked' GROUP BY cause ORDER BY COUNT(*) DESC, cause LIMIT ?";
    let rows = tx.rows(sql, &[run_id.into(), most.into()]).await?;
    rows.iter().map(|row| Ok(Parked { cause: row.text(0)?, batches: row.count(1)?, redriven: row.sum(2)? })).collect()
}

/// The redrives of a run, oldest first.
pub async fn redrives(tx: &mut Tx, run_id: i64) -> Result<Vec<i64>> {
    let rows = tx.rows("SELECT id FROM runs WHERE parent_id = ? ORDER BY id", &[run_id.into()]).await?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Whether letters of a run were not taken by their provider, and no redrive has been there since.
pub async fn has_not_taken(tx: &mut Tx, run_id: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM batches WHERE run_id = ? AND not_taken > 0 AND redriven_as = 0 LIMIT 1";
    Ok(tx.row(sql, &[run_id.into()]).await?.is_some())
}

/// The first letters of a run in that state, each as its message is called: `42`, or `42/first`.
pub async fn letters_in(tx: &mut Tx, run_id: i64, state: SendState, most: usize) -> Result<Vec<String>> {
    let mut letters = Vec::new();
    for range in batch::letter_ranges(tx, run_id).await? {
        letters.extend(letters_within(tx, range, state, most - letters.len()).await?);
        if letters.len() == most {
            break;
        }
    }
    Ok(letters)
}

async fn letters_within(tx: &mut Tx, range: LetterRange, state: SendState, most: usize) -> Result<Vec<String>> {
    let values = [range.first.into(), range.last.into(), state.stored().into(), most.into()];
    match range.kind {
        LetterKind::Invitation => {
            let sql = "SELECT id FROM invitations WHERE id BETWEEN ? AND ? AND send_state = ? ORDER BY id LIMIT ?";
            let name = |row: &Row| Ok(LetterKind::Invitation.message(InvitationId(row.int(0)?)));
            tx.rows(sql, &values).await?.iter().map(name).collect()
        }
        LetterKind::Reminder(_) => {
            let sql = "SELECT invitation_id, kind FROM reminders WHERE id BETWEEN ? AND ? AND send_state = ? \
                       ORDER BY id LIMIT ?";
            tx.rows(sql, &values).await?.iter().map(name_of_reminder).collect()
        }
    }
}

fn name_of_reminder(row: &Row) -> Result<String> {
    let kind = ReminderKind::from_stored(row.int(1)?)
        .ok_or_else(|| RecordsError::unreadable(1, "there is no such kind of reminder"))?;
    Ok(LetterKind::Reminder(kind).message(InvitationId(row.int(0)?)))
}
