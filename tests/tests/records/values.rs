//! Values go in and come out as they were; the tokens mean the same everywhere.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use shared::records::{Never, Row, Value, never};
use tests::{
    ask::{all, execute, insert, number, numbers, texts},
    databases::TestDatabase,
};

tests::contract!(
    whole_numbers_come_back_as_they_went_in,
    rates_come_back_as_they_went_in,
    texts_come_back_as_they_went_in,
    texts_that_differ_only_in_case_or_accents_are_different_keys,
    bytes_come_back_as_they_went_in,
    moments_come_back_to_the_microsecond,
    never_is_an_absence_and_what_a_column_holds_by_default,
    a_sum_is_a_whole_number,
    a_count_below_zero_is_unreadable,
    now_is_the_machines_time_and_is_shifted_by_the_lease_clock,
    now_plus_is_counted_from_the_shifted_lease_clock,
    a_row_that_is_there_already_is_left_alone_by_or_ignore,
    a_row_that_is_there_already_is_a_duplicate_without_or_ignore,
    any_number_of_rows_is_inserted_in_order,
    many_rows_are_inserted_around_those_that_are_there_already,
    an_inserted_row_tells_its_id_and_an_update_what_it_matched,
);

/// Stores a value in a column, gives it back by `read`.
async fn through<T: Send>(
    database: &TestDatabase,
    insert_sql: &'static str,
    select_sql: &'static str,
    value: Value<'static>,
    read: impl Fn(&Row) -> shared::records::Result<T> + Send + Sync,
) -> T {
    let id = insert(database, insert_sql, vec![value]).await;
    let mut read = all(database, select_sql, vec![id.into()], read).await;
    assert_eq!(read.len(), 1);
    read.remove(0)
}

const OUTBOX: &str = "INSERT INTO outbox (kind, body, error, run_id) VALUES ('', '', '', ?)";
const BODY: &str = "INSERT INTO outbox (run_id, kind, error, body) VALUES (0, '', '', ?)";

async fn whole_numbers_come_back_as_they_went_in(database: &TestDatabase) {
    for number in [i64::MIN, -1, 0, 1, i64::from(u32::MAX), i64::MAX] {
        let sql = "SELECT run_id FROM outbox WHERE id = ?";
        assert_eq!(through(database, OUTBOX, sql, number.into(), |row| row.int(0)).await, number);
    }
    for truth in [true, false] {
        let sql = "SELECT run_id FROM outbox WHERE id = ?";
        assert_eq!(through(database, OUTBOX, sql, truth.into(), |row| row.truth(0)).await, truth);
    }
}

async fn rates_come_back_as_they_went_in(database: &TestDatabase) {
    for (at, rate) in [0.0, -1.0, 99.9, 1.0 / 3.0, f64::MAX, f64::MIN_POSITIVE].into_iter().enumerate() {
        let id = insert(
            database,
            "INSERT INTO contacts (user_id, email, response_rate) VALUES (1, ?, ?)",
            vec![format!("a{at}@example.org").into(), rate.into()],
        )
        .await;
        let sql = "SELECT response_rate FROM contacts WHERE user_id = 1 AND id = ?";
        assert_eq!(all(database, sql, vec![id.into()], |row| row.float(0)).await, [rate]);
    }
}

async fn texts_come_back_as_they_went_in(database: &TestDatabase) {
    let long = "🦀 Zoë's \"Ünï\"\\ %_?{ç} ".repeat(1_500);
    for text in ["", " blanks at both ends ", "l'été\r\n\t\0end", "👩‍👩‍👧‍👦🇫🇷", &long] {
        let sql = "SELECT body FROM outbox WHERE id = ?";
        assert_eq!(through(database, BODY, sql, text.to_owned().into(), |row| row.text(0)).await, text);
    }
}

async fn texts_that_differ_only_in_case_or_accents_are_different_keys(database: &TestDatabase) {
    let emails = ["e@example.org", "E@example.org", "é@example.org", "e\u{301}@example.org"];
    for email in emails {
        let sql = "INSERT INTO suppressions (email, reason, suppressed_at) VALUES (?, 'test', {now})";
        execute(database, sql, vec![email.into()]).await;
    }
    for email in emails {
        let sql = "SELECT COUNT(*) FROM suppressions WHERE email = ?";
        assert_eq!(number(database, sql, vec![email.into()]).await, 1, "{email:?}");
    }
}

