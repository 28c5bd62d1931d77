//! Delivering the outbox: the report is written, events and alerts are published.
//!
//! Reports, events and alerts go out side by side, because what one place keeps waiting is nothing to the others. Several
//! may deliver at once, and a crash between a delivery and its note repeats it: receivers see an item at least once.

use std::time::Duration;

use anyhow::Context as _;
use chrono_tz::Tz;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::outbox::{self, Item, Kind};
use crate::{
    events::alerts::AlertsTriggered,
    news::{self, News, Notice},
    objects::Objects,
    records::Records,
    report,
};

/// The longest wait between two tries of an item.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How many reports are written at once: each is whole in memory.
const REPORTS_AT_ONCE: usize = 2;

/// An item, and what its delivery came to.
type Delivery = (Item, anyhow::Result<()>);

/// Delivers at most `most` due items; gives how many went through. One that fails is tried again later and does not
/// stop the others. Reports show times in `zone` beside UTC.
pub async fn deliver(
    records: &Records,
    objects: &dyn Objects,
    news: &dyn News,
    zone: Option<Tz>,
    most: usize,
) -> anyhow::Result<u64> {
    let items = records.read(move |tx| outbox::due(tx, most).boxed()).await.context("reading the outbox")?;
    let (mut reports, mut events, mut alerts) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match notice(&item) {
            None => reports.push(item),
            Some(notice) if notice.kind == news::Kind::Alert => alerts.push((item, notice)),
            Some(notice) => events.push((item, notice)),
        }
    }
    let (reports, events, alerts) = tokio::join!(
        write_reports(records, objects, reports, zone),
        publish(records, news, events),
        publish(records, news, alerts)
    );
    Ok(reports? + events? + alerts?)
}

async fn write_reports(
    records: &Records,
    objects: &dyn Objects,
    items: Vec<Item>,
    zone: Option<Tz>,
) -> anyhow::Result<u64> {
    let write = async |item: Item| {
        let written = write_report(records, objects, item.run_id, zone).await;
        note(records, vec![(item, written)]).await
    };
    stream::iter(items).map(write).buffer_unordered(REPORTS_AT_ONCE).try_fold(0, async |all, one| Ok(all + one)).await
}

async fn publish(records: &Records, news: &dyn News, items: Vec<(Item, Notice)>) -> anyhow::Result<u64> {
    if items.is_empty() {
        return Ok(0);
    }
    let (items, notices): (Vec<Item>, Vec<Notice>) = items.into_iter().unzip();
    let mut results = news.publish(&notices).await.into_iter();
    note(records, items.into_iter().map(|item| (item, news::given(results.next()))).collect()).await
}

/// What an item says to others; `None` for a report, which is written.
fn notice(item: &Item) -> Option<Notice> {
    let kind = match item.kind {
        Kind::Report => return None,
        Kind::Alert => {
            return Some(Notice::new(news::Kind::Alert, AlertsTriggered::headline_of(&item.body), &*item.body));
        }
        Kind::JobStarted
        | Kind::JobCompleted
        | Kind::MonthlyJobCompleted
        | Kind::ReminderJobCompleted
        | Kind::CleanupJobCompleted
        | Kind::JobFailed
        | Kind::HighMemoryUsage
        | Kind::AlertsTriggered => news::Kind::Event,
    };
    Some(Notice::new(kind, item.kind.as_str(), item.body.as_str()))
}

async fn write_report(records: &Records, objects: &dyn Objects, run: i64, zone: Option<Tz>) -> anyhow::Result<()> {
    let places = report::store(records, objects, run, zone).await?;
    tracing::info!(run, places = places.join(" "), "the report is written");
    Ok(())
}

/// Notes what deliveries came to, together; gives how many items went through.
async fn note(records: &Records, deliveries: Vec<Delivery>) -> anyhow::Result<u64> {
    let (mut delivered, mut failed) = (Vec::new(), Vec::new());
    for (item, result) in deliveries {
        match result {
            Ok(()) => delivered.push(item.id),
            Err(error) => failed.push(failure(&item, &error)),
        }
    }
    let count = delivered.len() as u64;
    let note = records.transaction(move |tx| {
        let (delivered, failed) = (delivered.clone(), failed.clone());
        async move {
            outbox::delivered(tx, &delivered).await?;
            for (id, error, wait) in failed {
                outbox::failed(tx, id, &error, wait).await?;
            }
            Ok(())
        }
        .boxed()
    });
    note.await.context("noting what was delivered")?;
    Ok(count)
}

/// An item that could not be delivered: why, and how long it waits.
fn failure(item: &Item, error: &anyhow::Error) -> (i64, String, Duration) {
    let (chain, wait) = (format!("{error:#}"), wait_after(item.tries));
    tracing::warn!(
        run = item.run_id,
        item = item.id,
        kind = item.kind.as_str(),
        failures = item.tries + 1,
        next_try_in_s = wait.as_secs(),
        error = chain,
        "an outbox item could not be delivered"
    );
    (item.id, chain, wait)
}

