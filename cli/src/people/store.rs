//! Writing people into the records, a chunk at a time.

mod contacts;
mod lists;
mod table;
mod users;

use std::{ops::AddAssign, sync::Arc};

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::BoxFuture};
use shared::{
    email_address::EmailAddress,
    records::{Records, Result, Tx, Value},
};

use super::{NewContact, NewUser};

/// How many people one transaction puts into the records. Whoever reads a file gathers so many lines at a time.
pub const CHUNK: usize = 1_024;

/// How often a chunk is tried anew because another import was first with one of its people.
const TRIES: u32 = 5;

/// What became of those who were put into the records. Together the numbers make up how many there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// They are new.
    pub inserted: u64,
    /// The records had them, and something about them was different.
    pub changed: u64,
    /// The records had them just so.
    pub unchanged: u64,
    /// They came more than once in their chunk, and were taken together.
    pub repeated: u64,
    /// Contacts whose owner nobody is: their places among those who were handed over, from 0.
    pub unknown_owners: Vec<usize>,
}

impl AddAssign for Written {
    /// Adds the counts of what came next; its places count on from those before.
    fn add_assign(&mut self, next: Self) {
        let before = self.handed_over();
        self.inserted += next.inserted;
        self.changed += next.changed;
        self.unchanged += next.unchanged;
        self.repeated += next.repeated;
        self.unknown_owners.extend(next.unknown_owners.into_iter().map(|place| before + place));
    }
}

impl Written {
    fn handed_over(&self) -> usize {
        let known = self.inserted + self.changed + self.unchanged + self.repeated;
        usize::try_from(known).unwrap_or(usize::MAX) + self.unknown_owners.len()
    }
}

/// Puts people into the records.
///
/// Users are known by their external id and contacts by their owner and address. An import tightens what speaks
/// against writing to a contact and never loosens it; the suppression list it does not touch. Everything else takes
/// the new value. Whoever is new is added in the order given.
#[derive(Debug, Clone)]
pub struct PeopleStore {
    records: Records,
    seen_at: DateTime<Utc>,
}

impl PeopleStore {
    /// A store over `records`. `seen_at` is the time of the import: when an opt-out or a bounce became known that says
    /// no time of its own.
    pub fn new(records: Records, seen_at: DateTime<Utc>) -> Self {
        Self { records, seen_at }
    }

    /// Adds or changes users. More than a [`CHUNK`] goes into several transactions.
    pub async fn put_users(&self, users: Vec<NewUser>) -> Result<Written> {
        self.put(users, |tx, users| users::put(tx, users).boxed()).await
    }

    /// Adds or changes contacts. More than a [`CHUNK`] goes into several transactions.
    pub async fn put_contacts(&self, contacts: Vec<NewContact>) -> Result<Written> {
        let seen_at = self.seen_at;
        self.put(contacts, move |tx, contacts| contacts::put(tx, contacts, seen_at).boxed()).await
    }

    /// Adds addresses to the suppression list; an address that stands there keeps its reason.
    pub async fn suppress(&self, addresses: Vec<EmailAddress>, reason: &'static str) -> Result<()> {
        if addresses.is_empty() {
            return Ok(());
        }
        let (addresses, at) = (Arc::new(addresses), self.seen_at);
        self.records
            .transaction(move |tx| {
                let addresses = addresses.clone();
                async move {
                    let rows = addresses.iter().flat_map(|address| [address.as_str().into(), reason.into(), at.into()]);
                    let rows: Vec<Value<'_>> = rows.collect();
                    let head = "INSERT INTO suppressions (email, reason, suppressed_at) VALUES";
                    tx.insert_rows(head, 3, "{or ignore email}", &rows).await
                }
                .boxed()
            })
            .await
    }

    async fn put<P, F>(&self, people: Vec<P>, write: F) -> Result<Written>
    where
        P: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t [P]) -> BoxFuture<'t, Result<Written>> + Copy + Send + Sync + 'static,
    {
        let people = Arc::new(people);
        let mut written = Written::default();
        for start in (0..people.len()).step_by(CHUNK) {
            written += self.put_chunk(&people, start, write).await?;
        }
        Ok(written)
    }

    /// Two imports at once may both find somebody new. Then the second cannot insert, but can read who is there now.
    async fn put_chunk<P, F>(&self, people: &Arc<Vec<P>>, start: usize, write: F) -> Result<Written>
    where
        P: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t [P]) -> BoxFuture<'t, Result<Written>> + Copy + Send + Sync + 'static,
    {
        let mut tries = 1;
        loop {
            let people = people.clone();
            let transaction = self.records.transaction(move |tx| {
                let people = people.clone();
                async move {
                    let end = people.len().min(start + CHUNK);
                    write(tx, &people[start..end]).await
                }
                .boxed()
            });
            match transaction.await {
                Err(error) if error.is_duplicate() && tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }
}
