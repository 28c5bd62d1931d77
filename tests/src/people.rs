//! Users and contacts for tests: ordinary ones, which a test then changes where it matters.

use futures_util::FutureExt;
use shared::records::{Records, Value};

use crate::ask;

/// Adds an active user without wishes, whose letters are friendly and French.
pub async fn add_user(records: &Records) -> i64 {
    let sql = "INSERT INTO users (external_id, username, email) VALUES (?, 'Ada', 'ada@example.org')";
    ask::insert(records, sql, vec![shared::random::token().into()]).await
}

/// Adds contacts that may all be invited to a user; gives their ids in order.
pub async fn add_contacts(records: &Records, user: i64, count: usize) -> Vec<i64> {
    let before = ask::numbers(records, IDS, vec![user.into()]).await.len();
    records
        .transaction(move |tx| {
            async move {
                let row = |n: usize| -> [Value<'_>; 3] {
                    [user.into(), format!("contact{n}@of{user}.example").into(), format!("Contact {n}").into()]
                };
                let values: Vec<_> = (before..before + count).flat_map(row).collect();
                tx.insert_rows("INSERT INTO contacts (user_id, email, first_name) VALUES", 3, "", &values).await
            }
            .boxed()
        })
        .await
        .expect("insertable contacts");
    ask::numbers(records, IDS, vec![user.into()]).await.split_off(before)
}

/// Adds an ordinary user with that many contacts; gives the user's and the contacts' ids.
pub async fn add_user_with_contacts(records: &Records, count: usize) -> (i64, Vec<i64>) {
    let user = add_user(records).await;
    (user, add_contacts(records, user, count).await)
}

const IDS: &str = "SELECT id FROM contacts WHERE user_id = ? ORDER BY id";
