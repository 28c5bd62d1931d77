//! Contacts: bounces, owners, rates.

use chrono::{DateTime, TimeDelta, Utc};
use shared::records::{Records, Value};
use tests::{
    ask::{all, execute, number, numbers},
    cleaning::{clean, counts},
    databases::TestDatabase,
    people::{add_contacts, add_user, add_user_with_contacts},
};

tests::contract!(
    a_bounce_for_now_is_forgiven_after_a_month_unless_there_were_too_many,
    who_bounced_too_often_is_given_up_and_who_is_barred_stays_barred,
    contacts_without_an_owner_go_after_ninety_days_unless_the_owner_comes_back,
    a_rate_is_the_share_of_six_months_invitations_that_were_answered,
    many_users_are_looked_after_page_by_page,
);

fn night() -> DateTime<Utc> {
    "2026-11-20T01:00:00Z".parse().expect("a time")
}

async fn clean_at(records: &Records, at: DateTime<Utc>) -> std::collections::BTreeMap<String, u64> {
    clean(records, &tempfile::tempdir().expect("a folder"), at).await.1
}

/// Gives the contact of that number a status, an e-mail status, bounces, and the days since the last of them.
async fn bounced(records: &Records, contact: i64, status: &str, email: &str, bounces: i64, days: i64) {
    let sql = "UPDATE contacts SET status = ?, email_status = ?, bounce_count = ?, last_bounce_at = ? WHERE id = ?";
    let at = night() - TimeDelta::days(days);
    let values: Vec<Value<'static>> =
        vec![status.to_owned().into(), email.to_owned().into(), bounces.into(), at.into(), contact.into()];
    execute(records, sql, values).await;
}

/// Each contact's status, e-mail status, bounces, and whether it is active.
async fn standing(records: &Records) -> Vec<(String, String, i64, bool)> {
    let sql = "SELECT status, email_status, bounce_count, active FROM contacts ORDER BY id";
    all(records, sql, vec![], |row| Ok((row.text(0)?, row.text(1)?, row.int(2)?, row.truth(3)?))).await
}

fn of(status: &str, email: &str, bounces: i64, active: bool) -> (String, String, i64, bool) {
    (status.to_owned(), email.to_owned(), bounces, active)
}

async fn a_bounce_for_now_is_forgiven_after_a_month_unless_there_were_too_many(database: &TestDatabase) {
    let (_, contacts) = add_user_with_contacts(database, 4).await;
    let now = "bounced_temporary";
    bounced(database, contacts[0], "active", now, 4, 31).await;
    bounced(database, contacts[1], "active", now, 2, 29).await;
    bounced(database, contacts[2], "active", "bounced_permanent", 1, 31).await;
    bounced(database, contacts[3], "opted_out", now, 1, 31).await;
    assert_eq!(clean_at(database, night()).await, counts(&[("bounces_forgiven", 2)]));
    assert_eq!(
        standing(database).await,
        [
            of("active", "active", 0, true),
            of("active", now, 2, true),
            of("active", "bounced_permanent", 1, true),
            of("opted_out", "active", 0, true),
        ]
    );
}

async fn who_bounced_too_often_is_given_up_and_who_is_barred_stays_barred(database: &TestDatabase) {
    let (_, contacts) = add_user_with_contacts(database, 4).await;
    let now = "bounced_temporary";
    bounced(database, contacts[0], "active", now, 5, 90).await;
    bounced(database, contacts[1], "blocked", now, 6, 1).await;
    bounced(database, contacts[2], "opted_out", now, 7, 1).await;
    bounced(database, contacts[3], "active", now, 4, 1).await;
    assert_eq!(clean_at(database, night()).await, counts(&[("contacts_given_up", 3)]));
    assert_eq!(
        standing(database).await,
        [
            of("bounced", now, 5, false),
            of("blocked", now, 6, false),
            of("opted_out", now, 7, false),
            of("active", now, 4, true),
        ]
    );
    assert_eq!(clean_at(database, night() + TimeDelta::days(1)).await, counts(&[]), "once");
}

