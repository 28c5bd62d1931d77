//! Who of a batch is not written to, and why: one row a user and reason.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use shared::records::{Result, Tx, Value};

use crate::eligibility::SkipReason;

/// The user in whose place contacts are skipped of whom nobody knows any more whose they were.
pub const NOBODY: i64 = 0;

/// Those who are skipped, by user and reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skips(BTreeMap<(i64, SkipReason), Skipped>);

/// Contacts that share a user and a reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Skipped {
    /// How many.
    contacts: u32,
    /// Which; fewer than `contacts` where a contact is no longer there.
    ids: Vec<i64>,
}

impl Skips {
    /// Notes that contacts of a user are skipped.
    pub fn add(&mut self, user: i64, reason: SkipReason, ids: impl IntoIterator<Item = i64>) {
        let ids: Vec<i64> = ids.into_iter().collect();
        if ids.is_empty() {
            return;
        }
        let skipped = self.0.entry((user, reason)).or_default();
        skipped.contacts += u32::try_from(ids.len()).unwrap_or(u32::MAX);
        skipped.ids.extend(ids);
    }

    /// Notes that so many contacts of a user are gone, of which nobody can say any more which they were.
    pub fn add_gone(&mut self, user: i64, contacts: usize) {
        if contacts > 0 {
            let skipped = self.0.entry((user, SkipReason::Gone)).or_default();
            skipped.contacts += u32::try_from(contacts).unwrap_or(u32::MAX);
        }
    }

    /// How many are skipped for each reason, a user at a time.
    pub fn by_reason(&self) -> impl Iterator<Item = (SkipReason, u32)> {
        self.0.iter().map(|((_, reason), skipped)| (*reason, skipped.contacts))
    }

    /// Writes them as a batch's.
    pub(crate) async fn insert(&self, tx: &mut Tx, run_id: i64, batch_id: i64, now: DateTime<Utc>) -> Result<()> {
        let rows = self.0.iter().flat_map(|((user, reason), skipped)| -> [Value<'_>; 7] {
            let ids = skipped.ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            [
                run_id.into(),
                batch_id.into(),
                (*user).into(),
                reason.as_str().into(),
                skipped.contacts.into(),
                ids.into(),
                now.into(),
            ]
        });
        tx.insert_rows(
            "INSERT INTO skips (run_id, batch_id, user_id, reason, contacts, contact_ids, skipped_at) VALUES",
            7,
            "",
            &rows.collect::<Vec<_>>(),
        )
        .await
    }

    /// Adds them to what a batch has skipped before: those that share a user and a reason become one row.
    pub(crate) async fn add_to(&mut self, tx: &mut Tx, run_id: i64, batch_id: i64, now: DateTime<Utc>) -> Result<()> {
        for ((user, reason), skipped) in &mut self.0 {
            let key = [run_id.into(), batch_id.into(), (*user).into(), reason.as_str().into()];
            let at = "WHERE run_id = ? AND batch_id = ? AND user_id = ? AND reason = ?";
            let sql = format!("SELECT contacts, contact_ids FROM skips {at}");
            let Some(row) = tx.row(sql, &key).await? else { continue };
            skipped.contacts += row.small(0)?;
            skipped.ids.extend(row.text(1)?.split(',').filter_map(|id| id.parse::<i64>().ok()));
            tx.execute(format!("DELETE FROM skips {at}"), &key).await?;
        }
        self.insert(tx, run_id, batch_id, now).await
    }
}
