//! Costs in the records.

use chrono::{Datelike, NaiveDate};

use super::{Cost, Key, Micros};
use crate::records::{Dialect, RecordsError, Result, Row, Tx, Value};

/// Keeps what was billed, in place of what was kept under the same keys.
pub(super) async fn put(tx: &mut Tx, hackathon: &str, costs: &[Cost]) -> Result<()> {
    let mut values: Vec<Value<'_>> = Vec::with_capacity(6 * costs.len());
    for Cost { key, micros } in costs {
        values.extend([hackathon.into(), (&key.team).into(), number(key.day).into()]);
        values.extend([(&key.provider).into(), (&key.currency).into(), (*micros).into()]);
    }
    let tail = match tx.dialect() {
        Dialect::MySql => "ON DUPLICATE KEY UPDATE micros = VALUES(micros)",
        Dialect::Sqlite => "ON CONFLICT DO UPDATE SET micros = excluded.micros",
    };
    let head = "INSERT INTO cost_days (hackathon, team, day, provider, currency, micros) VALUES";
    tx.insert_rows(head, 6, tail, &values).await
}

/// What was billed in a hackathon after that key, in the keys' order, at most so much. The empty key is before all.
pub(super) async fn after(tx: &mut Tx, hackathon: &str, key: &Key, most: usize) -> Result<Vec<Cost>> {
    let Key { team, day, provider, currency } = key;
    let day = number(*day);
    // The rows of one team are few; an index finds where it begins.
    let sql = "SELECT team, day, provider, currency, micros FROM cost_days WHERE hackathon = ? AND team >= ? \
               AND (team > ? OR day > ? OR (day = ? AND (provider > ? OR (provider = ? AND currency > ?)))) \
               ORDER BY team, day, provider, currency LIMIT ?";
    let place = [day.into(), day.into(), provider.into(), provider.into(), currency.into()];
    let values: Vec<Value<'_>> =
        [hackathon.into(), team.into(), team.into()].into_iter().chain(place).chain([most.into()]).collect();
    tx.rows(sql, &values).await?.iter().map(cost).collect()
}

fn cost(row: &Row) -> Result<Cost> {
    let key = Key { team: row.text(0)?, day: day(row.int(1)?)?, provider: row.text(2)?, currency: row.text(3)? };
    Ok(Cost { key, micros: row.int(4)? })
}

/// A day as it is kept: 2026-11-08 as 20261108.
fn number(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

fn day(number: i64) -> Result<NaiveDate> {
    let part = |number: i64| u32::try_from(number).ok();
    let day = i32::try_from(number / 10_000).ok().zip(part(number / 100 % 100)).zip(part(number % 100));
    day.and_then(|((year, month), day)| NaiveDate::from_ymd_opt(year, month, day))
        .ok_or(RecordsError::Unreadable { column: 1, fault: "is no day" })
}

impl From<&Cost> for Micros {
    fn from(cost: &Cost) -> Self {
        Self(cost.micros.into())
    }
}