async fn contacts_without_an_owner_go_after_ninety_days_unless_the_owner_comes_back(database: &TestDatabase) {
    let (gone, _) = add_user_with_contacts(database, 3).await;
    let (back, _) = add_user_with_contacts(database, 2).await;
    add_user_with_contacts(database, 1).await;
    let mut hidden = Vec::new();
    for user in [gone, back] {
        hidden.push(
            all(database, "SELECT external_id FROM users WHERE id = ?", vec![user.into()], |row| row.text(0)).await,
        );
        execute(database, "DELETE FROM users WHERE id = ?", vec![user.into()]).await;
    }
    let at = |days| night() + TimeDelta::days(days);
    assert_eq!(clean_at(database, at(0)).await, counts(&[]));
    let returned = vec![back.into(), hidden[1][0].clone().into()];
    execute(
        database,
        "INSERT INTO users (id, external_id, username, email) VALUES (?, ?, 'Ada', 'a@example.org')",
        returned,
    )
    .await;
    assert_eq!(clean_at(database, at(90)).await, counts(&[]), "seen to be gone for ninety days, and not longer");
    assert_eq!(clean_at(database, at(91)).await, counts(&[("ownerless_contacts_deleted", 3)]));
    assert_eq!(number(database, "SELECT COUNT(*) FROM contacts", vec![]).await, 3);
    assert_eq!(number(database, "SELECT COUNT(*) FROM ownerless", vec![]).await, 0);
}

/// Writes invitations to a contact that were sent in these months, of which some were answered.
async fn invited(records: &Records, batch: i64, user: i64, contact: i64, months: &[(i64, bool)]) {
    for (position, (month, answered)) in (0_i64..).zip(months) {
        let sql = "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, send_state, status, \
                   expires_at) VALUES (?, ?, ?, ?, 'a@example.org', ?, 2, ?, ?)";
        let token = Value::Bytes(vec![7; 32].into());
        let status: i64 = if *answered { 4 } else { 1 };
        let id = batch * 65_536 + position;
        let values = vec![
            id.into(),
            (*month).into(),
            user.into(),
            contact.into(),
            token,
            status.into(),
            (night() + TimeDelta::days(365)).into(),
        ];
        execute(records, sql, values).await;
    }
}

async fn a_rate_is_the_share_of_six_months_invitations_that_were_answered(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 4).await;
    execute(database, "UPDATE contacts SET response_rate = 40 WHERE id = ?", vec![contacts[2].into()]).await;
    let lately = [(202_611, true), (202_610, false), (202_606, true), (202_605, false), (202_604, false)];
    invited(database, 1, user, contacts[0], &lately).await;
    invited(database, 2, user, contacts[1], &[(202_611, false)]).await;
    invited(database, 3, user, contacts[2], &[(202_505, true)]).await;
    assert_eq!(clean_at(database, night()).await, counts(&[("response_rates_changed", 2)]));
    let rates = || all(database, "SELECT response_rate FROM contacts ORDER BY id", vec![], |row| row.float(0));
    let seen = rates().await;
    assert!((seen[0] - 200.0 / 3.0).abs() < 0.001, "two of three: {seen:?}");
    assert_eq!(seen[1..], [0.0, 40.0, -1.0], "who was not invited lately keeps what is known");
    assert_eq!(clean_at(database, night() + TimeDelta::hours(24)).await, counts(&[]), "nothing is written again");
}

async fn many_users_are_looked_after_page_by_page(database: &TestDatabase) {
    // More contacts than one page, and one user with more than a page alone.
    let mut last = 0;
    for contacts in [700, 2_500, 700, 700, 1] {
        last = add_user(database).await;
        add_contacts(database, last, contacts).await;
    }
    let sql = "UPDATE contacts SET email_status = 'bounced_temporary', bounce_count = 1";
    execute(database, sql, vec![]).await;
    assert_eq!(clean_at(database, night()).await, counts(&[("bounces_forgiven", 4_601)]));
    let left = "SELECT COUNT(*) FROM contacts WHERE user_id = ? AND bounce_count = 0";
    assert_eq!(numbers(database, left, vec![last.into()]).await, [1]);
}
