//! How monitors fare: what their executions came to, and whether they are healthy.

use std::{collections::BTreeMap, fmt, time::Duration};

use chrono::{DateTime, Utc};

use crate::records::{Result, Row, Tx};

/// After how many failures in a row a monitor is unhealthy.
const UNHEALTHY_AFTER: u32 = 3;

/// The share of its latest executions that may fail before it is degraded, in percent.
const DEGRADED_ABOVE_PERCENT: usize = 10;

/// How many of the latest executions that share is of.
const LATEST: usize = 50;

/// The longest text of what was wrong.
const LONGEST_FAULT: usize = 255;

/// What one execution of a monitor came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// How long it took.
    pub took: Duration,
    /// How many teams were judged in it.
    pub teams: u64,
    /// What was wrong; none where all went well.
    pub fault: Option<String>,
}

/// How a monitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Nothing is wrong.
    Healthy,
    /// Its last execution failed, or too many of the latest.
    Degraded,
    /// Its last executions failed, three or more of them.
    Unhealthy,
}

/// What is known of a monitor's executions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// How many went well.
    pub succeeded: u64,
    /// How many failed.
    pub failed: u64,
    /// How many failed since the last that went well.
    pub failed_in_row: u32,
    /// The latest, the last one first: whether they went well.
    pub latest: Vec<bool>,
    /// How long all took together.
    pub took: Duration,
    /// How many teams were judged in all.
    pub teams: u64,
    /// When the last one ended.
    pub last_at: DateTime<Utc>,
    /// What was wrong with the last that failed; empty for none.
    pub last_fault: String,
}

impl Condition {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Health {
    /// How the monitor is.
    pub fn condition(&self) -> Condition {
        let failed = self.latest.iter().filter(|went_well| !**went_well).count();
        if self.failed_in_row >= UNHEALTHY_AFTER {
            Condition::Unhealthy
        } else if self.failed_in_row > 0 || failed * 100 > self.latest.len() * DEGRADED_ABOVE_PERCENT {
            Condition::Degraded
        } else {
            Condition::Healthy
        }
    }

    /// Counts one more execution.
    fn count(&mut self, execution: &Execution, ended_at: DateTime<Utc>) {
        self.latest.insert(0, execution.fault.is_none());
        self.latest.truncate(LATEST);
        self.took += execution.took;
        self.teams += execution.teams;
        self.last_at = ended_at;
        match &execution.fault {
            None => (self.succeeded, self.failed_in_row) = (self.succeeded + 1, 0),
            Some(fault) => {
                (self.failed, self.failed_in_row) = (self.failed + 1, self.failed_in_row.saturating_add(1));
                let line = fault.chars().map(|c| if c.is_control() { ' ' } else { c });
                self.last_fault = line.take(LONGEST_FAULT).collect();
            }
        }
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            succeeded: row.count(1)?,
            failed: row.count(2)?,
            failed_in_row: row.small(3)?,
            latest: row.text(4)?.chars().map(|letter| letter == '+').collect(),
            took: Duration::from_millis(row.count(5)?),
            teams: row.count(6)?,
            last_at: row.time(7)?,
            last_fault: row.text(8)?,
        })
    }

    fn latest_written(&self) -> String {
        self.latest.iter().map(|went_well| if *went_well { '+' } else { '-' }).collect()
    }
}

/// What is known of every monitor that was executed, by its job.
pub async fn all(tx: &mut Tx) -> Result<BTreeMap<String, Health>> {
    let sql =
        "SELECT job, succeeded, failed, failed_in_row, latest, took_ms, teams, last_at, last_fault FROM job_health";
    tx.rows(sql, &[]).await?.iter().map(|row| Ok((row.text(0)?, Health::read(row)?))).collect()
}

/// Counts an execution of a job.
pub(super) async fn note(tx: &mut Tx, job: &str, execution: &Execution, ended_at: DateTime<Utc>) -> Result<()> {
    let sql = "INSERT INTO job_health (job) VALUES (?) {or ignore job}";
    tx.execute(sql, &[job.into()]).await?;
    let sql = "SELECT job, succeeded, failed, failed_in_row, latest, took_ms, teams, last_at, last_fault FROM job_health \
               WHERE job = ? {for update}";
    let mut health = tx.row(sql, &[job.into()]).await?.as_ref().map(Health::read).transpose()?.unwrap_or_default();
    health.count(execution, ended_at);
    let sql = "UPDATE job_health SET succeeded = ?, failed = ?, failed_in_row = ?, latest = ?, took_ms = ?, teams = ?, \
               last_at = ?, last_fault = ? WHERE job = ?";
    let took = i64::try_from(health.took.as_millis()).unwrap_or(i64::MAX);
    let values = [
        health.succeeded.into(),
        health.failed.into(),
        health.failed_in_row.into(),
        health.latest_written().into(),
        took.into(),
        health.teams.into(),
        health.last_at.into(),
        (&health.last_fault).into(),
        job.into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The condition after each of these executions: `+` went well, `-` failed.
    fn conditions(executions: &str) -> Vec<Condition> {
        let mut health = Health::default();
        let mut one = |letter: char| {
            let fault = (letter == '-').then(|| "the Hub is away\nor so".to_owned());
            let execution = Execution { took: Duration::from_secs(1), teams: 2, fault };
            health.count(&execution, DateTime::default());
            health.condition()
        };
        executions.chars().map(&mut one).collect()
    }

    #[test]
    fn three_failures_in_a_row_are_unhealthy_and_one_is_degraded() {
        use Condition::{Degraded, Healthy, Unhealthy};
        assert_eq!(conditions("+"), [Healthy]);
        assert_eq!(conditions("+---+"), [Healthy, Degraded, Degraded, Unhealthy, Degraded]);
        assert_eq!(conditions("--+--"), [Degraded; 5]);
    }

    #[test]
    fn more_than_a_tenth_of_the_latest_fifty_is_degraded_and_older_ones_are_forgiven() {
        let last = |executions: &str| *conditions(executions).last().expect("one");
        let well = |count: usize| "+".repeat(count);
        assert_eq!(last(&format!("-{}", well(8))), Condition::Degraded, "one of nine");
        assert_eq!(last(&format!("-{}", well(9))), Condition::Healthy, "one of ten");
        let six = "-+".repeat(6);
        assert_eq!(last(&format!("{six}{}", well(38))), Condition::Degraded, "six of fifty");
        assert_eq!(last(&format!("{six}{}", well(40))), Condition::Healthy, "five of the latest fifty");
    }

    #[test]
    fn counts_are_of_all_and_the_fault_is_of_the_last_that_failed() {
        let mut health = Health::default();
        for fault in [None, Some("the Hub is away\nor so".to_owned()), None] {
            health.count(&Execution { took: Duration::from_millis(1_500), teams: 3, fault }, DateTime::default());
        }
        assert_eq!((health.succeeded, health.failed, health.teams), (2, 1, 9));
        assert_eq!((health.took, &*health.last_fault), (Duration::from_millis(4_500), "the Hub is away or so"));
        assert_eq!(health.latest_written(), "+-+");
    }
}
