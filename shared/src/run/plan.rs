//! Planning: dividing a run's subjects into batches, and sending each batch's message.
//!
//! A planner walks its subjects by key ranges. The batches of one page, their count and the checkpoint go into one
//! transaction whose checkpoint update compares with the old value, so that two planners of one run cannot plan a
//! subject twice: the slower one finds itself overtaken and goes on from where the other is. A planner may stop
//! anywhere; the next one goes on from the checkpoint.

use std::{ops::Range, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};

use super::{
    Run, State,
    batch::{BatchMessage, Subject, write_subjects},
    control::Control,
    redrive,
};
use crate::{
    clock::Clock,
    letters::LetterKind,
    queue::{MESSAGES_PER_CALL, Queue},
    records::{Records, RecordsError, Result, Tx, Value, dialect::with_list, never},
    sqs::Deadline,
};

/// How many queue calls of one planner are under way at once.
const CALLS_AT_ONCE: usize = 8;

/// For how long a message may come to nothing before it is taken for lost, in microseconds: a day.
const MESSAGE_LIFE: i64 = 86_400_000_000;

/// How many batches are read and sent at a time.
const DISPATCH_PAGE: usize = MESSAGES_PER_CALL * CALLS_AT_ONCE;

/// A page of subjects, in the order of their keys.
#[derive(Debug, Clone)]
pub struct Page {
    /// What their letters are to be.
    pub kind: LetterKind,
    /// Those that have something to plan.
    pub subjects: Vec<Subject>,
    /// The last key that this page looked at; `None` when there was nothing after the checkpoint.
    pub checkpoint: Option<i64>,
}

/// How much one batch takes at most; a subject is never divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// How many subjects.
    pub subjects: usize,
    /// How many letters.
    pub letters: u32,
}

impl BatchSize {
    /// Divides subjects, in their order, into batches.
    pub fn divide(self, subjects: &[Subject]) -> Vec<&[Subject]> {
        let (mut batches, mut rest) = (Vec::new(), subjects);
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(self.fitting(rest).max(1));
            batches.push(batch);
            rest = others;
        }
        batches
    }

    /// How many of the first subjects one batch takes.
    fn fitting(self, subjects: &[Subject]) -> usize {
        let mut letters = 0_u32;
        let mut fits = |subject: &&Subject| {
            letters = letters.saturating_add(subject.planned);
            letters <= self.letters
        };
        subjects.iter().take(self.subjects).take_while(|subject| fits(subject)).count()
    }
}

/// What a job's planner walks.
pub trait Subjects: Clone + Send + Sync + 'static {
    /// The subjects after the key `after`, at most a few hundred, up to the run's high-water mark.
    fn page(self, tx: &mut Tx, after: i64) -> BoxFuture<'_, Result<Page>>;

    /// How much one batch takes.
    fn batch_size(&self) -> BatchSize;
}

/// How a planner ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanEnd {
    /// Every subject is planned and every batch queued.
    Complete,
    /// Time was nearly up; the keeper goes on from the checkpoint.
    OutOfTime,
    /// A person paused or cancelled the run.
    Stopped,
    /// Workers have the rest, and whoever finishes last ends the run; where none does, the keeper goes on.
    HandedOver,
}

/// Plans `run` from its checkpoint to its end, or until `deadline`. Its messages carry the run's trace. A redrive has no
/// subjects to walk: its batches are those that it took over.
pub async fn plan<S: Subjects>(
    records: &Records,
    queue: &dyn Queue,
    clock: &Clock,
    run: &Run,
    subjects: &S,
    deadline: &Deadline,
) -> anyhow::Result<PlanEnd> {
    let mut run = run.clone();
    while !run.plan_complete {
        if deadline.is_within(Duration::ZERO) {
            return Ok(PlanEnd::OutOfTime);
        }
        run = match run.parent {
            0 => walk(records, &run, subjects).await?,
            _ => redrive::advance(records, clock, &run).await?,
        };
        if run.control != Control::Run || run.state != State::Open {
            return Ok(PlanEnd::Stopped);
        }
        dispatch(records, queue, run.id).await?;
    }
    dispatch(records, queue, run.id).await?;
    Ok(PlanEnd::Complete)
}

/// Plans the page of subjects after the checkpoint; gives the run as it stands then.
async fn walk<S: Subjects>(records: &Records, run: &Run, subjects: &S) -> Result<Run> {
    let (walk, after, id) = (subjects.clone(), run.checkpoint, run.id);
    let page = records.read(move |tx| walk.clone().page(tx, after)).await?;
    advance(records, run, page, subjects.batch_size()).await?;
    records.read(move |tx| async move { Run::find(tx, id).await?.ok_or(RecordsError::Fenced) }.boxed()).await
}

