//! The schema is brought up to date by whoever comes first, and by everybody after without harm.

use futures_util::future::join_all;
use tests::{
    ask::{execute, number},
    databases::TestDatabase,
};

const APPLIED: &str = "SELECT COUNT(*) FROM _sqlx_migrations";

async fn migrating_twice_changes_nothing(database: TestDatabase) {
    let first = database.migrate().await.expect("the first time");
    let applied = number(&database, APPLIED, vec![]).await;
    assert!(applied >= 3);
    assert_eq!(first.applied.len() as i64, applied);
    let second = database.migrate().await.expect("the second time");
    assert_eq!((second.applied, second.version), (vec![], first.version));
    assert_eq!(number(&database, APPLIED, vec![]).await, applied);
}

async fn what_was_not_applied_yet_is_applied_and_named(database: TestDatabase) {
    database.migrate().await.expect("all of it");
    execute(&database, "DELETE FROM _sqlx_migrations WHERE version = 4", vec![]).await;
    execute(&database, "ALTER TABLE queue_messages DROP COLUMN deaths", vec![]).await;
    assert_eq!(database.migrate().await.expect("what is missing").applied, ["0004_deaths"]);
    assert_eq!(number(&database, "SELECT COUNT(deaths) FROM queue_messages", vec![]).await, 0);
}

async fn a_schema_of_a_later_release_is_left_alone(database: TestDatabase) {
    let ours = database.migrate().await.expect("all of it");
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 9000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    execute(&database, later, vec![]).await;
    let migrated = database.migrate().await.expect("a release runs on the schema of the next");
    assert!(migrated.is_newer() && !ours.is_newer());
    assert_eq!((migrated.applied, migrated.version), (vec![], 9_000));
    // The later release may have failed half-way, which is why this one is back.
    execute(&database, "UPDATE _sqlx_migrations SET success = 0 WHERE version = 9000", vec![]).await;
    assert_eq!(database.migrate().await.expect("none of its affair").version, 9_000);
}

async fn a_schema_that_has_what_this_code_never_had_is_refused(database: TestDatabase) {
    database.migrate().await.expect("all of it");
    let foreign = "UPDATE _sqlx_migrations SET version = 0 WHERE version = 1";
    execute(&database, foreign, vec![]).await;
    database.migrate().await.expect_err("another program's table");
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

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_applied_yet_is_applied_and_named_on_sqlite() {
    what_was_not_applied_yet_is_applied_and_named(TestDatabase::empty_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_applied_yet_is_applied_and_named_on_mysql() {
    what_was_not_applied_yet_is_applied_and_named(TestDatabase::empty_mysql().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_later_release_is_left_alone_on_sqlite() {
    a_schema_of_a_later_release_is_left_alone(TestDatabase::empty_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_later_release_is_left_alone_on_mysql() {
    a_schema_of_a_later_release_is_left_alone(TestDatabase::empty_mysql().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_has_what_this_code_never_had_is_refused_on_sqlite() {
    a_schema_that_has_what_this_code_never_had_is_refused(TestDatabase::empty_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_has_what_this_code_never_had_is_refused_on_mysql() {
    a_schema_that_has_what_this_code_never_had_is_refused(TestDatabase::empty_mysql().await).await;
}