/// Twice as long after each failure, from one second on.
fn wait_after(failures_before: u32) -> Duration {
    let seconds = 1_u64.checked_shl(failures_before).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{
        clock::Clock,
        config::Database,
        news::RecordsNews,
        objects::FolderObjects,
        records::{ConnectOptions, Result, Tx},
        run::close,
    };

    #[test]
    fn the_wait_doubles_up_to_five_minutes_however_often_it_failed() {
        let waits = [0, 1, 2, 8, 9, 63, 64, u32::MAX].map(|failures| wait_after(failures).as_secs());
        assert_eq!(waits, [1, 2, 4, 256, 300, 300, 300, 300]);
    }

    /// News that refuse one subject for as long as it is set.
    #[derive(Default)]
    struct Moody {
        refused: Mutex<Option<&'static str>>,
        published: Mutex<Vec<(String, String)>>,
    }

    #[async_trait]
    impl News for Moody {
        async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>> {
            let refused = *self.refused.lock().expect("no test panics here");
            let publish = |notice: &Notice| {
                anyhow::ensure!(refused != Some(notice.subject.as_str()), "the topic is away");
                let said = (notice.kind.as_str().to_owned(), notice.subject.clone());
                self.published.lock().expect("no test panics here").push(said);
                Ok(())
            };
            notices.iter().map(publish).collect()
        }
    }

    struct House {
        records: Records,
        objects: FolderObjects,
        clock: Clock,
        _home: tempfile::TempDir,
    }

    /// Records with one run that failed: it has a report, an event and an alert to deliver.
    async fn house() -> House {
        let home = tempfile::tempdir().expect("a folder");
        let database = Database::Sqlite(home.path().join("almanac.db"));
        let options = ConnectOptions { connections: 2, patience: Duration::ZERO };
        let records = Records::connect(&database, options).await.expect("a new file");
        records.migrate().await.expect("the schema");
        let objects = FolderObjects::new(home.path().join("objects")).expect("writable");
        let clock = Clock::standing_at("2026-11-05T17:00:00Z".parse().expect("a moment"));
        let now = clock.now();
        let run = records.transaction(move |tx| insert_run(tx, now).boxed()).await.expect("inserting");
        close::try_close(&records, &clock, run).await.expect("closing").expect("nothing is left to do");
        House { records, objects, clock, _home: home }
    }

    /// Three planned, and nothing came of them.
    async fn insert_run(tx: &mut Tx, now: DateTime<Utc>) -> Result<i64> {
        let sql = "INSERT INTO runs (job, run_key, owner_token, trigger_kind, scheduled_at, started_at, parameters, \
                   plan_complete, planned, ledger, error) VALUES ('job', 'k/1', '', 'manual', ?, ?, '', 1, 3, '', '')";
        tx.insert(sql, &[now.into(), now.into()]).await
    }

    impl House {
        async fn deliver(&self, news: &dyn News) -> u64 {
            deliver(&self.records, &self.objects, news, None, 50).await.expect("the records are there")
        }

        async fn texts(&self, sql: &'static str) -> Vec<String> {
            let read = self.records.read(move |tx| {
                async move { tx.rows(sql, &[]).await?.iter().map(|row| row.text(0)).collect() }.boxed()
            });
            read.await.expect("reading")
        }
    }

    #[tokio::test]
    async fn an_item_that_fails_is_tried_later_and_the_others_go_through() {
        let house = house().await;
        let news = Moody::default();
        *news.refused.lock().expect("no test panics here") = Some("job-failed");
        assert_eq!(house.deliver(&news).await, 3, "the report and the alert, for people and programs");
        assert_eq!(house.texts("SELECT error FROM outbox WHERE state = 'due'").await, ["the topic is away"]);

        *news.refused.lock().expect("no test panics here") = None;
        assert_eq!(house.deliver(&news).await, 0, "not before its time");
        house.records.shift_lease_clock(Duration::from_secs(2));
        assert_eq!(house.deliver(&news).await, 1);
        let mut published = news.published.lock().expect("no test panics here").clone();
        published.sort_unstable();
        let pair = |kind: &str, subject: &str| (kind.to_owned(), subject.to_owned());
        assert_eq!(
            published,
            [
                pair("alert", "critical: ledger-unbalanced (run-1)"),
                pair("event", "alerts-triggered"),
                pair("event", "job-failed"),
            ]
        );
        house.records.shift_lease_clock(Duration::from_secs(3_600));
        assert_eq!(house.deliver(&news).await, 0, "nothing is said twice");
    }

    #[tokio::test]
    async fn what_a_later_release_has_to_say_waits_for_it_and_stops_nothing() {
        let house = house().await;
        let later = "INSERT INTO outbox (run_id, kind, body, error) VALUES (1, 'of-a-later-release', '', '')";
        house
            .records
            .transaction(move |tx| async move { tx.execute(later, &[]).await }.boxed())
            .await
            .expect("inserting");
        let news = RecordsNews::new(house.records.clone(), house.clock.clone());
        assert_eq!(house.deliver(&news).await, 4);
        let due = house.texts("SELECT kind FROM outbox WHERE state = 'due'").await;
        assert_eq!(due, ["of-a-later-release"]);
    }

    #[tokio::test]
    async fn a_run_s_news_stay_in_the_records_of_one_machine() {
        let house = house().await;
        let news = RecordsNews::new(house.records.clone(), house.clock.clone());
        assert_eq!(house.deliver(&news).await, 4);
        let kept = house.texts("SELECT kind || ' ' || subject FROM news ORDER BY kind, subject").await;
        assert_eq!(kept, ["alert critical: ledger-unbalanced (run-1)", "event alerts-triggered", "event job-failed"]);
        let bodies = house.texts("SELECT body FROM news WHERE subject = 'job-failed'").await;
        let event: serde_json::Value = serde_json::from_str(&bodies[0]).expect("JSON");
        assert_eq!((event["job"].as_str(), event["stats"]["planned"].as_u64()), (Some("job"), Some(3)));
    }
}
