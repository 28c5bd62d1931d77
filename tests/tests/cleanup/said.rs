//! What was said and is old.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::{clock::Clock, news::RecordsNews, records::Records, run::deliver};
use tests::{
    ask::{execute, number, texts},
    cleaning::{clean, counts},
    databases::TestDatabase,
    runs::{JOB, add_planned_batch, open_run, plan_by_hand},
};

tests::contract!(
    what_was_delivered_is_forgotten_after_its_hours_and_what_is_to_be_said_is_not,
    that_an_open_run_has_begun_is_never_forgotten,
    news_are_forgotten_after_their_hours,
);

fn night() -> DateTime<Utc> {
    "2026-11-08T01:00:00Z".parse().expect("a time")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Delivers all that is due.
async fn deliver(records: &Records, folder: &tempfile::TempDir) {
    let objects = shared::objects::FolderObjects::new(folder.path()).expect("writable");
    let news = RecordsNews::new(records.clone(), Clock::standing_at(night()));
    deliver::deliver(records, &objects, &news, None, 100).await.expect("delivered");
}

/// Closes a run of nothing, so that it has something to say.
async fn close(records: &Records) -> i64 {
    let run = open_run(records).await.id;
    plan_by_hand(records, run, 0, true).await;
    let closed = shared::run::close::try_close(records, &Clock::standing_at(night()), run).await.expect("tried");
    closed.expect("closed").id
}

async fn outbox(records: &Records, run: i64) -> i64 {
    number(records, "SELECT COUNT(*) FROM outbox WHERE run_id = ?", vec![run.into()]).await
}

async fn what_was_delivered_is_forgotten_after_its_hours_and_what_is_to_be_said_is_not(database: &TestDatabase) {
    let archive = folder();
    let old = close(database).await;
    deliver(database, &archive).await;
    assert_eq!(outbox(database, old).await, 3, "begun, report, completed");
    database.shift_lease_clock(Duration::from_hours(71));
    let new = close(database).await;
    deliver(database, &archive).await;
    let unsaid = close(database).await;
    database.shift_lease_clock(Duration::from_hours(2));

    let (_, done) = clean(database, &archive, night()).await;
    assert_eq!(done.get("delivered_items_deleted"), Some(&3));
    assert_eq!((outbox(database, old).await, outbox(database, new).await, outbox(database, unsaid).await), (0, 3, 3));
}

async fn that_an_open_run_has_begun_is_never_forgotten(database: &TestDatabase) {
    let archive = folder();
    let run = open_run(database).await.id;
    add_planned_batch(database, run, 1).await;
    deliver(database, &archive).await;
    database.shift_lease_clock(Duration::from_hours(1_000));
    clean(database, &archive, night()).await;
    let kept = texts(database, "SELECT kind FROM outbox WHERE run_id = ?", vec![run.into()]).await;
    assert_eq!(kept, ["job-started"], "of {JOB}");
}

async fn news_are_forgotten_after_their_hours(database: &TestDatabase) {
    for hours in [71, 73, 1_000] {
        let sql = "INSERT INTO news (kind, subject, body, happened_at) VALUES ('event', ?, '', ?)";
        let at = night() - chrono::TimeDelta::hours(hours);
        execute(database, sql, vec![hours.to_string().into(), at.into()]).await;
    }
    let (_, done) = clean(database, &folder(), night()).await;
    assert_eq!(done, counts(&[("news_deleted", 2)]));
    assert_eq!(texts(database, "SELECT subject FROM news", vec![]).await, ["71"]);
}
