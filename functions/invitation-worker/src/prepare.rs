//! Preparing a batch: its invitations, its users' membership of the cycle and its skips, in one transaction.
//! And coming back to a batch that a worker left: what of it is still planned.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shared::{
    cycle::CycleParameters,
    email_address::EmailAddress,
    invitation::InvitationId,
    links::TOKEN_BYTES,
    random,
    records::{Records, RecordsError, Result, Row, Tx, Value, dialect::with_list},
    run::batch::{self, Batch},
};

use crate::{
    WorkerOptions,
    eligibility::{Candidate, PRIORITY_RATE, SkipReason, hard_obstacle},
    people::{self, Contact, User},
    selection::{self, Verdict},
};

/// Somebody who is to be written to.
#[derive(Debug, Clone)]
pub struct Addressee {
    /// Where the invitation stands in its batch.
    pub position: u32,
    /// Who invites.
    pub user_id: i64,
    /// Who is invited.
    pub contact_id: i64,
    /// Where the letter goes.
    pub email: EmailAddress,
    /// How it greets.
    pub first_name: String,
    /// The invitation's token.
    pub token: [u8; TOKEN_BYTES],
}

/// A prepared batch: what is left to send of it.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The users who invite.
    pub users: HashMap<i64, User>,
    /// Who is still to be written to, by position.
    pub addressees: Vec<Addressee>,
    /// Until when the invitations hold.
    pub expires_at: DateTime<Utc>,
}

/// Prepares a planned batch. `None` when another worker was first.
pub async fn prepare(
    records: &Records,
    batch: &Batch,
    cycle: CycleParameters,
    now: DateTime<Utc>,
    options: &WorkerOptions,
) -> Result<Option<Prepared>> {
    let first = try_prepare(records, batch, cycle, now, options, false).await;
    match first {
        // Somebody was invited this month by another way: look who, which costs a query, and leave them out.
        Err(error) if error.is_duplicate() => try_prepare(records, batch, cycle, now, options, true).await,
        outcome => outcome,
    }
}

async fn try_prepare(
    records: &Records,
    batch: &Batch,
    cycle: CycleParameters,
    now: DateTime<Utc>,
    options: &WorkerOptions,
    check_invited: bool,
) -> Result<Option<Prepared>> {
    let subjects: Arc<[_]> = batch.subjects.as_slice().into();
    let verdict = records
        .read(move |tx| {
            let subjects = subjects.clone();
            async move { selection::decide(tx, &subjects, &cycle, check_invited).await }.boxed()
        })
        .await?;
    let write = Arc::new(Write {
        run_id: batch.run_id,
        batch_id: batch.id,
        cycle,
        now,
        expires_at: now + TimeDelta::days(options.expiration_days),
        rows_per_insert: options.rows_per_insert,
        worker: random::token(),
        tokens: tokens(verdict.invited.len()),
        verdict,
    });
    let shared = write.clone();
    let written = records
        .transaction(move |tx| {
            let write = shared.clone();
            async move { write.run(tx).await }.boxed()
        })
        .await;
    match written {
        Ok(elsewhere) => Ok(Some(Arc::unwrap_or_clone(write).into_prepared(&elsewhere))),
        Err(RecordsError::Fenced) => Ok(None),
        Err(error) => Err(error),
    }
}

fn tokens(count: usize) -> Vec<u8> {
    let mut tokens = vec![0; count * TOKEN_BYTES];
    random::fill(&mut tokens);
    tokens
}

/// What the preparing transaction writes; the same however often it is run.
#[derive(Clone)]
struct Write {
    run_id: i64,
    batch_id: i64,
    cycle: CycleParameters,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    rows_per_insert: usize,
    worker: String,
    tokens: Vec<u8>,
    verdict: Verdict,
}

impl Write {
    /// Gives the users who turned out to be in the cycle already.
    async fn run(&self, tx: &mut Tx) -> Result<Vec<i64>> {
        let mine = self.take_batch(tx).await?;
        let elsewhere = self.join_cycle(tx).await?;
        if mine {
            let verdict = match elsewhere.as_slice() {
                [] => Cow::Borrowed(&self.verdict),
                users => Cow::Owned(without(self.verdict.clone(), users)),
            };
            self.insert_invitations(tx, &verdict.invited).await?;
            insert_skips(tx, self.run_id, self.batch_id, self.now, &verdict).await?;
        }
        Ok(elsewhere)
    }

    fn into_prepared(self, elsewhere: &[i64]) -> Prepared {
        let verdict = without(self.verdict, elsewhere);
        let (tokens, _) = self.tokens.as_chunks();
        let addressee = |((contact, position), token): ((Contact, u32), &[u8; TOKEN_BYTES])| Addressee {
            position,
            user_id: contact.user_id,
            contact_id: contact.candidate.id,
            email: contact.email,
            first_name: contact.first_name,
            token: *token,
        };
        Prepared {
            addressees: verdict.invited.into_iter().zip(0..).zip(tokens).map(addressee).collect(),
            users: verdict.users,
            expires_at: self.expires_at,
        }
    }

