//! The ledger of a run: what was planned on one side, what became of it on the other.
//!
//! The planner counts *planned* from the subjects; the outcomes are counted here, from rows that the workers wrote.
//! Neither side is computed from the other, so that a loss shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::batch::{self, LetterRange};
use crate::{
    hackathon,
    invitation::SendState,
    records::{Result, Tx},
};

/// The two sides of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// What the planner counted.
    pub planned: u64,
    /// Accepted by a provider.
    pub sent: u64,
    /// Definitely not accepted, for good.
    pub failed: u64,
    /// Claimed, and nothing is known of the result. Never sent again by default.
    pub in_doubt: u64,
    /// Not written to, by reason.
    pub skipped: BTreeMap<String, u64>,
}

impl Ledger {
    /// All that was skipped, for whatever reason.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// All that has an outcome.
    pub fn accounted(&self) -> u64 {
        self.sent + self.failed + self.in_doubt + self.skipped_total()
    }

    /// Whether everything planned has exactly one outcome.
    pub fn is_balanced(&self) -> bool {
        self.planned == self.accounted()
    }
}

/// Counts a run's outcomes from the rows that say them. While a run is open, what is still to do has none.
pub async fn count(tx: &mut Tx, run_id: i64, planned: u64) -> Result<Ledger> {
    let mut ledger = Ledger { planned, ..Ledger::default() };
    for LetterRange { kind, first, last } in batch::letter_ranges(tx, run_id).await? {
        let table = kind.table();
        let sql = format!("SELECT send_state, COUNT(*) FROM {table} WHERE id BETWEEN ? AND ? GROUP BY send_state");
        for row in tx.rows(sql, &[first.into(), last.into()]).await? {
            let counted = row.count(1)?;
            match SendState::from_stored(row.int(0)?) {
                Some(SendState::Sent) => ledger.sent += counted,
                Some(SendState::Failed | SendState::NotTaken) => ledger.failed += counted,
                Some(SendState::InDoubt) => ledger.in_doubt += counted,
                Some(SendState::Cancelled) => *ledger.skipped.entry(CANCELLED.to_owned()).or_default() += counted,
                Some(SendState::Planned) | None => {}
            }
        }
    }
    let skipped =
        tx.rows("SELECT reason, SUM(contacts) FROM skips WHERE run_id = ? GROUP BY reason", &[run_id.into()]).await?;
    for row in skipped {
        *ledger.skipped.entry(row.text(0)?).or_default() += row.sum(1)?;
    }
    // Batches that ended before any row was written for them.
    let unprepared = tx
        .rows(
            "SELECT state, SUM(planned) FROM batches WHERE run_id = ? AND state IN ('parked', 'cancelled') \
             AND prepared_by = ? GROUP BY state",
            &[run_id.into(), batch::UNPREPARED.into()],
        )
        .await?;
    for row in unprepared {
        match row.text(0)?.as_str() {
            "parked" => ledger.failed += row.sum(1)?,
            _ => *ledger.skipped.entry(CANCELLED.to_owned()).or_default() += row.sum(1)?,
        }
    }
    // A monitor's teams: what became of each one's verdict on its way to the Hub.
    for (outcome, teams) in hackathon::store::outcomes(tx, run_id).await? {
        match outcome.as_str() {
            "sent" => ledger.sent += teams,
            "refused" => ledger.failed += teams,
            _ => *ledger.skipped.entry(outcome).or_default() += teams,
        }
    }
    // What a redrive took along failed here all the same: the run to which it belongs now counts it anew.
    let sql = "SELECT COALESCE(SUM(redriven_letters), 0) FROM batches WHERE run_id = ?";
    ledger.failed += tx.row(sql, &[run_id.into()]).await?.map_or(Ok(0), |row| row.sum(0))?;
    Ok(ledger)
}

/// The reason for which a cancelled run skips what it had not sent.
pub const CANCELLED: &str = "cancelled";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_ledger_balances_exactly_when_nothing_is_lost_or_counted_twice(
            sent in 0..1000_u64, failed in 0..1000_u64, in_doubt in 0..1000_u64,
            skips in proptest::collection::btree_map("[a-z_]{1,8}", 0..1000_u64, 0..5), off in 1..50_u64,
        ) {
            let skipped: u64 = skips.values().sum();
            let planned = sent + failed + in_doubt + skipped;
            let ledger = Ledger { planned, sent, failed, in_doubt, skipped: skips };
            prop_assert!(ledger.is_balanced());
            let lost = Ledger { planned: planned + off, ..ledger.clone() };
            prop_assert!(!lost.is_balanced());
            let twice = Ledger { sent: sent + off, ..ledger };
            prop_assert!(!twice.is_balanced());
        }
    }
}
