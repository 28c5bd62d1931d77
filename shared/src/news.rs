//! The news port: events that other programs listen to, and alerts that people are to see.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use futures_util::FutureExt;

use crate::{
    clock::Clock,
    records::{Records, Result, Tx},
};

/// For whom a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something happened: for other programs.
    Event,
    /// A run is asked for: for the planner.
    Request,
    /// Somebody should look: for people.
    Alert,
}

impl Kind {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Request => "request",
            Self::Alert => "alert",
        }
    }
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// For whom it is.
    pub kind: Kind,
    /// What it is about, such as `job-completed`.
    pub subject: String,
    /// Its content: a JSON object.
    pub body: String,
}

impl Notice {
    /// A notice of that kind.
    pub fn new(kind: Kind, subject: impl Into<String>, body: impl Into<String>) -> Self {
        Self { kind, subject: subject.into(), body: body.into() }
    }
}

/// Where events and alerts are published. Receivers may see one more than once.
#[async_trait]
pub trait News: Send + Sync {
    /// Publishes notices; gives each one's own result, in their order. One that fails does not stop the others.
    async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>>;
}

/// Publishes one notice.
pub async fn publish_one(news: &dyn News, notice: Notice) -> anyhow::Result<()> {
    given(news.publish(&[notice]).await.pop())
}

/// A notice's result; an error where the news broke their promise to give one for each.
pub(crate) fn given(result: Option<anyhow::Result<()>>) -> anyhow::Result<()> {
    result.unwrap_or_else(|| Err(anyhow!("the news gave no result")))
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

    async fn keep(&self, notice: &Notice) -> anyhow::Result<()> {
        let (kind, subject) = (notice.kind.as_str(), notice.subject.as_str());
        let (now, item) = (self.clock.now(), notice.clone());
        self.records
            .transaction(move |tx| {
                let item = item.clone();
                async move { insert(tx, &item, now).await }.boxed()
            })
            .await
            .with_context(|| format!("keeping the {kind} {subject}"))?;
        tracing::info!(kind, subject, body = notice.body, "news");
        Ok(())
    }
}

#[async_trait]
impl News for RecordsNews {
    async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>> {
        let mut results = Vec::with_capacity(notices.len());
        for notice in notices {
            results.push(self.keep(notice).await);
        }
        results
    }
}

async fn insert(tx: &mut Tx, notice: &Notice, now: chrono::DateTime<chrono::Utc>) -> Result<()> {
    let sql = "INSERT INTO news (kind, subject, body, happened_at) VALUES (?, ?, ?, ?)";
    let Notice { kind, subject, body } = notice;
    tx.execute(sql, &[kind.as_str().into(), subject.into(), body.into(), now.into()]).await?;
    Ok(())
}

/// News that take alerts to one place, and events and requests to another.
#[derive(Clone)]
pub struct ByKind {
    /// Where alerts go.
    pub alerts: Arc<dyn News>,
    /// Where events and requests go.
    pub events: Arc<dyn News>,
}

#[async_trait]
impl News for ByKind {
    async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>> {
        let is_alert = |notice: &&Notice| notice.kind == Kind::Alert;
        let (alerts, events): (Vec<_>, Vec<_>) = notices.iter().partition(is_alert);
        let [alerts, events] = [alerts, events].map(|notices| notices.into_iter().cloned().collect::<Vec<_>>());
        let mut alerts = publish_some(self.alerts.as_ref(), &alerts).await;
        let mut events = publish_some(self.events.as_ref(), &events).await;
        notices.iter().map(|notice| given(if is_alert(&notice) { alerts.next() } else { events.next() })).collect()
    }
}

async fn publish_some(news: &dyn News, notices: &[Notice]) -> std::vec::IntoIter<anyhow::Result<()>> {
    let results = if notices.is_empty() { Vec::new() } else { news.publish(notices).await };
    results.into_iter()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// News that refuse one subject, and remember the calls.
    #[derive(Default)]
    struct Listener {
        calls: Mutex<Vec<Vec<String>>>,
    }

    #[async_trait]
    impl News for Listener {
        async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>> {
            let subjects = notices.iter().map(|notice| notice.subject.clone()).collect();
            self.calls.lock().expect("no test panics here").push(subjects);
            let taken =
                |notice: &Notice| if notice.subject == "bad" { Err(anyhow!("{}", notice.body)) } else { Ok(()) };
            notices.iter().map(taken).collect()
        }
    }

    #[tokio::test]
    async fn each_notice_gets_its_own_result_whichever_way_it_goes() {
        let (alerts, events) = (Arc::new(Listener::default()), Arc::new(Listener::default()));
        let news = ByKind { alerts: alerts.clone(), events: events.clone() };
        let notices = [
            Notice::new(Kind::Event, "a", ""),
            Notice::new(Kind::Alert, "bad", "the alert"),
            Notice::new(Kind::Request, "b", ""),
            Notice::new(Kind::Alert, "c", ""),
            Notice::new(Kind::Event, "bad", "the event"),
        ];
        let results = news.publish(&notices).await;
        let faults: Vec<_> = results.iter().map(|result| result.as_ref().map_err(ToString::to_string).err()).collect();
        assert_eq!(faults, [None, Some("the alert".into()), None, None, Some("the event".into())]);
        let calls = |listener: &Listener| listener.calls.lock().expect("no test panics here").clone();
        assert_eq!(calls(&alerts), [["bad", "c"]]);
        assert_eq!(calls(&events), [["a", "b", "bad"]]);
    }
}