    /// Makes the batch this worker's; gives false when it already is, through a commit whose answer was lost.
    async fn take_batch(&self, tx: &mut Tx) -> Result<bool> {
        let sql = "UPDATE batches SET state = 'open', prepared_by = ? WHERE id = ? AND state = 'planned'";
        if tx.execute(sql, &[(&self.worker).into(), self.batch_id.into()]).await? == 1 {
            return Ok(true);
        }
        let row = tx.row("SELECT prepared_by FROM batches WHERE id = ?", &[self.batch_id.into()]).await?;
        match row {
            Some(row) if row.text(0)? == self.worker => Ok(false),
            _ => Err(RecordsError::Fenced),
        }
    }

    /// Enters those users into the month's cycle who have somebody to invite; gives those who are in it already
    /// through another batch.
    async fn join_cycle(&self, tx: &mut Tx) -> Result<Vec<i64>> {
        let mut inviting: Vec<i64> = self.verdict.invited.iter().map(|contact| contact.user_id).collect();
        inviting.sort_unstable();
        inviting.dedup();
        if inviting.is_empty() {
            return Ok(inviting);
        }
        let month = self.cycle.month.number();
        let rows = inviting
            .iter()
            .flat_map(|&user| -> [Value<'_>; 4] { [month.into(), user.into(), self.batch_id.into(), self.now.into()] });
        tx.insert_rows(
            "INSERT INTO cycle_members (month, user_id, batch_id, joined_at) VALUES",
            4,
            "{or ignore month}",
            &rows.collect::<Vec<_>>(),
        )
        .await?;
        let mut values: Vec<Value<'_>> = vec![month.into(), self.batch_id.into()];
        values.extend(inviting.iter().map(|&user| Value::from(user)));
        let sql = "SELECT user_id FROM cycle_members WHERE month = ? AND batch_id <> ? AND user_id IN (?..)";
        let elsewhere = tx.rows(with_list(sql, inviting.len()), &values).await?;
        elsewhere.iter().map(|row| row.int(0)).collect()
    }

    async fn insert_invitations(&self, tx: &mut Tx, invited: &[Contact]) -> Result<()> {
        let mut values: Vec<Value<'_>> = Vec::with_capacity(invited.len() * 9);
        for (contact, position) in invited.iter().zip(0..) {
            let priority = contact.candidate.response_rate.is_some_and(|rate| rate > PRIORITY_RATE);
            values.extend([
                InvitationId::new(self.batch_id, position).0.into(),
                self.cycle.month.number().into(),
                contact.user_id.into(),
                contact.candidate.id.into(),
                contact.email.as_str().into(),
                self.token(position).as_slice().into(),
                contact.is_user.into(),
                priority.into(),
                self.expires_at.into(),
            ]);
        }
        tx.insert_rows_by(
            self.rows_per_insert,
            "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, kind, priority, expires_at) VALUES",
            9,
            "",
            &values,
        )
        .await
    }

    fn token(&self, position: u32) -> &[u8; TOKEN_BYTES] {
        let (tokens, _) = self.tokens.as_chunks();
        &tokens[position as usize]
    }
}

/// The verdict without users who are in the month's cycle already.
fn without(mut verdict: Verdict, elsewhere: &[i64]) -> Verdict {
    for &user in elsewhere {
        verdict.exclude_user(user, SkipReason::AlreadyInCycle);
    }
    verdict
}

async fn insert_skips(tx: &mut Tx, run_id: i64, batch_id: i64, now: DateTime<Utc>, verdict: &Verdict) -> Result<()> {
    let rows = verdict.skipped.iter().flat_map(|((user, reason), skipped)| -> [Value<'_>; 7] {
        let ids = skipped.ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        [
            run_id.into(),
            batch_id.into(),
            (*user).into(),
            reason.as_str().into(),
            skipped.contacts.into(),
            ids.into(),
            now.into(),
        ]
    });
    tx.insert_rows(
        "INSERT INTO skips (run_id, batch_id, user_id, reason, contacts, contact_ids, skipped_at) VALUES",
        7,
        "",
        &rows.collect::<Vec<_>>(),
    )
    .await
}

/// Comes back to a batch that was prepared before: what of it is still planned, less those who must no longer be
/// written to. Their invitations are withdrawn, and they are skipped instead. `None` while another worker's call is
/// under way.
///
/// Whoever worked on the batch before can make no further claim: what it remembers may have been withdrawn, and what
/// this worker read may be claimed only by this worker. So the batch is given as it was read in the same transaction.
pub async fn resume(records: &Records, batch: &Batch, now: DateTime<Utc>) -> Result<Option<(Batch, Prepared)>> {
    let (run_id, batch_id) = (batch.run_id, batch.id);
    let users: Arc<[i64]> = batch.subjects.iter().map(|subject| subject.id).collect();
    records
        .transaction(move |tx| {
            let users = users.clone();
            async move {
                // The row is locked first, so that no claim can be made beside this.
                tx.row("SELECT id FROM batches WHERE id = ? {for update}", &[batch_id.into()]).await?;
                if batch::has_open_claim(tx, batch_id).await? {
                    return Ok(None);
                }
                batch::fence(tx, batch_id).await?;
                let Some(batch) = Batch::find(tx, batch_id).await? else { return Ok(None) };
                let mut prepared = Prepared { users: people::users(tx, &users).await?, ..Prepared::default() };
                let mut withdrawn = Verdict::default();
                let mut withdrawn_ids = Vec::new();
                for row in still_planned(tx, batch_id).await? {
                    prepared.expires_at = row.time(5)?;
                    let addressee = read_addressee(&row)?;
                    match obstacle(&row, &prepared.users, addressee.user_id)? {
                        None => prepared.addressees.push(addressee),
                        Some(reason) => {
                            withdrawn.skip(addressee.user_id, reason, [addressee.contact_id]);
                            withdrawn_ids.push(InvitationId::new(batch_id, addressee.position));
                        }
                    }
                }
                withdraw(tx, &withdrawn_ids).await?;
                merge_skips(tx, run_id, batch_id, &mut withdrawn).await?;
                insert_skips(tx, run_id, batch_id, now, &withdrawn).await?;
                Ok(Some((batch, prepared)))
            }
            .boxed()
        })
        .await
}

async fn still_planned(tx: &mut Tx, batch_id: i64) -> Result<Vec<Row>> {
    tx.rows(
        "SELECT i.id, i.user_id, i.contact_id, i.to_email, i.token, i.expires_at, COALESCE(c.first_name, ''), \
         COALESCE(c.opted_out, 0), COALESCE(c.active, 0), COALESCE(c.status = 'active', 0), \
         COALESCE(c.email_status IN ('bounced_permanent', 'complained', 'unsubscribed'), 1), \
         COALESCE(c.bounce_count, 0), s.email IS NOT NULL, c.id IS NULL \
         FROM invitations i LEFT JOIN contacts c ON c.user_id = i.user_id AND c.id = i.contact_id \
         LEFT JOIN suppressions s ON s.email = i.to_email \
         WHERE i.id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND i.send_state = 0 ORDER BY i.id",
        &[batch_id.into(), batch_id.into()],
    )
    .await
}

fn read_addressee(row: &Row) -> Result<Addressee> {
    let mut token = [0; TOKEN_BYTES];
    for (byte, stored) in token.iter_mut().zip(row.bytes(4)?) {
        *byte = stored;
    }
    Ok(Addressee {
        position: InvitationId(row.int(0)?).position(),
        user_id: row.int(1)?,
        contact_id: row.int(2)?,
        email: EmailAddress::from_stored(row.text(3)?),
        token,
        first_name: row.text(6)?,
    })
}

fn obstacle(row: &Row, users: &HashMap<i64, User>, user_id: i64) -> Result<Option<SkipReason>> {
    match users.get(&user_id) {
        None => return Ok(Some(SkipReason::Gone)),
        Some(_) if row.truth(13)? => return Ok(Some(SkipReason::Gone)),
        Some(user) if !user.active => return Ok(Some(SkipReason::UserInactive)),
        Some(_) => {}
    }
    Ok(hard_obstacle(&Candidate {
        id: row.int(2)?,
        opted_out: row.truth(7)?,
        active: row.truth(8)?,
        status_active: row.truth(9)?,
        deliverable: !row.truth(10)?,
        bounce_count: row.int(11)?,
        suppressed: row.truth(12)?,
        tags: Vec::new(),
        response_rate: None,
        last_invited_at: None,
        already_invited: false,
    }))
}

async fn withdraw(tx: &mut Tx, invitations: &[InvitationId]) -> Result<()> {
    for ids in invitations.chunks(500) {
        let values: Vec<Value<'_>> = ids.iter().map(|id| id.0.into()).collect();
        let sql = "DELETE FROM invitations WHERE send_state = 0 AND id IN (?..)";
        tx.execute(with_list(sql, ids.len()), &values).await?;
    }
    Ok(())
}

/// Takes the batch's skips that share a user and a reason with `more` into it, so that they can be written as one.
async fn merge_skips(tx: &mut Tx, run_id: i64, batch_id: i64, more: &mut Verdict) -> Result<()> {
    for ((user, reason), skipped) in &mut more.skipped {
        let key = [run_id.into(), batch_id.into(), (*user).into(), reason.as_str().into()];
        let at = "WHERE run_id = ? AND batch_id = ? AND user_id = ? AND reason = ?";
        let Some(row) = tx.row(format!("SELECT contacts, contact_ids FROM skips {at}"), &key).await? else { continue };
        skipped.contacts += row.small(0)?;
        skipped.ids.extend(row.text(1)?.split(',').filter_map(|id| id.parse::<i64>().ok()));
        tx.execute(format!("DELETE FROM skips {at}"), &key).await?;
    }
    Ok(())
}
