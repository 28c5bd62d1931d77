//! A script happens whole or not at all, like a transaction, in one round trip.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use shared::records::{Records, Script, Value, never};
use tests::{
    ask::{all, execute, insert, number, numbers, texts},
    databases::TestDatabase,
    polls::for_polls,
};

tests::contract!(
    a_script_tells_how_many_rows_each_statement_matched,
    a_failing_statement_takes_the_whole_script_with_it,
    after_a_failed_script_the_connections_are_as_good_as_new,
    values_arrive_as_they_were_given,
    a_statement_can_depend_on_the_one_before,
    scripts_at_once_lose_no_update,
    a_script_whose_caller_went_away_happens_whole_or_not_at_all,
);

const INSERT: &str = "INSERT INTO outbox (run_id, kind, body, error) VALUES (?, '', ?, '')";

fn script(statements: impl IntoIterator<Item = (&'static str, Vec<Value<'static>>)>) -> Script {
    let mut script = Script::default();
    for (sql, values) in statements {
        script.push(sql, values);
    }
    script
}

fn row(run: i64) -> (&'static str, Vec<Value<'static>>) {
    (INSERT, vec![run.into(), "".into()])
}

/// A statement that fails when the address is there already.
fn failing() -> (&'static str, Vec<Value<'static>>) {
    ("INSERT INTO suppressions (email, reason, suppressed_at) VALUES ('a@example.org', '', {now})", vec![])
}

async fn runs(records: &Records) -> Vec<i64> {
    numbers(records, "SELECT run_id FROM outbox ORDER BY run_id", vec![]).await
}

async fn a_script_tells_how_many_rows_each_statement_matched(database: &TestDatabase) {
    let all = script([
        row(1),
        row(2),
        ("UPDATE outbox SET tries = 0 WHERE run_id > ?", vec![0_i64.into()]),
        ("UPDATE outbox SET tries = 0 WHERE run_id > ?", vec![2_i64.into()]),
        ("DELETE FROM outbox WHERE run_id = ?", vec![1_i64.into()]),
    ]);
    assert_eq!(database.run_script(all).await.expect("run"), [1, 1, 2, 0, 1]);
    assert_eq!(runs(database).await, [2]);
    assert!(Script::default().is_empty());
}

async fn a_failing_statement_takes_the_whole_script_with_it(database: &TestDatabase) {
    database.run_script(script([row(1), failing()])).await.expect("the first time the key is free");
    for at in 0..3 {
        let mut statements = vec![row(2), row(3)];
        statements.insert(at, failing());
        let error = database.run_script(script(statements)).await.expect_err("the key is taken");
        assert!(error.is_duplicate(), "{error}");
    }
    assert_eq!(runs(database).await, [1]);
}

async fn after_a_failed_script_the_connections_are_as_good_as_new(database: &TestDatabase) {
    execute(database, failing().0, vec![]).await;
    let outcomes = join_all((0..40).map(|number| {
        let statements = if number % 2 == 0 { vec![row(number), failing()] } else { vec![row(number), row(number)] };
        database.run_script(script(statements))
    }));
    for (number, outcome) in outcomes.await.into_iter().enumerate() {
        assert_eq!(outcome.is_ok(), number % 2 == 1, "{number}");
    }
    join_all((100..110_i64).map(|number| insert(database, INSERT, vec![number.into(), "".into()]))).await;
    let expected: Vec<i64> =
        (0..40).filter(|number| number % 2 == 1).flat_map(|number| [number; 2]).chain(100..110).collect();
    assert_eq!(runs(database).await, expected);
}

