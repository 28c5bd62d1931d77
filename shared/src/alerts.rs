//! Alerts: a condition that people should know of is said once when it is met, and once when it has cleared, however
//! many find it and however often.
//!
//! What is said goes into the outbox in the transaction that decides it: to people through the alerts topic, and to
//! other programs as the event `alerts-triggered`.

use crate::{
    events::alerts::{AlertsTriggered, State, Triggered},
    records::{Result, Tx},
    run::outbox::{self, Kind},
};

pub use crate::events::alerts::Severity;

/// A condition that is met. Job, cause and subject name it for as long as it lasts.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert<'a> {
    /// The job that finds it.
    pub job: &'a str,
    /// What is the matter, as a slug: `run-stuck`. At most 64 bytes, like job and subject.
    pub cause: &'a str,
    /// What it is about, where one cause can have several: `run-42`; else empty.
    pub subject: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// For people, without personal data.
    pub message: String,
    /// The run that it is about.
    pub run: Option<i64>,
    /// What was measured.
    pub value: Option<f64>,
    /// What it was to stay under, or above.
    pub threshold: Option<f64>,
}

/// Notes that a condition is met, and says it where it was not met before. Gives whether it is said.
pub async fn raise(tx: &mut Tx, alert: &Alert<'_>) -> Result<bool> {
    insert_cleared(tx, alert).await?;
    if !turn_to_raised(tx, alert).await? {
        count_again(tx, alert).await?;
        return Ok(false);
    }
    let triggered = Triggered {
        cause: alert.cause.to_owned(),
        subject: alert.subject.to_owned(),
        severity: alert.severity,
        state: State::Raised,
        message: alert.message.clone(),
        run: alert.run,
        value: alert.value,
        threshold: alert.threshold,
    };
    say(tx, alert.job, triggered).await?;
    Ok(true)
}

/// Notes that a condition is no longer met, and says it where it was. Gives whether it is said.
pub async fn clear(tx: &mut Tx, job: &str, cause: &str, subject: &str) -> Result<bool> {
    if !turn_to_cleared(tx, job, cause, subject).await? {
        return Ok(false);
    }
    let sql = "SELECT severity, message, run_id FROM alerts WHERE job = ? AND cause = ? AND subject = ?";
    let Some(row) = tx.row(sql, &[job.into(), cause.into(), subject.into()]).await? else { return Ok(false) };
    let triggered = Triggered {
        cause: cause.to_owned(),
        subject: subject.to_owned(),
        severity: row.parsed(0)?,
        state: State::Cleared,
        message: format!("over: {}", row.text(1)?),
        run: Some(row.int(2)?).filter(|run| *run > 0),
        value: None,
        threshold: None,
    };
    say(tx, job, triggered).await?;
    Ok(true)
}

async fn say(tx: &mut Tx, job: &str, triggered: Triggered) -> Result<()> {
    let run = triggered.run.unwrap_or_default();
    let body = serde_json::to_string(&AlertsTriggered::of(job, triggered)).expect("texts and numbers are JSON");
    outbox::put(tx, run, Kind::Alert, &body).await?;
    outbox::put(tx, run, Kind::AlertsTriggered, &body).await
}

/// Makes the row on which those who find the condition at once wait for each other.
async fn insert_cleared(tx: &mut Tx, alert: &Alert<'_>) -> Result<()> {
    let sql = "INSERT INTO alerts (job, cause, subject, severity, message) VALUES (?, ?, ?, ?, '') {or ignore job}";
    let values = [alert.job.into(), alert.cause.into(), alert.subject.into(), alert.severity.as_str().into()];
    tx.execute(sql, &values).await?;
    Ok(())
}

async fn turn_to_raised(tx: &mut Tx, alert: &Alert<'_>) -> Result<bool> {
    let sql = "UPDATE alerts SET state = 'raised', severity = ?, message = ?, run_id = ?, times = 1, first_at = {now}, \
               last_at = {now} WHERE job = ? AND cause = ? AND subject = ? AND state = 'cleared'";
    let values = [
        alert.severity.as_str().into(),
        (&alert.message).into(),
        alert.run.unwrap_or_default().into(),
        alert.job.into(),
        alert.cause.into(),
        alert.subject.into(),
    ];
    Ok(tx.execute(sql, &values).await? == 1)
}

async fn count_again(tx: &mut Tx, alert: &Alert<'_>) -> Result<()> {
    let sql = "UPDATE alerts SET times = times + 1, last_at = {now} WHERE job = ? AND cause = ? AND subject = ? \
               AND state = 'raised'";
    tx.execute(sql, &[alert.job.into(), alert.cause.into(), alert.subject.into()]).await?;
    Ok(())
}

async fn turn_to_cleared(tx: &mut Tx, job: &str, cause: &str, subject: &str) -> Result<bool> {
    let sql = "UPDATE alerts SET state = 'cleared', last_at = {now} WHERE job = ? AND cause = ? AND subject = ? \
               AND state = 'raised'";
    Ok(tx.execute(sql, &[job.into(), cause.into(), subject.into()]).await? == 1)
}
