//! Dead letters: takes what lands in a dead-letter queue, records it with its cause, and says so once a cause.
//!
//! A batch's letter parks its batch, so that its run can close: what was not sent of it counts as failed, and
//! `almanac redrive` does it again. A page's letter changes nothing: what is missing of its run, the planner measures that the
//! keeper starts again. What cannot be recorded goes the queue's own way to the parking queue.

pub mod history;
mod letter;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use futures_util::FutureExt;
use sha2::{Digest as _, Sha256};
use shared::{
    alerts::{self, Alert, Severity},
    clock::Clock,
    records::{Records, Result, Tx},
    run::{
        Run, State,
        batch::{self, BatchMessage, BatchState},
        close,
    },
    sqs::{Deadline, Message, Outcome, RecordHandler},
};

pub use letter::{Kind, Letter};

/// The function's name.
pub const JOB: &str = "dead-letters";

/// The function and what it stands on.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    /// Where letters are recorded, and where the batches are that they were for.
    pub records: Records,
    /// The business clock.
    pub clock: Clock,
}

impl DeadLetters {
    /// Records a letter. Gives false while a call of its batch is under way: then it comes again.
    async fn record(&self, message: &Message) -> Result<bool> {
        let (letter, message, now) = (Arc::new(Letter::read(message)), Arc::new(message.clone()), self.clock.now());
        let of = letter.batch();
        let recorded = self
            .records
            .transaction(move |tx| {
                let (letter, message) = (letter.clone(), message.clone());
                async move { record(tx, &letter, &message, now).await }.boxed()
            })
            .await?;
        if let (true, Some(of)) = (recorded, of) {
            close::try_close(&self.records, &self.clock, of.run).await?;
        }
        Ok(recorded)
    }
}

/// A letter that fails goes its queue's way to the parking queue, whose alarm tells people.
#[async_trait]
impl RecordHandler for DeadLetters {
    async fn handle(&self, message: &Message, _: Deadline) -> anyhow::Result<Outcome> {
        Ok(match self.record(message).await? {
            true => Outcome::Done,
            false => Outcome::Retry { cause: "a call of its batch is under way".to_owned() },
        })
    }
}

/// What became of a letter's matter.
enum Fate {
    /// It came to nothing, for this cause.
    Lost(String),
    /// It was settled before: the letter is one too many, and says so.
    Settled(String),
    /// A call is under way.
    NotYet,
}

async fn record(tx: &mut Tx, letter: &Letter, message: &Message, now: DateTime<Utc>) -> Result<bool> {
    let (letter, fate) = match letter.kind {
        Kind::Batch(of) => (letter.clone(), park(tx, of, &letter.cause).await?),
        Kind::Page(of) => of_page(tx, letter, of.run).await?,
        Kind::Firing | Kind::Feedback | Kind::Unreadable => (letter.clone(), Fate::Lost(letter.cause.clone())),
    };
    let letter = &letter;
    match fate {
        Fate::NotYet => return Ok(false),
        Fate::Settled(cause) => insert(tx, letter, message, &cause, now).await?,
        Fate::Lost(cause) => {
            insert(tx, letter, message, &cause, now).await?;
            alert(tx, letter, &cause, now).await?;
        }
    }
    Ok(true)
}

/// Says that letters of this cause have come: once for each run, or for each function and day where they are of no run.
async fn alert(tx: &mut Tx, letter: &Letter, cause: &str, now: DateTime<Utc>) -> Result<()> {
    let (slug, run, of) = match letter.kind {
        Kind::Batch(of) => ("batch-dead-letter", Some(of.run), format!("run-{}", of.run)),
        Kind::Page(of) => ("page-dead-letter", Some(of.run), format!("run-{}", of.run)),
        Kind::Firing => ("firing-dead-letter", None, now.format("%Y-%m-%d").to_string()),
        Kind::Feedback => ("feedback-dead-letter", None, now.format("%Y-%m-%d").to_string()),
        Kind::Unreadable => ("unreadable-dead-letter", None, now.format("%Y-%m-%d").to_string()),
    };
    let words = format!("{} {cause}", letter.target);
    let subject = format!("{of}/{}", HEXLOWER.encode(&Sha256::digest(words)[..8]));
    let message = format!("a {} for {} came to nothing: {cause}", letter.kind.as_str(), letter.target);
    // Of a page nothing waits for a person.
    let severity = if matches!(letter.kind, Kind::Page(_)) { Severity::Medium } else { Severity::High };
    let alert =
        Alert { job: JOB, cause: slug, subject: &subject, severity, message, run, value: None, threshold: None };
    alerts::raise(tx, &alert).await.map(drop)
}

/// The letter of a page of that run, for the job that its run is of.
async fn of_page(tx: &mut Tx, letter: &Letter, run: i64) -> Result<(Letter, Fate)> {
    let Some(run) = Run::find(tx, run).await? else {
        return Ok((letter.clone(), Fate::Lost(format!("there is no run {run}"))));
    };
    let fate = match run.state {
        State::Open => Fate::Lost(letter.cause.clone()),
        state => Fate::Settled(format!("its run is {}: the letter is one too many", state.as_str())),
    };
    Ok((Letter { target: run.job, ..letter.clone() }, fate))
}

/// Parks a letter's batch, where it is unfinished. The cause is that of the last try that a worker noted as failed, where
/// one did: what the batch waited for before is none.
async fn park(tx: &mut Tx, of: BatchMessage, otherwise: &str) -> Result<Fate> {
    // Locked, so that no worker finishes it between this look and the parking.
    let sql = "SELECT state, cause, tries FROM batches WHERE id = ? {for update}";
    let row = tx.row(sql, &[of.batch.into()]).await?;
    let Some(row) = row else { return Ok(Fate::Lost(format!("there is no batch {}", of.batch))) };
    let state: BatchState = row.parsed(0)?;
    if !matches!(state, BatchState::Planned | BatchState::Open) {
        return Ok(Fate::Settled(format!("its batch is {}: the letter is one too many", state.as_str())));
    }
    let cause = if row.small(2)? > 0 { row.text(1)? } else { otherwise.to_owned() };
    Ok(if batch::park(tx, of.batch, &cause).await? { Fate::Lost(cause) } else { Fate::NotYet })
}

async fn insert(tx: &mut Tx, letter: &Letter, message: &Message, cause: &str, now: DateTime<Utc>) -> Result<()> {
    let (run, batch) = (letter.run().unwrap_or(0), letter.batch().map_or(0, |of| of.batch));
    let attributes = serde_json::to_string(&message.attributes).expect("a map of texts is JSON");
    tx.execute(
        "INSERT INTO dead_letters (queue, message_id, kind, target, cause, run_id, batch_id, body, attributes, \
         recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {or ignore queue}",
        &[
            (&message.queue).into(),
            (&message.id).into(),
            letter.kind.as_str().into(),
            (&letter.target).into(),
            cause.into(),
            run.into(),
            batch.into(),
            (&message.body).into(),
            attributes.into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}
