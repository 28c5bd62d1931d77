//! The letter that feedback is about: found by its attempt, and moved on by what is known of it.

use chrono::{DateTime, Utc};

use super::{LetterName, address::ContactOf, verdict::Verdict};
use crate::{
    claims::evidence::{self, Attempt, AttemptId},
    email_address::EmailAddress,
    invitation::{InvitationId, SendState, Status},
    letters::{LetterId, LetterKind, ReminderKind},
    records::{RecordsError, Result, Row, Tx, never},
    run::batch,
};

/// A letter of ours, held until the transaction ends.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) name: LetterName,
    /// The attempt at it that something was said of.
    pub(super) attempt: Attempt,
    pub(super) contact: ContactOf,
    /// Its row, in the table of its kind.
    id: LetterId,
    standing: Standing,
}

/// What feedback can change: of the letter what came of sending it, of its invitation how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    state: SendState,
    sent_at: DateTime<Utc>,
    status: Status,
    opened_at: DateTime<Utc>,
}

/// How often a letter can have moved to another batch by a redrive of a redrive.
const MOVES: usize = 100;

/// The letter of that name, if that attempt was made at it and its invitation is still there.
pub(super) async fn find(tx: &mut Tx, attempt: &AttemptId, name: LetterName) -> Result<Option<Letter>> {
    let Some(attempt) = evidence::find(tx, attempt).await? else { return Ok(None) };
    match name.kind {
        LetterKind::Invitation => find_invitation(tx, attempt, name).await,
        LetterKind::Reminder(kind) => find_reminder(tx, attempt, name, kind).await,
    }
}

/// An invitation is called by the id that it had in its attempt's batch; a redrive may have given it another since.
async fn find_invitation(tx: &mut Tx, attempt: Attempt, name: LetterName) -> Result<Option<Letter>> {
    let position = name.invitation.position();
    if name.invitation.batch() != attempt.id.batch || !attempt.positions.contains(position) {
        return Ok(None);
    }
    for batch in batches_since(tx, attempt.id.batch).await? {
        let invitation = InvitationId::new(batch, position);
        if let Some(row) = lock_invitation(tx, invitation).await? {
            let own = (row.int(5)?, row.time(6)?);
            return read(&row, LetterName { invitation, ..name }, invitation, attempt, own).map(Some);
        }
    }
    Ok(None)
}

/// A reminder is called by its invitation, and its attempt is one of another batch: its own.
async fn find_reminder(tx: &mut Tx, attempt: Attempt, name: LetterName, kind: ReminderKind) -> Result<Option<Letter>> {
    let Some(invitation) = lock_invitation(tx, name.invitation).await? else { return Ok(None) };
    let sql = "SELECT id, send_state, sent_at FROM reminders WHERE invitation_id = ? AND kind = ? {for update}";
    let Some(row) = tx.row(sql, &[name.invitation.0.into(), kind.stored().into()]).await? else { return Ok(None) };
    let id = LetterId(row.int(0)?);
    let is_covered =
        attempt.positions.contains(id.position()) && batches_since(tx, attempt.id.batch).await?.contains(&id.batch());
    if !is_covered {
        return Ok(None);
    }
    let own = (row.int(1)?, row.time(2)?);
    read(&invitation, name, id, attempt, own).map(Some)
}

/// A batch, and those that it became by redrives, in their order.
async fn batches_since(tx: &mut Tx, batch: i64) -> Result<Vec<i64>> {
    let mut batches = vec![batch];
    while batches.len() < MOVES {
        let last = batches[batches.len() - 1];
        let row = tx.row("SELECT redriven_as FROM batches WHERE id = ?", &[last.into()]).await?;
        match row.map_or(Ok(0), |row| row.int(0))? {
            0 => break,
            next => batches.push(next),
        }
    }
    Ok(batches)
}

async fn lock_invitation(tx: &mut Tx, invitation: InvitationId) -> Result<Option<Row>> {
    let sql = "SELECT user_id, contact_id, to_email, status, opened_at, send_state, sent_at FROM invitations \
               WHERE id = ? {for update}";
    tx.row(sql, &[invitation.0.into()]).await
}

/// The letter whose invitation is that row; `own` is its stored state, and when it was sent.
fn read(
    invitation: &Row,
    name: LetterName,
    id: LetterId,
    attempt: Attempt,
    own: (i64, DateTime<Utc>),
) -> Result<Letter> {
    let (state, sent_at) = own;
    let state = SendState::from_stored(state).ok_or_else(|| RecordsError::unreadable(5, "no such state"))?;
    let status =
        Status::from_stored(invitation.int(3)?).ok_or_else(|| RecordsError::unreadable(3, "no such status"))?;
    Ok(Letter {
        name,
        attempt,
        contact: ContactOf {
            user: invitation.int(0)?,
            contact: invitation.int(1)?,
            email: EmailAddress::from_stored(invitation.text(2)?),
        },
        id,
        standing: Standing { state, sent_at, status, opened_at: invitation.time(4)? },
    })
}

/// Moves a letter and its invitation on to what is known; gives whether the letter had been in doubt.
pub(super) async fn move_on(tx: &mut Tx, letter: &Letter, verdict: &Verdict) -> Result<bool> {
    let (before, mut after) = (letter.standing, letter.standing);
    after.status = before.status.max(verdict.status.unwrap_or(before.status));
    if let Some(opened_at) = verdict.opened_at {
        after.opened_at = if before.opened_at == never() { opened_at } else { before.opened_at.min(opened_at) };
    }
    if let Some((state, sent_at)) = verdict.outcome {
        after.state = state;
        // The provider's own word for it, whether or not its reply came, and first or last.
        after.sent_at = if state == SendState::Sent { sent_at } else { never() };
    }
    if (after.state, after.sent_at) != (before.state, before.sent_at) {
        set_outcome(tx, letter, after).await?;
    }
    if (after.status, after.opened_at) != (before.status, before.opened_at) {
        let sql = "UPDATE invitations SET status = ?, opened_at = ? WHERE id = ?";
        let values = [after.status.stored().into(), after.opened_at.into(), letter.name.invitation.0.into()];
        tx.execute(sql, &values).await?;
    }
    if after.state == SendState::Sent && before.state != SendState::Sent {
        evidence::count_accepted(tx, &letter.attempt.id).await?;
    }
    let is_under_call = letter.attempt.is_open && letter.attempt.id.batch == letter.id.batch();
    if before.state == SendState::Planned && after.state != SendState::Planned && !is_under_call {
        // Somebody may be about to try it again.
        batch::begin_anew(tx, letter.id.batch()).await?;
    }
    Ok(before.state == SendState::InDoubt && after.state != SendState::InDoubt)
}

async fn set_outcome(tx: &mut Tx, letter: &Letter, to: Standing) -> Result<()> {
    let sql = match letter.name.kind {
        LetterKind::Invitation => "UPDATE invitations SET send_state = ?, sent_at = ? WHERE id = ?",
        // A reminder's own status says no more than that it was sent.
        LetterKind::Reminder(_) => "UPDATE reminders SET status = 1, send_state = ?, sent_at = ? WHERE id = ?",
    };
    tx.execute(sql, &[to.state.stored().into(), to.sent_at.into(), letter.id.0.into()]).await.map(drop)
}
