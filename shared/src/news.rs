//! The news port: events that other programs listen to, and alerts that people are to see.

use anyhow::Context as _;
use async_trait::async_trait;
use futures_util::FutureExt;

use crate::{
    clock::Clock,
    records::{Records, Result, Tx},
};

/// Where events and alerts are published. Receivers may see one more than once.
#[async_trait]
pub trait News: Send + Sync {
    /// Publishes `body`, which is JSON: an `event` or an `alert` (the kind), about `subject` (`job-completed`).
    async fn publish(&self, kind: &str, subject: &str, body: &str) -> anyhow::Result<()>;
}

/// The news of one machine: a table of the records, and a line in the log.
#[derive(Debug, Clone)]
pub struct RecordsNews {
    records: Records,
    clock: Clock,
}

impl RecordsNews {
    /// News that stay in these records, dated by the business clock.
    pub fn new(records: Records, clock: Clock) -> Self {
        Self { records, clock }
    }
}

#[async_trait]
impl News for RecordsNews {
    async fn publish(&self, kind: &str, subject: &str, body: &str) -> anyhow::Result<()> {
        let item = [kind, subject, body].map(str::to_owned);
        let now = self.clock.now();
        self.records
            .transaction(move |tx| {
                let [kind, subject, body] = item.clone();
                async move { insert(tx, &kind, &subject, &body, now).await }.boxed()
            })
            .await
            .with_context(|| format!("keeping the {kind} {subject}"))?;
        tracing::info!(kind, subject, body, "news");
        Ok(())
    }
}

async fn insert(tx: &mut Tx, kind: &str, subject: &str, body: &str, now: chrono::DateTime<chrono::Utc>) -> Result<()> {
    let sql = "INSERT INTO news (kind, subject, body, happened_at) VALUES (?, ?, ?, ?)";
    tx.execute(sql, &[kind.into(), subject.into(), body.into(), now.into()]).await?;
    Ok(())
}
