//! Preparing a batch of invitations: its rows, its users' membership of the cycle and its skips, in one transaction.

use std::{borrow::Cow, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shared::{
    cycle::CycleParameters,
    invitation::InvitationId,
    links::TOKEN_BYTES,
    random,
    records::{Records, RecordsError, Result, Tx, Value, dialect::with_list},
    run::batch::Batch,
};

use crate::{
    WorkerOptions,
    addressees::{Addressee, Prepared},
    eligibility::{PRIORITY_RATE, SkipReason},
    people::Contact,
    selection::{self, Verdict},
    taking,
};

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
        let mine = taking::take(tx, self.batch_id, &self.worker).await?;
        let elsewhere = self.join_cycle(tx).await?;
        if mine {
            let verdict = match elsewhere.as_slice() {
                [] => Cow::Borrowed(&self.verdict),
                users => Cow::Owned(without(self.verdict.clone(), users)),
            };
            self.insert_invitations(tx, &verdict.invited).await?;
            verdict.skipped.insert(tx, self.run_id, self.batch_id, self.now).await?;
        }
        Ok(elsewhere)
    }

    fn into_prepared(self, elsewhere: &[i64]) -> Prepared {
        let verdict = without(self.verdict, elsewhere);
        let (tokens, _) = self.tokens.as_chunks();
        let (batch_id, expires_at) = (self.batch_id, self.expires_at);
        let addressee = |((contact, position), token): ((Contact, u32), &[u8; TOKEN_BYTES])| Addressee {
            position,
            invitation: InvitationId::new(batch_id, position),
            user_id: contact.user_id,
            contact_id: contact.candidate.id,
            email: contact.email,
            first_name: contact.first_name,
            token: *token,
            expires_at,
        };
        Prepared {
            addressees: verdict.invited.into_iter().zip(0..).zip(tokens).map(addressee).collect(),
            users: verdict.users,
            are_in_doubt: false,
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