async fn bytes_come_back_as_they_went_in(database: &TestDatabase) {
    for (id, bytes) in [[0_u8; 32], [255; 32], std::array::from_fn(|at| b"\0'\"\\\x80\xff"[at % 6])].iter().enumerate()
    {
        let values = vec![id.into(), id.into(), Value::Bytes(bytes.to_vec().into())];
        let sql = "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, expires_at) \
                   VALUES (?, 202611, 1, ?, '', ?, {now})";
        execute(database, sql, values).await;
        let sql = "SELECT token FROM invitations WHERE id = ?";
        assert_eq!(all(database, sql, vec![id.into()], |row| row.bytes(0)).await, [bytes.to_vec()]);
    }
}

async fn moments_come_back_to_the_microsecond(database: &TestDatabase) {
    for text in
        ["2026-11-05T17:00:00Z", "2026-03-29T01:59:59.999999Z", "2026-10-25T00:30:00.000001Z", "1970-01-02T00:00:00Z"]
    {
        let moment: DateTime<Utc> = text.parse().expect("a time");
        let insert_sql = "INSERT INTO news (kind, subject, body, happened_at) VALUES ('', '', '', ?)";
        let sql = "SELECT happened_at FROM news WHERE id = ?";
        assert_eq!(through(database, insert_sql, sql, moment.into(), |row| row.time(0)).await, moment);
        let found = number(database, "SELECT COUNT(*) FROM news WHERE happened_at = ?", vec![moment.into()]).await;
        assert_eq!(found, 1, "a moment is compared as it was written: {text}");
    }
}

async fn never_is_an_absence_and_what_a_column_holds_by_default(database: &TestDatabase) {
    let sql = "SELECT not_before FROM outbox WHERE id = ?";
    let not_before = through(database, OUTBOX, sql, 1_i64.into(), |row| row.time(0)).await;
    assert_eq!((not_before, not_before.unless_never()), (never(), None));
    let insert_sql = "INSERT INTO outbox (run_id, kind, body, error, not_before) VALUES (0, '', '', '', ?)";
    let written = through(database, insert_sql, sql, never().into(), |row| row.time(0)).await;
    assert_eq!(written.unless_never(), None);
    let soon = never() + Duration::from_micros(1);
    let written = through(database, insert_sql, sql, soon.into(), |row| row.time(0)).await;
    assert_eq!(written.unless_never(), Some(soon));
}

async fn a_sum_is_a_whole_number(database: &TestDatabase) {
    for run in [3_i64, 4] {
        insert(database, OUTBOX, vec![run.into()]).await;
    }
    let sums = all(database, "SELECT SUM(run_id) FROM outbox", vec![], |row| row.sum(0)).await;
    assert_eq!(sums, [7]);
    let sql = "SELECT COALESCE(SUM(run_id), 0) FROM outbox WHERE id < 0";
    assert_eq!(all(database, sql, vec![], |row| row.sum(0)).await, [0]);
}

async fn a_count_below_zero_is_unreadable(database: &TestDatabase) {
    insert(database, OUTBOX, vec![(-1_i64).into()]).await;
    let read = database
        .read(|tx| {
            async move {
                let row = tx.row("SELECT run_id FROM outbox", &[]).await?.expect("a row");
                Ok((row.count(0).is_err(), row.small(0).is_err()))
            }
            .boxed()
        })
        .await;
    assert_eq!(read.expect("readable"), (true, true));
}

async fn database_time(database: &TestDatabase) -> DateTime<Utc> {
    all(database, "SELECT {now}", vec![], |row| row.time(0)).await[0]
}

async fn now_is_the_machines_time_and_is_shifted_by_the_lease_clock(database: &TestDatabase) {
    // SQLite's clock has milliseconds, and a server's may be another machine's: minutes are told apart, no less.
    let difference = |a: DateTime<Utc>, b: DateTime<Utc>| (a - b).num_minutes().abs();
    assert!(difference(database_time(database).await, Utc::now()) < 5);
    database.shift_lease_clock(Duration::from_secs(3_600));
    let an_hour_on = Utc::now() + Duration::from_secs(3_600);
    assert!(difference(database_time(database).await, an_hour_on) < 5);
    let insert_sql = "INSERT INTO news (kind, subject, body, happened_at) VALUES ('', '', ?, {now})";
    let sql = "SELECT happened_at FROM news WHERE id = ?";
    let written = through(database, insert_sql, sql, "".into(), |row| row.time(0)).await;
    assert!(difference(written, an_hour_on) < 5, "writers see the shifted clock too");
    let other = database.another_handle().await;
    let unshifted = all(&other, "SELECT {now}", vec![], |row| row.time(0)).await[0];
    assert!(difference(unshifted, Utc::now()) < 5, "the shift is one handle's own");
}

