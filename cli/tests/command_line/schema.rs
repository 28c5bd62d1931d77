//! The schema on a server is everybody's: it is changed by whoever is asked to, and by nobody on the way.

use tests::{
    ask::{execute, number},
    databases::TestDatabase,
};

use crate::support::{machine::Machine, people::CYCLE};

/// Commands that look, and commands that write.
const COMMANDS: [&[&str]; 7] = [
    &["runs"],
    &["why", "7"],
    &["dead-letters"],
    &["pause", "1"],
    &["redrive", "1"],
    &["import", "users.csv", "contacts.csv"],
    &CYCLE,
];

fn machine(database: &TestDatabase) -> Machine {
    Machine::with_records(database.url()).set("EMAIL_TRANSPORTS", "null:")
}

#[tokio::test]
async fn an_empty_server_stays_empty_until_somebody_asks_for_the_schema() {
    let database = TestDatabase::empty_mysql().await;
    let machine = machine(&database);
    for command in COMMANDS {
        let ending = machine.run(command).await;
        assert_eq!(ending.code, 1, "{ending:?}");
        assert!(ending.err.contains("there are no records at mysql://"), "{ending:?}");
        assert!(ending.err.ends_with("yet: `almanac migrate` makes them\n"), "{ending:?}");
    }
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()";
    assert_eq!(number(&database, tables, vec![]).await, 0);
    machine.run(&["migrate"]).await;
    assert_eq!(machine.run(&["runs", "--json"]).await.code, 0);
}

#[tokio::test]
async fn a_bench_and_a_demo_make_the_schema_that_they_need() {
    let (first, second) = (TestDatabase::empty_mysql().await, TestDatabase::empty_mysql().await);
    machine(&first).run(&["bench", "--users", "1", "--contacts", "1"]).await.json_of(0);
    machine(&second).run(&["demo", "--users", "1", "--contacts", "1", "--json"]).await.json_of(0);
}

#[tokio::test]
async fn a_schema_of_an_earlier_release_is_named_and_left_alone() {
    let database = TestDatabase::mysql().await;
    let applied = "SELECT COUNT(*) FROM _sqlx_migrations";
    execute(&database, "DELETE FROM _sqlx_migrations ORDER BY version DESC LIMIT 1", vec![]).await;
    let before = number(&database, applied, vec![]).await;
    let machine = machine(&database);
    for command in COMMANDS {
        let ending = machine.run(command).await;
        assert_eq!(ending.code, 1, "{ending:?}");
        let said = format!(
            "is at version {before}, of an earlier release than this program: `almanac migrate` brings it up to date\n"
        );
        assert!(ending.err.ends_with(&said), "{ending:?}");
    }
    assert_eq!(number(&database, applied, vec![]).await, before);
}

#[tokio::test]
async fn a_schema_of_a_later_release_is_used_with_a_word() {
    let database = TestDatabase::mysql().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 9000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    execute(&database, later, vec![]).await;
    let ending = machine(&database).run(&["runs", "--json"]).await;
    assert_eq!(ending.code, 0, "{ending:?}");
    assert!(ending.err.contains("is at version 9000, of a later release than this program"), "{ending:?}");
}
