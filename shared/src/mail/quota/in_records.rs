//! The send log as a row of the records, which a grant locks for a moment.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;

use super::log::{Limits, Reservation, SendLog, State};
use crate::records::{Records, RecordsError, Result, Tx};

/// A send log that is a row of the records.
#[derive(Debug, Clone)]
pub struct RecordsLog {
    records: Records,
    name: &'static str,
}

impl RecordsLog {
    /// The log of that name.
    pub fn new(records: Records, name: &'static str) -> Self {
        Self { records, name }
    }
}

#[async_trait]
impl SendLog for RecordsLog {
    async fn reserve(&self, limits: Limits, wanted: u32, longest_wait: Duration) -> anyhow::Result<Reservation> {
        let name = self.name;
        let reserved = self.records.transaction(move |tx| {
            async move {
                let Some(mut state) = lock(tx, name).await? else { return Ok(Reservation::Unseeded) };
                let now = now(tx).await?;
                let reserved = state.reserve(limits, wanted, now, longest_wait);
                if let Reservation::Granted { .. } = reserved {
                    write_granted(tx, name, &state).await?;
                }
                Ok(reserved)
            }
            .boxed()
        });
        Ok(reserved.await?)
    }

    async fn seed(&self, own: u64, others: Option<u64>) -> anyhow::Result<()> {
        let name = self.name;
        let seeded = self.records.transaction(move |tx| {
            async move {
                let day = State::of_day(own, now(tx).await?).day.to_string();
                let sql = "INSERT INTO send_log (name, recent, of_day) VALUES (?, '', ?) {or ignore name}";
                tx.execute(sql, &[name.into(), day.into()]).await?;
                let Some(others) = others else { return Ok(()) };
                let sql = "UPDATE send_log SET others = ? WHERE name = ?";
                tx.execute(sql, &[others.into(), name.into()]).await.map(drop)
            }
            .boxed()
        });
        Ok(seeded.await?)
    }

    async fn hold(&self, time: Duration) -> anyhow::Result<()> {
        let (name, micros) = (self.name, i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
        let held = self.records.transaction(move |tx| {
            async move {
                let sql = "UPDATE send_log SET held_until = {now+?} WHERE name = ? AND held_until < {now+?}";
                tx.execute(sql, &[micros.into(), name.into(), micros.into()]).await.map(drop)
            }
            .boxed()
        });
        Ok(held.await?)
    }
}

async fn lock(tx: &mut Tx, name: &str) -> Result<Option<State>> {
    let sql = "SELECT held_until, others, recent, of_day FROM send_log WHERE name = ? {for update}";
    let Some(row) = tx.row(sql, &[name.into()]).await? else { return Ok(None) };
    Ok(Some(State {
        held_until: row.time(0)?.timestamp_micros(),
        others: row.count(1)?,
        recent: row.parsed(2)?,
        day: row.parsed(3)?,
    }))
}

/// The database's time; where a row is held, asked after that: MySQL's stands still while a statement waits.
async fn now(tx: &mut Tx) -> Result<i64> {
    let row = tx.row("SELECT {now}", &[]).await?;
    let row = row.ok_or_else(|| RecordsError::unreadable(0, "a query without a table gives a row"))?;
    Ok(row.time(0)?.timestamp_micros())
}

async fn write_granted(tx: &mut Tx, name: &str, state: &State) -> Result<()> {
    let sql = "UPDATE send_log SET recent = ?, of_day = ? WHERE name = ?";
    let (recent, day) = (state.recent.to_string(), state.day.to_string());
    tx.execute(sql, &[recent.into(), day.into(), name.into()]).await.map(drop)
}
