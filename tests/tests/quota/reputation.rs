//! What comes back of the last days' letters slows sending and stops it, and people are told once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared::{feedback::Kind, mail::quota::Grant};
use tests::{
    ask::{execute, number, texts},
    databases::TestDatabase,
    runs::scheduled_at,
    ses_fake::Account,
};

use crate::limits::{at_once, fake_with, quota, ses};

tests::contract!(
    bounces_slow_sending_from_half_of_the_line,
    sending_stops_before_the_line_and_people_are_told_once,
    complaints_stop_sending_too,
    what_came_back_of_older_letters_is_over,
    a_paused_account_is_told_of,
);

/// As if so many letters had been sent at that time.
async fn sent(database: &TestDatabase, letters: i64, at: DateTime<Utc>) {
    let sql = "INSERT INTO sends (batch_id, claim, nonce, holder, provider, first_position, last_position, listed, letters, \
               state, claimed_at, lease_until, accepted, outcome) \
               SELECT COALESCE(MAX(batch_id), 0) + 1, 0, '', '', 'ses', 0, 0, '', ?, 1, ?, ?, ?, '' FROM sends";
    execute(database, sql, vec![letters.into(), at.into(), at.into(), letters.into()]).await;
}

/// As if that had been said of so many letters that were sent then.
async fn came_back(database: &TestDatabase, letters: i64, kind: Kind, at: DateTime<Utc>) {
    let before = number(database, "SELECT COUNT(*) FROM feedback", vec![]).await;
    for letter in before..before + letters {
        let sql = "INSERT INTO feedback (invitation_id, letter, batch_id, claim, kind, happened_at, claimed_at, recorded_at, \
                   code, provider_id) VALUES (?, 0, 1, 0, ?, ?, ?, ?, '', '')";
        let values = vec![letter.into(), kind.stored().into(), at.into(), at.into(), at.into()];
        execute(database, sql, values).await;
    }
}

/// Lets what is known grow old; gives what is granted then.
async fn later(database: &TestDatabase) -> u32 {
    database.shift_lease_clock(Duration::from_mins(5));
    at_once(&quota(database, Some(100.0), None)).await
}

/// The alerts that were said, in their order: cause and whether it began.
async fn said(database: &TestDatabase) -> Vec<(String, bool)> {
    let bodies = texts(database, "SELECT body FROM outbox WHERE kind = 'alert' ORDER BY id", vec![]).await;
    let read = |body: &String| {
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let alert = &body["alerts"][0];
        (alert["cause"].as_str().expect("a cause").to_owned(), alert["state"] == "raised")
    };
    bodies.iter().map(read).collect()
}

fn recently() -> DateTime<Utc> {
    scheduled_at() - TimeDelta::days(1)
}

async fn bounces_slow_sending_from_half_of_the_line(database: &TestDatabase) {
    sent(database, 2_000, recently()).await;
    came_back(database, 50, Kind::BouncedForGood, recently()).await;
    came_back(database, 500, Kind::BouncedForNow, recently()).await;
    assert_eq!(later(database).await, 100, "half of the line, and those of now do not count");
    came_back(database, 20, Kind::BouncedForGood, recently()).await;
    assert_eq!(later(database).await, 50, "seven tenths of the line");
    assert_eq!(said(database).await, []);
}

async fn sending_stops_before_the_line_and_people_are_told_once(database: &TestDatabase) {
    sent(database, 2_000, recently()).await;
    came_back(database, 89, Kind::BouncedForGood, recently()).await;
    assert!(later(database).await > 0);
    came_back(database, 1, Kind::BouncedForGood, recently()).await;
    for _ in 0..3 {
        database.shift_lease_clock(Duration::from_mins(5));
        let asked = quota(database, Some(100.0), None).ask(1, Duration::ZERO).await.expect("the records are there");
        assert_eq!(asked, Grant::Later(Duration::from_mins(15), "too many letters come back"));
    }
    assert_eq!(said(database).await, [("bounce-rate".to_owned(), true)]);
    sent(database, 2_000, recently()).await;
    assert_eq!(later(database).await, 100);
    later(database).await;
    assert_eq!(said(database).await, [("bounce-rate".to_owned(), true), ("bounce-rate".to_owned(), false)]);
}

async fn complaints_stop_sending_too(database: &TestDatabase) {
    sent(database, 10_000, recently()).await;
    came_back(database, 8, Kind::Complained, recently()).await;
    assert_eq!(later(database).await, 25);
    came_back(database, 1, Kind::Complained, recently()).await;
    assert_eq!(later(database).await, 0);
    assert_eq!(said(database).await, [("complaint-rate".to_owned(), true)]);
}

async fn what_came_back_of_older_letters_is_over(database: &TestDatabase) {
    let long_ago = scheduled_at() - TimeDelta::days(7);
    sent(database, 2_000, long_ago).await;
    came_back(database, 200, Kind::BouncedForGood, long_ago).await;
    sent(database, 2_000, recently()).await;
    assert_eq!(later(database).await, 100);
}

async fn a_paused_account_is_told_of(database: &TestDatabase) {
    let account = Account { per_second: 14.0, per_day: 200.0, sent: 0.0, enabled: false };
    let fake = fake_with(account).await;
    at_once(&quota(database, None, ses(&fake))).await;
    fake.set_account(Some(Account { enabled: true, ..account }));
    database.shift_lease_clock(Duration::from_mins(5));
    at_once(&quota(database, None, ses(&fake))).await;
    assert_eq!(said(database).await, [("account-paused".to_owned(), true), ("account-paused".to_owned(), false)]);
}