async fn values_arrive_as_they_were_given(database: &TestDatabase) {
    let at: DateTime<Utc> = "2026-10-25T00:30:00.000001Z".parse().expect("a time");
    let text = "l'été; DROP TABLE users -- \\\" ? {now} 🦀\0\r\n";
    let token: Vec<u8> = (0..32).map(|n| [0, 39, 92, 255][n % 4]).collect();
    let sql = "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, sent_at, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        i64::MAX.into(),
        202_611_i64.into(),
        (-1_i64).into(),
        i64::MIN.into(),
        text.into(),
        Value::Bytes(token.clone().into()),
        at.into(),
        never().into(),
    ];
    let rate =
        ("INSERT INTO contacts (user_id, email, response_rate) VALUES (1, ?, ?)", vec!["".into(), (1.0 / 3.0).into()]);
    database.run_script(script([(sql, values), rate])).await.expect("run");
    let columns = "SELECT id, user_id, contact_id FROM invitations";
    let read = |row: &shared::records::Row| Ok([row.int(0)?, row.int(1)?, row.int(2)?]);
    assert_eq!(all(database, columns, vec![], read).await, [[i64::MAX, -1, i64::MIN]]);
    assert_eq!(texts(database, "SELECT to_email FROM invitations", vec![]).await, [text]);
    assert_eq!(all(database, "SELECT token FROM invitations", vec![], |row| row.bytes(0)).await, [token]);
    let times =
        all(database, "SELECT sent_at, expires_at FROM invitations", vec![], |row| Ok([row.time(0)?, row.time(1)?]));
    assert_eq!(times.await, [[at, never()]]);
    assert_eq!(all(database, "SELECT response_rate FROM contacts", vec![], |row| row.float(0)).await, [1.0 / 3.0]);
    let found = "SELECT COUNT(*) FROM invitations WHERE to_email = ?";
    assert_eq!(number(database, found, vec![text.into()]).await, 1, "it compares as a bound text does");
}

async fn a_statement_can_depend_on_the_one_before(database: &TestDatabase) {
    insert(database, INSERT, vec![1_i64.into(), "".into()]).await;
    for (run, expected) in [(1_i64, [1, 1]), (2, [0, 0])] {
        let compare_and_set = script([
            ("UPDATE outbox SET tries = tries + 1 WHERE run_id = ?", vec![run.into()]),
            (
                "INSERT INTO news (kind, subject, body, happened_at) SELECT 'a', 'b', 'c', {now} WHERE {previous} = 1",
                vec![],
            ),
        ]);
        assert_eq!(database.run_script(compare_and_set).await.expect("run"), expected);
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM news", vec![]).await, 1);
}

async fn scripts_at_once_lose_no_update(database: &TestDatabase) {
    let rows = [
        insert(database, INSERT, vec![0_i64.into(), "".into()]).await,
        insert(database, INSERT, vec![0_i64.into(), "".into()]).await,
    ];
    let add = |id: i64| ("UPDATE outbox SET run_id = run_id + 1 WHERE id = ?", vec![Value::from(id)]);
    for _ in 0..10 {
        let forth = (0..4).map(|_| database.run_script(script([add(rows[0]), add(rows[1])])));
        let back = (0..4).map(|_| database.run_script(script([add(rows[1]), add(rows[0])])));
        let (forth, back) = tokio::join!(join_all(forth), join_all(back));
        for outcome in forth.into_iter().chain(back) {
            assert_eq!(outcome.expect("a deadlock is not the caller's affair"), [1, 1]);
        }
    }
    assert_eq!(runs(database).await, [80, 80]);
}

async fn a_script_whose_caller_went_away_happens_whole_or_not_at_all(database: &TestDatabase) {
    execute(database, failing().0, vec![]).await;
    for number in 0..60_i64 {
        let statements = if number % 2 == 0 { vec![row(number), row(number), failing()] } else { vec![row(number); 2] };
        for_polls(database.run_script(script(statements)), 1 + usize::try_from(number / 6).expect("small")).await;
    }
    join_all((100..120).map(|number| database.run_script(script([row(number), row(number)])))).await;
    let halves = "SELECT COUNT(*) FROM (SELECT run_id FROM outbox GROUP BY run_id HAVING COUNT(*) <> 2) AS halves";
    assert_eq!(number(database, halves, vec![]).await, 0);
    let failed = "SELECT COUNT(*) FROM outbox WHERE run_id < 100 AND run_id % 2 = 0";
    assert_eq!(number(database, failed, vec![]).await, 0, "what failed left nothing, though nobody waited for it");
}
