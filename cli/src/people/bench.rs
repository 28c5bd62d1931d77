//! People to measure with: as many as it takes, all of whom are invited, written the fastest way.

use std::sync::Arc;

use futures_util::FutureExt;
use shared::{
    people::{EmailTemplate, Locale},
    records::{Records, Result, Tx, Value},
};

/// How many contacts one transaction adds: many enough that its commit does not count, few enough to stay small.
const CONTACTS_AT_ONCE: u32 = 8_192;

/// How many rows are in memory at once: a few statements' worth.
const ROWS: usize = 1_024;

/// Which letters the users send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Letters {
    /// All the default ones: friendly, in French.
    #[default]
    Default,
    /// Of a hundred users, 20 write English, 10 professional and 5 fun.
    Mixed,
}

/// How many people to measure with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bench {
    /// How many users.
    pub users: u32,
    /// How many contacts each has.
    pub contacts_per_user: u32,
    /// Which letters they send.
    pub letters: Letters,
}

/// Adds the users and their contacts behind those who are there, telling `progress` how many contacts there are so far.
///
/// One at a time: two at once may take the same numbers, and then add the same people.
pub async fn add(records: &Records, bench: Bench, mut progress: impl FnMut(u64)) -> Result<()> {
    let last = records.read(|tx| last_user(tx).boxed()).await?;
    let users_at_once = (CONTACTS_AT_ONCE / bench.contacts_per_user.max(1)).max(1);
    for first in (0..bench.users).step_by(users_at_once as usize) {
        let end = bench.users.min(first.saturating_add(users_at_once));
        let ids: Arc<Vec<i64>> = Arc::new((first..end).map(|number| last + 1 + i64::from(number)).collect());
        records
            .transaction(move |tx| {
                let ids = ids.clone();
                async move {
                    add_users(tx, bench.letters, &ids).await?;
                    add_contacts(tx, bench.contacts_per_user, &ids).await
                }
                .boxed()
            })
            .await?;
        progress(u64::from(end) * u64::from(bench.contacts_per_user));
    }
    Ok(())
}

async fn last_user(tx: &mut Tx) -> Result<i64> {
    let row = tx.row("SELECT COALESCE(MAX(id), 0) FROM users", &[]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

async fn add_users(tx: &mut Tx, letters: Letters, ids: &[i64]) -> Result<()> {
    let mut rows: Vec<Value<'static>> = Vec::with_capacity(6 * ids.len());
    for &id in ids {
        let (locale, template) = letters.of(id);
        rows.push(id.into());
        rows.push(format!("bench-{id}").into());
        rows.push(format!("Sender {id}").into());
        rows.push(format!("sender.{id}@example.com").into());
        rows.push(locale.as_str().into());
        rows.push(template.as_str().into());
    }
    let head = "INSERT INTO users (id, external_id, username, email, locale, email_template) VALUES";
    // A transaction may run twice; what the first run has added, the second leaves.
    tx.insert_rows(head, 6, "{or ignore id}", &rows).await
}

async fn add_contacts(tx: &mut Tx, contacts_per_user: u32, ids: &[i64]) -> Result<()> {
    let head = "INSERT INTO contacts (user_id, email, first_name) VALUES";
    let mut rows: Vec<Value<'static>> = Vec::with_capacity(3 * ROWS);
    for &id in ids {
        for number in 1..=contacts_per_user {
            rows.push(id.into());
            rows.push(format!("contact.{id:08}.{number:04}@example.org").into());
            rows.push("Camille".into());
            if rows.len() == 3 * ROWS {
                tx.insert_rows(head, 3, "{or ignore user_id}", &rows).await?;
                rows.clear();
            }
        }
    }
    tx.insert_rows(head, 3, "{or ignore user_id}", &rows).await
}

impl Letters {
    fn of(self, user: i64) -> (Locale, EmailTemplate) {
        if self == Self::Default {
            return (Locale::French, EmailTemplate::Friendly);
        }
        let locale = if user % 5 == 0 { Locale::English } else { Locale::French };
        let template = match user % 20 {
            1 | 10 => EmailTemplate::Professional,
            7 => EmailTemplate::Fun,
            _ => EmailTemplate::Friendly,
        };
        (locale, template)
    }
}
