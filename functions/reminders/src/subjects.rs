//! Of which invitations a reminder came due: batches of which some were sent in the right stretch of time.
//!
//! First reminders are walked before second ones, because only they can come too late; each kind in the order of the
//! batches, which is about that of their sending.

use std::collections::BTreeMap;

use futures_util::{FutureExt, future::BoxFuture};
use shared::{
    letters::{LetterKind, ReminderKind},
    records::{Result, Tx, Value, dialect::with_list},
    reminders::{ReminderParameters, Stretch},
    run::{
        batch::Subject,
        plan::{BatchSize, Page, Subjects},
    },
};

/// How many batches of invitations one page looks at.
const PAGE: usize = 200;

/// How much a batch of reminders takes: about as much as a batch of invitations.
const BATCH: BatchSize = BatchSize { subjects: 50, letters: 1_000 };

/// Where the keys of second reminders begin: beyond every batch's number.
const SECOND: i64 = 1 << 62;

/// What a run of the reminders walks: its key is the batch of invitations, and for second reminders `SECOND` more.
#[derive(Debug, Clone, Copy)]
pub struct ReminderSubjects(pub ReminderParameters);

/// How many letters came due, by the batch of their invitations.
type Due = BTreeMap<i64, u64>;

impl Subjects for ReminderSubjects {
    fn page(self, tx: &mut Tx, after: i64) -> BoxFuture<'_, Result<Page>> {
        async move {
            if after < SECOND {
                let page = first_reminders(tx, &self.0, after).await?;
                if page.checkpoint.is_some() {
                    return Ok(page);
                }
            }
            second_reminders(tx, &self.0, (after - SECOND).max(0)).await
        }
        .boxed()
    }

    fn batch_size(&self) -> BatchSize {
        BATCH
    }
}

async fn first_reminders(tx: &mut Tx, parameters: &ReminderParameters, after: i64) -> Result<Page> {
    let sent = sent_in(tx, parameters.sent(ReminderKind::First), after).await?;
    let invitations = only_invitations(tx, sent).await?;
    Ok(page(ReminderKind::First, 0, invitations))
}

/// Those whose invitation is old enough, and those that had to wait for their first.
async fn second_reminders(tx: &mut Tx, parameters: &ReminderParameters, after: i64) -> Result<Page> {
    let sent = sent_in(tx, parameters.sent(ReminderKind::Second), after).await?;
    let waiting = waiting_in(tx, parameters.waited, after).await?;
    let horizon = [&sent, &waiting].into_iter().filter_map(horizon).min();
    let mut due = only_invitations(tx, sent).await?;
    for (batch, letters) in waiting {
        *due.entry(batch).or_default() += letters;
    }
    if let Some(horizon) = horizon {
        due.retain(|batch, _| *batch <= horizon);
    }
    Ok(page(ReminderKind::Second, SECOND, due))
}

/// The last batch about which a page knows everything; none when it holds all there are.
fn horizon(due: &Due) -> Option<i64> {
    due.last_key_value().map(|(batch, _)| *batch).filter(|_| due.len() == PAGE)
}

fn page(kind: ReminderKind, base: i64, due: Due) -> Page {
    let checkpoint = due.last_key_value().map(|(batch, _)| base + batch);
    let subject = |(id, letters): (i64, u64)| Subject { id, planned: u32::try_from(letters).unwrap_or(u32::MAX) };
    let subjects = due.into_iter().map(subject).filter(|subject| subject.planned > 0).collect();
    Page { kind: LetterKind::Reminder(kind), subjects, checkpoint }
}

/// How many letters were accepted in a stretch of time, by batch, whatever they are: the next batches, at most a page.
async fn sent_in(tx: &mut Tx, sent: Stretch, after: i64) -> Result<Due> {
    // The sum of nothing keeps a database from walking the batches in their order instead of the stretch of time.
    let sql = "SELECT batch_id + 0, SUM(accepted) FROM sends WHERE claimed_at > ? AND claimed_at <= ? \
               AND batch_id + 0 > ? GROUP BY 1 ORDER BY 1 LIMIT ?";
    read(tx, sql, sent, after).await
}

/// How many second reminders had to wait until a stretch of time, by the batch of their invitations.
async fn waiting_in(tx: &mut Tx, waited: Stretch, after: i64) -> Result<Due> {
    let sql = "SELECT batch_id + 0, SUM(1) FROM waiting_reminders WHERE due_at > ? AND due_at <= ? \
               AND batch_id + 0 > ? GROUP BY 1 ORDER BY 1 LIMIT ?";
    read(tx, sql, waited, after).await
}

async fn read(tx: &mut Tx, sql: &'static str, stretch: Stretch, after: i64) -> Result<Due> {
    let values = [stretch.after.into(), stretch.until.into(), after.into(), PAGE.into()];
    let rows = tx.rows(sql, &values).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.sum(1)?))).collect()
}

/// The same, with no letters of batches that hold reminders themselves: a page without subjects still moves on.
async fn only_invitations(tx: &mut Tx, mut due: Due) -> Result<Due> {
    if due.is_empty() {
        return Ok(due);
    }
    let values: Vec<Value<'_>> = due.keys().map(|&batch| batch.into()).collect();
    let sql = "SELECT id FROM batches WHERE letters <> 'invitation' AND id IN (?..)";
    for row in tx.rows(with_list(sql, values.len()), &values).await? {
        due.insert(row.int(0)?, 0);
    }
    Ok(due)
}
