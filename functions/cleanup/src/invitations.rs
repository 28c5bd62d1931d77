//! Invitations whose time is over: expired, and later archived and deleted.
//!
//! They are found by their batches, which were prepared together and expire together: one look at a batch's first row
//! tells whether there is anything to do, and `swept` keeps it from being looked at for ever. So no index on a column
//! that changes is needed where invitations are written by the hundred thousand.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use shared::{
    invitation::{InvitationId, POSITIONS},
    records::{Result, Row, Tx, Value, dialect::with_list},
};

use crate::{Parameters, progress::Page};

/// How many batches one page looks at.
const BATCHES: usize = 50;

/// How many invitations one page archives and deletes.
const ROWS: usize = 1_000;

/// How far a batch has been swept; see the migration.
mod swept {
    pub(super) const NOT: i64 = 0;
    pub(super) const EXPIRED: i64 = 1;
    pub(super) const DELETED: i64 = 2;
}

/// The ids that a batch's invitations can have.
fn range(batch: i64) -> [Value<'static>; 2] {
    [(batch * POSITIONS).into(), (batch * POSITIONS + POSITIONS - 1).into()]
}

/// Ended batches of invitations after that one that have been swept so far, at most a page.
async fn batches(tx: &mut Tx, swept: i64, after: i64) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM batches WHERE swept = ? AND id > ? AND letters = 'invitation' \
               AND state IN ('done', 'parked', 'cancelled') ORDER BY id LIMIT ?";
    let rows = tx.rows(sql, &[swept.into(), after.into(), BATCHES.into()]).await?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// When a batch's invitations expire; `None` when it has none.
async fn expiry(tx: &mut Tx, batch: i64) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT expires_at FROM invitations WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1";
    tx.row(sql, &range(batch)).await?.map(|row| row.time(0)).transpose()
}

async fn mark(tx: &mut Tx, batch: i64, swept: i64) -> Result<()> {
    tx.execute("UPDATE batches SET swept = ? WHERE id = ?", &[swept.into(), batch.into()]).await.map(drop)
}

/// Ends what nobody can answer any more.
pub(crate) async fn expire(tx: &mut Tx, after: i64, parameters: Parameters) -> Result<Page> {
    let found = batches(tx, swept::NOT, after).await?;
    let mut expired = 0;
    for &batch in &found {
        match expiry(tx, batch).await? {
            Some(at) if at > parameters.as_of => {}
            Some(_) => expired += expire_batch(tx, batch, parameters.as_of).await?,
            // A redrive took them along, or nobody was to be invited; what was kept about that is kept for as long.
            None => forget_old(tx, batch, parameters).await?,
        }
    }
    Ok(Page { next: found.last().copied(), done: vec![("invitations_expired", expired)] })
}

async fn expire_batch(tx: &mut Tx, batch: i64, as_of: DateTime<Utc>) -> Result<u64> {
    let [first, last] = range(batch);
    // 5 is expired; submitted, expired and cancelled ones stay what they are.
    let sql = "UPDATE invitations SET status = 5 WHERE id BETWEEN ? AND ? AND status NOT IN (4, 5, 7) \
               AND expires_at <= ?";
    let expired = tx.execute(sql, &[first.clone(), last.clone(), as_of.into()]).await?;
    let sql = "SELECT 1 FROM invitations WHERE id BETWEEN ? AND ? AND expires_at > ? LIMIT 1";
    if tx.row(sql, &[first, last, as_of.into()]).await?.is_none() {
        mark(tx, batch, swept::EXPIRED).await?;
    }
    Ok(expired)
}

/// An invitation as it is archived: its story, without the address that it went to and without its key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Archived {
    pub(crate) id: i64,
    pub(crate) month: i64,
    user: i64,
    contact: i64,
    kind: i64,
    send_state: i64,
    status: i64,
    sent_at: DateTime<Utc>,
    opened_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
    submitted_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl Archived {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            month: row.int(1)?,
            user: row.int(2)?,
            contact: row.int(3)?,
            kind: row.int(4)?,
            send_state: row.int(5)?,
            status: row.int(6)?,
            sent_at: row.time(7)?,
            opened_at: row.time(8)?,
            started_at: row.time(9)?,
            submitted_at: row.time(10)?,
            expires_at: row.time(11)?,
        })
    }
}

/// Invitations that are to be deleted, and how far the search for them came.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// Neighbours of one batch, in the order of their ids.
    pub(crate) invitations: Vec<Archived>,
    next: Option<i64>,
}