async fn now_plus_is_counted_from_the_shifted_lease_clock(database: &TestDatabase) {
    database.shift_lease_clock(Duration::from_secs(60));
    let hour: i64 = 3_600_000_000;
    let insert_sql = "INSERT INTO outbox (run_id, kind, body, error, not_before) VALUES (0, '', '', '', {now+?})";
    insert(database, insert_sql, vec![hour.into()]).await;
    let due = "SELECT COUNT(*) FROM outbox WHERE not_before <= {now}";
    assert_eq!(number(database, due, vec![]).await, 0);
    database.shift_lease_clock(Duration::from_secs(3_590));
    assert_eq!(number(database, due, vec![]).await, 0, "ten seconds are left");
    database.shift_lease_clock(Duration::from_secs(10));
    assert_eq!(number(database, due, vec![]).await, 1);
    insert(database, insert_sql, vec![(-hour).into()]).await;
    assert_eq!(number(database, due, vec![]).await, 2, "a wait may be negative");
}

const SUPPRESS: &str = "INSERT INTO suppressions (email, reason, suppressed_at) VALUES (?, ?, {now}) {or ignore email}";

async fn a_row_that_is_there_already_is_left_alone_by_or_ignore(database: &TestDatabase) {
    for reason in ["first", "second"] {
        execute(database, SUPPRESS, vec!["a@example.org".into(), reason.into()]).await;
    }
    let reasons = all(database, "SELECT reason FROM suppressions", vec![], |row| row.text(0)).await;
    assert_eq!(reasons, ["first"]);
}

async fn a_row_that_is_there_already_is_a_duplicate_without_or_ignore(database: &TestDatabase) {
    execute(database, SUPPRESS, vec!["a@example.org".into(), "first".into()]).await;
    let again = database
        .transaction(|tx| {
            let sql = "INSERT INTO suppressions (email, reason, suppressed_at) VALUES ('a@example.org', '', {now})";
            async move { tx.execute(sql, &[]).await }.boxed()
        })
        .await
        .expect_err("the address is a key");
    assert!(again.is_duplicate() && !again.is_contention() && !again.is_unavailable(), "{again}");
}

async fn any_number_of_rows_is_inserted_in_order(database: &TestDatabase) {
    for (run, count) in (1_i64..).zip([0_i64, 1, 2, 255, 256, 257, 1_000, 1_001]) {
        database
            .transaction(move |tx| {
                async move {
                    let row =
                        |n: i64| -> [Value<'_>; 4] { [run.into(), format!("row {n}").into(), n.into(), "".into()] };
                    let values: Vec<_> = (0..count).flat_map(row).collect();
                    let head = "INSERT INTO batches (run_id, subjects, planned, cause) VALUES";
                    tx.insert_rows(head, 4, "", &values).await
                }
                .boxed()
            })
            .await
            .expect("insertable");
        let sql = "SELECT planned FROM batches WHERE run_id = ? ORDER BY id";
        assert_eq!(numbers(database, sql, vec![run.into()]).await, (0..count).collect::<Vec<_>>());
        let sql = "SELECT subjects FROM batches WHERE run_id = ? ORDER BY id";
        let expected: Vec<_> = (0..count).map(|n| format!("row {n}")).collect();
        assert_eq!(texts(database, sql, vec![run.into()]).await, expected);
    }
}

async fn many_rows_are_inserted_around_those_that_are_there_already(database: &TestDatabase) {
    let insert_range = |range: std::ops::Range<i64>| {
        database.transaction(move |tx| {
            let range = range.clone();
            async move {
                let row =
                    |user: i64| -> [Value<'_>; 4] { [202_611_i64.into(), user.into(), 1_i64.into(), never().into()] };
                let values: Vec<_> = range.flat_map(row).collect();
                let head = "INSERT INTO cycle_members (month, user_id, batch_id, joined_at) VALUES";
                tx.insert_rows(head, 4, "{or ignore month}", &values).await
            }
            .boxed()
        })
    };
    insert_range(100..400).await.expect("insertable");
    insert_range(0..1_000).await.expect("insertable beside those that are there");
    let sql = "SELECT user_id FROM cycle_members ORDER BY user_id";
    assert_eq!(numbers(database, sql, vec![]).await, (0..1_000).collect::<Vec<_>>());
}

async fn an_inserted_row_tells_its_id_and_an_update_what_it_matched(database: &TestDatabase) {
    let first = insert(database, OUTBOX, vec![1_i64.into()]).await;
    let second = insert(database, OUTBOX, vec![1_i64.into()]).await;
    assert_eq!(numbers(database, "SELECT id FROM outbox ORDER BY id", vec![]).await, [first, second]);
    // A row that is found but already is as it is to become counts: compare-and-set stands on this.
    for _ in 0..2 {
        assert_eq!(execute(database, "UPDATE outbox SET tries = 5 WHERE run_id = 1", vec![]).await, 2);
    }
    assert_eq!(execute(database, "UPDATE outbox SET tries = 5 WHERE run_id = 2", vec![]).await, 0);
}
