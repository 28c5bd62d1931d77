//! What GitHub told before, in the records: so that it need not tell again what has not changed, and so that something
//! is known while it tells nothing.
//!
//! A function's memory does not last from one run to the next, and a measurement belongs to its run; so each answer has
//! a row of its own, by its address. A row that nobody has asked for in a month is deleted.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use futures_util::FutureExt;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use shared::{
    clock::Clock,
    records::{Records, RecordsError},
};

use crate::{
    facts::{About, Activity, Facts, Outdated, Why},
    github::Known,
};

/// How long an answer is kept that nobody asks for.
const KEPT: TimeDelta = TimeDelta::days(30);

/// How many such are deleted at most in one run.
const DELETED_AT_ONCE: usize = 1_000;

/// The addresses of what is asked of one repository.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) about: String,
    pub(crate) commits: String,
}

/// What was told of it.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    about: Option<(Known<About>, DateTime<Utc>)>,
    activity: Option<(Known<Activity>, DateTime<Utc>)>,
}

impl Remembered {
    pub(crate) fn about(&self) -> Option<Known<About>> {
        self.about.as_ref().map(|(known, _)| known.clone())
    }

    pub(crate) fn activity(&self) -> Option<Known<Activity>> {
        self.activity.as_ref().map(|(known, _)| known.clone())
    }

    /// All of it, in place of what cannot be had now.
    pub(crate) fn facts(self, why: Why) -> Option<Facts> {
        let ((about, then), (activity, at)) = (self.about?, self.activity?);
        let outdated = Some(Outdated { as_of: then.min(at), why });
        Some(Facts { about: about.facts, activity: activity.facts, outdated })
    }
}

/// The memory. What it cannot do costs requests, and no team its verdict.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(crate) records: Records,
    pub(crate) clock: Clock,
}

impl Memory {
    pub(crate) async fn recall(&self, addresses: &Addresses) -> Remembered {
        let names = [hashed(&addresses.about), hashed(&addresses.commits)];
        let asked = names.clone();
        let rows = self.records.read(move |tx| {
            let [about, commits] = asked.clone();
            async move {
                let sql = "SELECT url_hash, etag, facts, answered_at FROM conditional_answers WHERE url_hash IN (?, ?)";
                let rows = tx.rows(sql, &[about.into(), commits.into()]).await?;
                rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.text(2)?, row.time(3)?))).collect()
            }
            .boxed()
        });
        let rows: Vec<_> = rows.await.unwrap_or_else(|error: RecordsError| {
            tracing::warn!(%error, "what GitHub told before cannot be read");
            Vec::new()
        });
        let mut remembered = Remembered::default();
        for (name, etag, facts, at) in rows {
            if name == names[0] {
                remembered.about = known(etag, &facts).map(|known| (known, at));
            } else {
                remembered.activity = known(etag, &facts).map(|known| (known, at));
            }
        }
        remembered
    }

    /// Keeps what has been told now, be it again.
    pub(crate) async fn keep(&self, addresses: &Addresses, about: &Known<About>, activity: &Known<Activity>) {
        let rows = Arc::new([
            (hashed(&addresses.about), about.etag.clone(), text(&about.facts)),
            (hashed(&addresses.commits), activity.etag.clone(), text(&activity.facts)),
        ]);
        let at = self.clock.now();
        let kept = self.records.transaction(move |tx| {
            let rows = Arc::clone(&rows);
            async move {
                for (name, etag, facts) in rows.iter() {
                    let sql = "INSERT INTO conditional_answers (url_hash, etag, facts, answered_at) \
                               VALUES (?, '', '', ?) {or ignore url_hash}";
                    tx.execute(sql, &[name.into(), at.into()]).await?;
                    let sql = "UPDATE conditional_answers SET etag = ?, facts = ?, answered_at = ? WHERE url_hash = ?";
                    tx.execute(sql, &[etag.into(), facts.into(), at.into(), name.into()]).await?;
                }
                Ok(())
            }
            .boxed()
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, "what GitHub told cannot be kept");
        }
    }

    /// Deletes what nobody has asked for in a month.
    pub(crate) async fn forget_old(&self) {
        let before = self.clock.now() - KEPT;
        let forgotten = self.records.transaction(move |tx| {
            async move {
                let sql = "SELECT url_hash FROM conditional_answers WHERE answered_at < ? ORDER BY answered_at LIMIT ?";
                let rows = tx.rows(sql, &[before.into(), DELETED_AT_ONCE.into()]).await?;
                for row in &rows {
                    let sql = "DELETE FROM conditional_answers WHERE url_hash = ?";
                    tx.execute(sql, &[row.text(0)?.into()]).await?;
                }
                Ok(())
            }
            .boxed()
        });
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "what GitHub told long ago cannot be deleted");
        }
    }
}

/// A row, unless it is of an earlier release that knew other facts.
fn known<T: DeserializeOwned>(etag: String, facts: &str) -> Option<Known<T>> {
    Some(Known { etag, facts: serde_json::from_str(facts).ok()? })
}

fn text(facts: &impl Serialize) -> String {
    serde_json::to_string(facts).expect("numbers, texts and moments are JSON")
}

fn hashed(url: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(url))
}