/// Writes a page's batches and moves the checkpoint; nothing, when another planner was here first or the run is
/// stopped.
async fn advance(records: &Records, run: &Run, page: Page, batch_size: BatchSize) -> Result<()> {
    let (run_id, old) = (run.id, run.checkpoint);
    let advanced = records
        .transaction(move |tx| {
            let page = page.clone();
            async move {
                let planned: u64 = page.subjects.iter().map(|subject| u64::from(subject.planned)).sum();
                move_checkpoint(tx, run_id, old, page.checkpoint, planned).await?;
                insert_batches(tx, run_id, &page, batch_size).await
            }
            .boxed()
        })
        .await;
    match advanced {
        Err(RecordsError::Fenced) => Ok(()),
        outcome => outcome,
    }
}

/// Moves a run's checkpoint on from where it was found, as part of the transaction that does what lies between, and adds
/// to what is planned. Where `to` is `None`, that was all.
///
/// # Errors
/// [`RecordsError::Fenced`] when another process was first, or the run is stopped.
pub async fn move_checkpoint(tx: &mut Tx, run_id: i64, from: i64, to: Option<i64>, planned: u64) -> Result<()> {
    let sql = "UPDATE runs SET checkpoint = ?, checkpoint_at = {now}, planned = planned + ?, plan_complete = ? \
               WHERE id = ? AND checkpoint = ? AND plan_complete = 0 AND state = 'open' AND control = 'run'";
    let values = [to.unwrap_or(from).into(), planned.into(), to.is_none().into(), run_id.into(), from.into()];
    if tx.execute(sql, &values).await? == 1 { Ok(()) } else { Err(RecordsError::Fenced) }
}

/// Adds to a run's checkpoint what was done of a stage whose parts may be done in any order and by several processes, as
/// part of the transaction that does it. The stage lasts as long as the checkpoint is within it.
///
/// # Errors
/// [`RecordsError::Fenced`] when the run is not in that stage, or is stopped.
pub async fn add_to_checkpoint(tx: &mut Tx, run_id: i64, stage: Range<i64>, done: u64) -> Result<()> {
    let sql = "UPDATE runs SET checkpoint = checkpoint + ?, checkpoint_at = {now} WHERE id = ? AND checkpoint >= ? \
               AND checkpoint < ? AND plan_complete = 0 AND state = 'open' AND control = 'run'";
    let values = [done.into(), run_id.into(), stage.start.into(), stage.end.into()];
    if tx.execute(sql, &values).await? == 1 { Ok(()) } else { Err(RecordsError::Fenced) }
}

async fn insert_batches(tx: &mut Tx, run_id: i64, page: &Page, batch_size: BatchSize) -> Result<()> {
    let mut values: Vec<Value<'_>> = Vec::new();
    for batch in batch_size.divide(&page.subjects) {
        let planned: u32 = batch.iter().map(|subject| subject.planned).sum();
        let kind = page.kind.as_str();
        values.extend([run_id.into(), kind.into(), write_subjects(batch).into(), planned.into(), "".into()]);
    }
    tx.insert_rows("INSERT INTO batches (run_id, letters, subjects, planned, cause) VALUES", 5, "", &values).await
}

