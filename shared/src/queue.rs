//! The queue between planners and workers, and the one that one machine uses: a table of the records.
//!
//! The table keeps SQS's promises and no better ones: at least once, a visibility time-out, a receive count, dead
//! letters after too many receives.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::Notify;

use crate::{
    process::Holder,
    random,
    records::{Records, Result, Script, Tx, Value, dialect::with_list},
};

/// The most messages of one call, as SQS has it.
pub const MESSAGES_PER_CALL: usize = 10;

/// The message attribute that carries the trace id.
pub const TRACE: &str = "trace";

/// How often a message is received before it is a dead letter.
pub const MAX_RECEIVES: u32 = 5;

/// How many deaths of its process a message may see before they count as its own failures.
pub const MOST_DEATHS: u32 = 100;

/// Where a planner sends its messages.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends at most [`MESSAGES_PER_CALL`] messages; gives the indexes of those that the queue refused.
    ///
    /// `trace` names the firing that they come from, so that a worker's log can be found from it.
    async fn send(&self, bodies: Vec<String>, trace: Option<&str>) -> anyhow::Result<Vec<usize>>;
}

/// A message that was received and is invisible to others for a while.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its number.
    pub id: i64,
    /// What it says.
    pub body: String,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// Names this receive: only its holder may delete or release the message.
    pub receipt: String,
}

/// A queue in the records.
#[derive(Debug)]
pub struct RecordsQueue {
    records: Records,
    name: &'static str,
    arrived: Notify,
}

impl RecordsQueue {
    /// The queue of that name.
    pub fn new(records: Records, name: &'static str) -> Self {
        Self { records, name, arrived: Notify::new() }
    }

    /// The invitation worker's queue.
    pub fn invitations(records: Records) -> Self {
        Self::new(records, "invitations")
    }

    /// Waits until this process has sent something, at most for `wait`.
    pub async fn wait_for_arrivals(&self, wait: Duration) {
        tokio::time::timeout(wait, self.arrived.notified()).await.ok();
    }

    /// Receives at most `most` messages that are visible now; nobody else sees them for the time of `visibility`.
    pub async fn receive(&self, holder: &Holder, most: usize, visibility: Duration) -> Result<Vec<Received>> {
        let (name, visibility, holder) = (self.name, micros(visibility), holder.token().to_owned());
        let receipt = random::token();
        self.records
            .transaction(move |tx| receive(tx, name, visibility, holder.clone(), receipt.clone(), most).boxed())
            .await
    }

    /// Deletes messages of one receive that are done.
    pub async fn delete(&self, done: Vec<Received>) -> Result<()> {
        let Some(first) = done.first() else { return Ok(()) };
        let mut values: Vec<Value<'static>> = vec![first.receipt.clone().into()];
        values.extend(done.iter().map(|message| Value::from(message.id)));
        let mut script = Script::default();
        script.push(with_list("DELETE FROM queue_messages WHERE receipt = ? AND id IN (?..)", done.len()), values);
        self.records.run_script(script).await.map(drop)
    }