/// The next invitations after that one that have been expired for long enough: of one batch, at most a page.
pub(crate) async fn due(tx: &mut Tx, after: i64, parameters: Parameters) -> Result<Due> {
    let found = batches(tx, swept::EXPIRED, InvitationId(after).batch() - 1).await?;
    let end = |batch: i64| batch * POSITIONS + POSITIONS - 1;
    for &batch in &found {
        if after == end(batch) || expiry(tx, batch).await?.is_some_and(|at| at >= parameters.delete_before()) {
            continue;
        }
        let sql = "SELECT id, month, user_id, contact_id, kind, send_state, status, sent_at, opened_at, started_at, \
                   submitted_at, expires_at FROM invitations WHERE id BETWEEN ? AND ? AND expires_at < ? \
                   ORDER BY id LIMIT ?";
        let [first, last] = range(batch);
        let rows = tx.rows(sql, &[first, last, parameters.delete_before().into(), ROWS.into()]).await?;
        let invitations: Vec<_> = rows.iter().map(Archived::read).collect::<Result<_>>()?;
        let next = if invitations.len() < ROWS { end(batch) } else { invitations[ROWS - 1].id };
        return Ok(Due { invitations, next: Some(next) });
    }
    Ok(Due { invitations: Vec::new(), next: found.last().map(|&batch| end(batch)).filter(|&end| end > after) })
}

/// Deletes invitations with all that was kept about them, and with the last what was kept about their batch. When they
/// went out is kept with their contacts, whom a user may not want to write to again for a year.
pub(crate) async fn delete(tx: &mut Tx, due: Arc<Due>, parameters: Parameters) -> Result<Page> {
    let mut deleted = 0;
    if let (Some(first), Some(last)) = (due.invitations.first(), due.invitations.last()) {
        keep_last_sent(tx, &due.invitations).await?;
        let ids = || -> [Value<'static>; 2] { [first.id.into(), last.id.into()] };
        for about in ["reminders", "waiting_reminders", "feedback"] {
            tx.execute(format!("DELETE FROM {about} WHERE invitation_id BETWEEN ? AND ?"), &ids()).await?;
        }
        let [from, to] = ids();
        let sql = "DELETE FROM invitations WHERE id BETWEEN ? AND ? AND expires_at < ?";
        deleted = tx.execute(sql, &[from, to, parameters.delete_before().into()]).await?;
    }
    if let Some(batch) = due.next.map(|next| InvitationId(next).batch())
        && expiry(tx, batch).await?.is_none()
    {
        forget(tx, batch).await?;
    }
    Ok(Page { next: due.next, done: vec![("invitations_deleted", deleted)] })
}

/// How many contacts one statement asks for or updates.
const CONTACTS: usize = 500;

async fn keep_last_sent(tx: &mut Tx, invitations: &[Archived]) -> Result<()> {
    let sent: Vec<&Archived> = invitations.iter().filter(|one| one.sent_at > shared::records::never()).collect();
    for some in sent.chunks(CONTACTS) {
        let mut values: Vec<Value<'_>> = Vec::new();
        let mut cases = String::new();
        for one in some {
            cases.push_str(" WHEN ? THEN ?");
            values.extend([one.contact.into(), one.sent_at.into()]);
        }
        values.extend(some.iter().map(|one| Value::from(one.contact)));
        // Only those whose invitation is later than what is kept: it only grows.
        let list = with_list("id IN (?..)", some.len());
        let sql = format!(
            "UPDATE contacts SET last_sent_at = CASE id{cases} ELSE last_sent_at END WHERE {list} \
             AND last_sent_at < CASE id{cases} ELSE last_sent_at END"
        );
        let again: Vec<Value<'_>> = values[..2 * some.len()].to_vec();
        values.extend(again);
        tx.execute(sql, &values).await?;
    }
    Ok(())
}

/// Forgets a batch of which no letter is left, where it ended long enough ago.
pub(crate) async fn forget_old(tx: &mut Tx, batch: i64, parameters: Parameters) -> Result<()> {
    let sql = "SELECT 1 FROM batches WHERE id = ? AND finished_at < ?";
    match tx.row(sql, &[batch.into(), parameters.delete_before().into()]).await? {
        Some(_) => forget(tx, batch).await,
        None => Ok(()),
    }
}

/// Deletes what was kept about a batch's calls and skips. The batch itself stays, with its run's history.
async fn forget(tx: &mut Tx, batch: i64) -> Result<()> {
    tx.execute("DELETE FROM sends WHERE batch_id = ?", &[batch.into()]).await?;
    let sql = "DELETE FROM skips WHERE run_id = (SELECT run_id FROM batches WHERE id = ?) AND batch_id = ?";
    tx.execute(sql, &[batch.into(), batch.into()]).await?;
    mark(tx, batch, swept::DELETED).await
}
