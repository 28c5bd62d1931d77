//! The schema is brought up to date by whoever comes first, and by everybody after without harm.

use futures_util::future::join_all;
use tests::{ask::number, databases::TestDatabase};

const APPLIED: &str = "SELECT COUNT(*) FROM _sqlx_migrations";

async fn migrating_twice_changes_nothing(database: TestDatabase) {
    database.migrate().await.expect("the first time");
    let applied = number(&database, APPLIED, vec![]).await;
    assert!(applied >= 3);
    database.migrate().await.expect("the second time");
    assert_eq!(number(&database, APPLIED, vec![]).await, applied);
}

async fn several_processes_may_migrate_at_once(database: TestDatabase) {
    let mut handles = Vec::new();
    for _ in 0..4 {
        handles.push(database.another_handle().await);
    }
    let all = join_all(handles.iter().map(|records| {
        let records = records.clone();
        tokio::spawn(async move { records.migrate().await })
    }));
    for outcome in all.await {
        outcome.expect("no panic").expect("each waits for the other");
    }
    assert!(number(&database, APPLIED, vec![]).await >= 3);
    assert_eq!(number(&database, "SELECT COUNT(*) FROM users", vec![]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_changes_nothing_on_sqlite() {
    migrating_twice_changes_nothing(TestDatabase::empty_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_changes_nothing_on_mysql() {
    migrating_twice_changes_nothing(TestDatabase::empty_mysql().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_may_migrate_at_once_on_sqlite() {
    for _ in 0..5 {
        several_processes_may_migrate_at_once(TestDatabase::empty_sqlite().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_may_migrate_at_once_on_mysql() {
    several_processes_may_migrate_at_once(TestDatabase::empty_mysql().await).await;
}
