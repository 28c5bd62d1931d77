//! The outbox: what is to be said, written in the transaction that makes it true, delivered afterwards and once more
//! after a crash. Receivers see an item at least once.

use std::{str::FromStr, time::Duration};

use crate::{
    events::Event,
    records::{Result, Tx, Value, dialect::with_list},
};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The run's report is to be written into the objects.
    Report,
    /// The event `job-started`.
    JobStarted,
    /// The event `job-completed`.
    JobCompleted,
    /// The event `monthly-job-completed`.
    MonthlyJobCompleted,
    /// The event `reminder-job-completed`.
    ReminderJobCompleted,
    /// The event `cleanup-job-completed`.
    CleanupJobCompleted,
    /// The event `job-failed`.
    JobFailed,
    /// The event `high-memory-usage`.
    HighMemoryUsage,
    /// A person is to be told.
    Alert,
    /// The event `alerts-triggered`.
    AlertsTriggered,
}

/// Every kind there is.
const KINDS: [Kind; 10] = [
    Kind::Report,
    Kind::JobStarted,
    Kind::JobCompleted,
    Kind::MonthlyJobCompleted,
    Kind::ReminderJobCompleted,
    Kind::CleanupJobCompleted,
    Kind::JobFailed,
    Kind::HighMemoryUsage,
    Kind::Alert,
    Kind::AlertsTriggered,
];

impl Kind {
    /// The word that is stored, and the event's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::JobStarted => "job-started",
            Self::JobCompleted => "job-completed",
            Self::MonthlyJobCompleted => "monthly-job-completed",
            Self::ReminderJobCompleted => "reminder-job-completed",
            Self::CleanupJobCompleted => "cleanup-job-completed",
            Self::JobFailed => "job-failed",
            Self::HighMemoryUsage => "high-memory-usage",
            Self::Alert => "alert",
            Self::AlertsTriggered => "alerts-triggered",
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        KINDS.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Something to be said.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number.
    pub id: i64,
    /// The run it is about; 0 when it is about none.
    pub run_id: i64,
    /// What it is.
    pub kind: Kind,
    /// Its content, as JSON.
    pub body: String,
    /// How often its delivery has failed.
    pub tries: u32,
}

/// Puts an item into the outbox, as part of the transaction that makes it true.
pub async fn put(tx: &mut Tx, run_id: i64, kind: Kind, body: &str) -> Result<()> {
    let sql = "INSERT INTO outbox (run_id, kind, body, error) VALUES (?, ?, ?, '')";
    tx.execute(sql, &[run_id.into(), kind.as_str().into(), body.into()]).await?;
    Ok(())
}

/// Puts an event into the outbox, as part of the transaction that makes it true. A `run_id` of 0 is no run.
pub async fn put_event<E: Event>(tx: &mut Tx, run_id: i64, event: &E) -> Result<()> {
    let body = serde_json::to_string(event).expect("an event is texts and numbers");
    put(tx, run_id, E::KIND, &body).await
}

/// Whether an item of this kind was ever put there about a run.
pub async fn has(tx: &mut Tx, run_id: i64, kind: Kind) -> Result<bool> {
    let sql = "SELECT 1 FROM outbox WHERE run_id = ? AND kind = ? LIMIT 1";
    Ok(tx.row(sql, &[run_id.into(), kind.as_str().into()]).await?.is_some())
}

/// The items that are due, oldest first. Kinds that a later release put there wait for it to come back.
pub async fn due(tx: &mut Tx, most: usize) -> Result<Vec<Item>> {
    let sql = "SELECT id, run_id, kind, body, tries FROM outbox WHERE state = 'due' AND not_before <= {now} \
               AND kind IN (?..) ORDER BY id LIMIT ?";
    let mut values: Vec<Value<'_>> = KINDS.iter().map(|kind| kind.as_str().into()).collect();
    values.push(most.into());
    let rows = tx.rows(with_list(sql, KINDS.len()), &values).await?;
    let item = |row: &crate::records::Row| {
        Ok(Item {
            id: row.int(0)?,
            run_id: row.int(1)?,
            kind: row.parsed(2)?,
            body: row.text(3)?,
            tries: row.small(4)?,
        })
    };
    rows.iter().map(item).collect()
}

/// Notes that items were delivered, and when, by the lease clock: the clean-up forgets them later.
pub async fn delivered(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let values: Vec<Value<'_>> = ids.iter().map(|&id| id.into()).collect();
    tx.execute(with_list("UPDATE outbox SET state = 'sent', not_before = {now} WHERE id IN (?..)", ids.len()), &values)
        .await?;
    Ok(())
}

/// Notes that an item could not be delivered, and when to try again.
pub async fn failed(tx: &mut Tx, id: i64, error: &str, wait: Duration) -> Result<()> {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    let sql = "UPDATE outbox SET tries = tries + 1, error = ?, not_before = {now+?} WHERE id = ?";
    tx.execute(sql, &[error.into(), micros.into(), id.into()]).await?;
    Ok(())
}

/// Whether something about this run is still to be said.
pub async fn has_due(tx: &mut Tx, run_id: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM outbox WHERE run_id = ? AND state = 'due' LIMIT 1";
    Ok(tx.row(sql, &[run_id.into()]).await?.is_some())
}
