//! What providers have billed the teams of a hackathon, by day: imported from their exports, kept, and added up for people.
//!
//! Amounts of different currencies are never added together.

mod amount;
mod store;

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;
use futures_util::FutureExt;
use serde::Serialize;

pub use self::amount::{Amount, AmountError, Micros};
use crate::records::{Records, Result};

/// The most characters of a team's name, and of a provider's.
pub const LONGEST_NAME: usize = 128;

/// The most characters of a hackathon's name.
pub const LONGEST_HACKATHON: usize = 64;

/// How many costs are written in one transaction.
const WRITTEN_AT_ONCE: usize = 1_024;

/// How many are read at once.
const READ_AT_ONCE: usize = 4_096;

/// For what something was billed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Key {
    /// The team, by the name that bills have for it.
    pub team: String,
    /// The day, of UTC.
    pub day: NaiveDate,
    /// Who billed it.
    pub provider: String,
    /// The currency: the three letters of ISO 4217.
    pub currency: String,
}

/// What was billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// For what.
    pub key: Key,
    /// How much, in millionths of the currency's unit; less than nothing where more was credited than charged.
    pub micros: i64,
}

/// What was billed, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Costs {
    /// Each team's, by team and currency.
    pub teams: Vec<TeamCosts>,
    /// All teams', by currency, day and provider.
    pub days: Vec<DayCosts>,
}

/// What a team was billed in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeamCosts {
    /// The team.
    pub team: String,
    /// The currency.
    pub currency: String,
    /// How much.
    pub amount: Micros,
}

/// What a provider billed all teams for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayCosts {
    /// The currency.
    pub currency: String,
    /// The day, of UTC.
    pub day: NaiveDate,
    /// Who billed it.
    pub provider: String,
    /// How much.
    pub amount: Micros,
}

/// Keeps what was billed, in place of what was kept under the same keys; harmless to repeat.
///
/// # Errors
/// When the records cannot be written. What was written before stays.
pub async fn put(records: &Records, hackathon: &str, costs: Vec<Cost>) -> Result<()> {
    let (hackathon, costs): (Arc<str>, Arc<[Cost]>) = (hackathon.into(), costs.into());
    for from in (0..costs.len()).step_by(WRITTEN_AT_ONCE) {
        let (hackathon, costs) = (hackathon.clone(), costs.clone());
        let written = records.transaction(move |tx| {
            let (hackathon, costs) = (hackathon.clone(), costs.clone());
            async move {
                let to = costs.len().min(from + WRITTEN_AT_ONCE);
                store::put(tx, &hackathon, &costs[from..to]).await
            }
            .boxed()
        });
        written.await?;
    }
    Ok(())
}

impl Costs {
    /// Reads and sums up what was billed in a hackathon.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn read(records: &Records, hackathon: &str) -> Result<Self> {
        let mut sums = Sums::default();
        let mut last = Some(Key::default());
        while let Some(key) = last {
            let hackathon = hackathon.to_owned();
            let page = records.read(move |tx| {
                let (hackathon, key) = (hackathon.clone(), key.clone());
                async move { store::after(tx, &hackathon, &key, READ_AT_ONCE).await }.boxed()
            });
            let page = page.await?;
            page.iter().for_each(|cost| sums.add(cost));
            last = page.into_iter().nth(READ_AT_ONCE - 1).map(|cost| cost.key);
        }
        Ok(sums.into())
    }

    /// Whether nothing was billed, not even nothing.
    pub fn is_empty(&self) -> bool {
        self.teams.is_empty()
    }
}

#[derive(Default)]
struct Sums {
    teams: BTreeMap<(String, String), Micros>,
    days: BTreeMap<(String, NaiveDate, String), Micros>,
}

impl Sums {
    fn add(&mut self, cost: &Cost) {
        let Key { team, day, provider, currency } = &cost.key;
        *self.teams.entry((team.clone(), currency.clone())).or_default() += cost.into();
        *self.days.entry((currency.clone(), *day, provider.clone())).or_default() += cost.into();
    }
}

impl From<Sums> for Costs {
    fn from(sums: Sums) -> Self {
        let teams = sums.teams.into_iter();
        let days = sums.days.into_iter();
        Self {
            teams: teams.map(|((team, currency), amount)| TeamCosts { team, currency, amount }).collect(),
            days: days
                .map(|((currency, day, provider), amount)| DayCosts { currency, day, provider, amount })
                .collect(),
        }
    }
}