/// Sends a message for every batch of the run that waits for one. Safe to repeat: a message sent twice is one batch.
pub async fn dispatch(records: &Records, queue: &dyn Queue, run_id: i64) -> anyhow::Result<u64> {
    let mut dispatched = 0;
    loop {
        let waiting = records.read(move |tx| waiting_batches(tx, run_id).boxed()).await?;
        if waiting.batches.is_empty() {
            return Ok(dispatched);
        }
        let as_of = waiting.as_of;
        let trace = Some(waiting.trace.as_str()).filter(|trace| !trace.is_empty());
        let calls: Vec<anyhow::Result<Vec<i64>>> =
            futures_util::stream::iter(waiting.batches.chunks(MESSAGES_PER_CALL).map(<[i64]>::to_vec))
                .map(|batches| send(queue, run_id, batches, trace))
                .buffer_unordered(CALLS_AT_ONCE)
                .collect()
                .await;
        let (mut sent, mut failed) = (Vec::new(), None);
        for call in calls {
            match call {
                Ok(batches) => sent.extend(batches),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let count = sent.len() as u64;
        if count > 0 {
            // What went through is noted although another call failed: it would only be sent twice.
            records.transaction(move |tx| mark_queued(tx, sent.clone(), as_of).boxed()).await?;
        }
        if let Some(error) = failed {
            return Err(error);
        }
        anyhow::ensure!(count > 0, "the queue took none of {} messages of run {run_id}", waiting.batches.len());
        dispatched += count;
    }
}

/// Lets batches have another message whose last one nobody has acted on for a day: the queue may have lost it, by being
/// emptied or by keeping it too long. A message that was only slow, and the other, are one batch.
pub async fn requeue_lost(records: &Records) -> anyhow::Result<()> {
    let lost = records.read(|tx| lost_batches(tx).boxed()).await.context("looking for lost messages")?;
    if lost.is_empty() {
        return Ok(());
    }
    tracing::warn!(batches = lost.len(), "nothing came of these batches' messages for a day; they are sent again");
    records.transaction(move |tx| unmark_queued(tx, lost.clone()).boxed()).await.context("sending messages again")
}

async fn lost_batches(tx: &mut Tx) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM batches WHERE state IN ('planned', 'open') AND queued = 1 AND not_before < {now+?} \
               ORDER BY not_before LIMIT ?";
    let rows = tx.rows(sql, &[(-MESSAGE_LIFE).into(), DISPATCH_PAGE.into()]).await?;
    rows.iter().map(|row| row.int(0)).collect()
}

async fn unmark_queued(tx: &mut Tx, batches: Vec<i64>) -> Result<()> {
    let mut values: Vec<Value<'_>> = vec![(-MESSAGE_LIFE).into()];
    values.extend(batches.iter().map(|&id| Value::from(id)));
    let sql = "UPDATE batches SET queued = 0 WHERE queued = 1 AND not_before < {now+?} AND id IN (?..)";
    tx.execute(with_list(sql, batches.len()), &values).await?;
    Ok(())
}

/// Batches that wait for a message.
struct Waiting {
    batches: Vec<i64>,
    /// When they did, by the lease clock.
    as_of: DateTime<Utc>,
    /// Their run's trace; empty where it has none.
    trace: String,
}

async fn waiting_batches(tx: &mut Tx, run_id: i64) -> Result<Waiting> {
    let rows = tx
        .rows(
            "SELECT b.id, {now}, r.trace FROM batches b JOIN runs r ON r.id = b.run_id AND r.control = 'run' \
             AND r.state = 'open' WHERE b.run_id = ? AND b.state IN ('planned', 'open') AND b.queued = 0 \
             AND b.not_before < {now} ORDER BY b.id LIMIT ?",
            &[run_id.into(), DISPATCH_PAGE.into()],
        )
        .await?;
    let as_of = rows.first().map_or(Ok(never()), |row| row.time(1))?;
    let trace = rows.first().map_or(Ok(String::new()), |row| row.text(2))?;
    Ok(Waiting { batches: rows.iter().map(|row| row.int(0)).collect::<Result<_>>()?, as_of, trace })
}

/// Sends one call's messages; gives the batches that the queue took.
async fn send(queue: &dyn Queue, run: i64, batches: Vec<i64>, trace: Option<&str>) -> anyhow::Result<Vec<i64>> {
    let message = |&batch: &i64| serde_json::to_string(&BatchMessage { run, batch });
    let bodies = batches.iter().map(message).collect::<serde_json::Result<_>>()?;
    let refused = queue.send(bodies, trace).await?;
    Ok(batches.into_iter().enumerate().filter(|(index, _)| !refused.contains(index)).map(|(_, id)| id).collect())
}

/// Notes that messages were sent, and when, for batches that waited at `as_of`. A worker may have been quicker than this and have
/// handed a batch back already, not before a later moment: then it waits for another message.
async fn mark_queued(tx: &mut Tx, batches: Vec<i64>, as_of: DateTime<Utc>) -> Result<()> {
    let mut values: Vec<Value<'_>> = vec![as_of.into()];
    values.extend(batches.iter().map(|&id| Value::from(id)));
    let sql = "UPDATE batches SET queued = 1, not_before = {now} WHERE not_before < ? AND id IN (?..)";
    tx.execute(with_list(sql, batches.len()), &values).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_subject_comes_into_one_batch_and_no_batch_takes_more_than_it_may(
            planned in proptest::collection::vec(1..2_000_u32, 0..200), subjects in 1..60_usize, letters in 1..3_000_u32,
        ) {
            let all: Vec<_> = (1..).zip(planned).map(|(id, planned)| Subject { id, planned }).collect();
            let batches = BatchSize { subjects, letters }.divide(&all);
            prop_assert_eq!(&batches.concat(), &all);
            for batch in batches {
                let sum: u32 = batch.iter().map(|subject| subject.planned).sum();
                prop_assert!(batch.len() <= subjects && (sum <= letters || batch.len() == 1), "{batch:?}");
            }
        }
    }
}