    /// Makes failed messages visible again, later the more often they failed: at most a minute. Nobody holds them then.
    pub async fn retry_later(&self, failed: Vec<Received>) -> Result<()> {
        if failed.is_empty() {
            return Ok(());
        }
        self.records
            .transaction(move |tx| {
                let failed = failed.clone();
                async move {
                    for message in &failed {
                        let wait = Duration::from_secs(1 << message.receive_count.min(6));
                        tx.execute(
                            "UPDATE queue_messages SET visible_at = {now+?}, holder = '' WHERE id = ? AND receipt = ?",
                            &[
                                micros(wait.min(Duration::from_secs(60))).into(),
                                message.id.into(),
                                (&message.receipt).into(),
                            ],
                        )
                        .await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Dead letters that nobody has dealt with, some at a time: number and body. They stay in the table for ever.
    pub async fn new_dead_letters(&self) -> Result<Vec<(i64, String)>> {
        let name = self.name;
        self.records
            .read(move |tx| {
                async move {
                    let sql = "SELECT id, body FROM queue_messages WHERE queue = ? AND dead = 1 LIMIT 100";
                    let rows = tx.rows(sql, &[name.into()]).await?;
                    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
                }
                .boxed()
            })
            .await
    }

    /// Notes that a dead letter was dealt with.
    pub async fn dealt_with(&self, dead_letter: i64) -> Result<()> {
        let mut script = Script::default();
        script.push("UPDATE queue_messages SET dead = 2 WHERE id = ? AND dead = 1", vec![dead_letter.into()]);
        self.records.run_script(script).await.map(drop)
    }

    /// Makes visible at once what processes that have died were holding. A process's death is not a message's fault, so
    /// that receive does not count; but a message that sees too many of them may well be their cause.
    pub async fn release_held_by(&self, dead: Vec<String>) -> Result<u64> {
        if dead.is_empty() {
            return Ok(0);
        }
        let released = self
            .records
            .transaction(move |tx| {
                let dead = dead.clone();
                async move {
                    let mut values: Vec<Value<'_>> = vec![MOST_DEATHS.into()];
                    values.extend(dead.iter().map(Value::from));
                    let sql = "UPDATE queue_messages SET visible_at = {now}, \
                               receive_count = receive_count - CASE WHEN deaths < ? THEN 1 ELSE 0 END, \
                               deaths = deaths + 1, holder = '' \
                               WHERE dead = 0 AND receive_count > 0 AND holder IN (?..)";
                    tx.execute(with_list(sql, dead.len()), &values).await
                }
                .boxed()
            })
            .await?;
        self.arrived.notify_waiters();
        Ok(released)
    }

    /// How many messages wait or are being worked, and how many are dead letters.
    pub async fn depth(&self) -> Result<(u64, u64)> {
        let name = self.name;
        self.records
            .read(move |tx| {
                async move {
                    let sql = "SELECT dead, COUNT(*) FROM queue_messages WHERE queue = ? GROUP BY dead";
                    let mut depth = (0, 0);
                    for row in tx.rows(sql, &[name.into()]).await? {
                        *(if row.truth(0)? { &mut depth.1 } else { &mut depth.0 }) = row.count(1)?;
                    }
                    Ok(depth)
                }
                .boxed()
            })
            .await
    }
}

#[async_trait]
impl Queue for RecordsQueue {
    /// One machine has one log, in which the run is enough: the trace is not kept.
    async fn send(&self, bodies: Vec<String>, _trace: Option<&str>) -> anyhow::Result<Vec<usize>> {
        let name = self.name;
        self.records
            .transaction(move |tx| {
                let bodies = bodies.clone();
                async move {
                    for body in &bodies {
                        tx.execute(
                            "INSERT INTO queue_messages (queue, body, sent_at, visible_at) VALUES (?, ?, {now}, {now})",
                            &[name.into(), body.into()],
                        )
                        .await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await?;
        self.arrived.notify_waiters();
        Ok(Vec::new())
    }
}

async fn receive(
    tx: &mut Tx,
    queue: &'static str,
    visibility: i64,
    holder: String,
    receipt: String,
    most: usize,
) -> Result<Vec<Received>> {
    let mut received = Vec::new();
    loop {
        let rows = tx
            .rows(
                "SELECT id, body, receive_count FROM queue_messages WHERE queue = ? AND dead = 0 AND visible_at <= {now} \
                 ORDER BY visible_at, id LIMIT ? {for update}",
                &[queue.into(), most.into()],
            )
            .await?;
        for row in &rows {
            let (id, receives) = (row.int(0)?, row.small(2)?);
            if receives >= MAX_RECEIVES {
                tx.execute("UPDATE queue_messages SET dead = 1 WHERE id = ?", &[id.into()]).await?;
                continue;
            }
            tx.execute(
                "UPDATE queue_messages SET visible_at = {now+?}, receive_count = receive_count + 1, receipt = ?, \
                 holder = ? WHERE id = ?",
                &[visibility.into(), (&receipt).into(), (&holder).into(), id.into()],
            )
            .await?;
            received.push(Received { id, body: row.text(1)?, receive_count: receives + 1, receipt: receipt.clone() });
        }
        // Dead letters must not look like an empty queue.
        if !received.is_empty() || rows.is_empty() {
            return Ok(received);
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
