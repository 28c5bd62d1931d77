//! The rows of contacts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::records::{Dialect, Result, Row, Tx, Value};

use super::{
    Written,
    lists::lists,
    table::{Table, table},
    users::{self, Owner},
};
use crate::people::{
    NewContact, Tags,
    contact::{ContactRecord, merge},
};

const CONTACTS: Table = table!(
    "contacts": "user_id", "email", "first_name", "last_name", "status", "email_status", "bounce_count",
    "last_bounce_at", "opted_out", "opt_out_reason", "opted_out_at", "active", "tags", "last_sent_at", "response_rate",
    "source",
);

/// How a rate that there is none of yet is stored.
const NO_RATE: f64 = -1.0;

/// What a contact is known by: its owner's id and its address.
type Key<'c> = (i64, &'c str);

/// A contact's values, in the order of the columns.
fn values<'v>((user_id, email): Key<'v>, contact: &'v ContactRecord) -> [Value<'v>; CONTACTS.columns] {
    [
        user_id.into(),
        email.into(),
        (&contact.first_name).into(),
        (&contact.last_name).into(),
        contact.status.as_str().into(),
        contact.email_status.as_str().into(),
        contact.bounce_count.into(),
        contact.last_bounce_at.into(),
        contact.opted_out.into(),
        (&contact.opt_out_reason).into(),
        contact.opted_out_at.into(),
        contact.active.into(),
        contact.tags.as_str().into(),
        contact.last_sent_at.into(),
        contact.response_rate.unwrap_or(NO_RATE).into(),
        contact.source.as_str().into(),
    ]
}

fn read(row: &Row) -> Result<ContactRecord> {
    let rate = row.float(15)?;
    Ok(ContactRecord {
        first_name: row.text(3)?,
        last_name: row.text(4)?,
        status: row.parsed(5)?,
        email_status: row.parsed(6)?,
        bounce_count: row.small(7)?,
        last_bounce_at: row.time(8)?,
        opted_out: row.truth(9)?,
        opt_out_reason: row.text(10)?,
        opted_out_at: row.time(11)?,
        active: row.truth(12)?,
        tags: Tags::from_stored(row.text(13)?),
        last_sent_at: row.time(14)?,
        response_rate: (rate >= 0.0).then_some(rate),
        source: row.parsed(16)?,
    })
}

/// A contact of the chunk: what the records have, and what they are to have.
struct Entry<'c> {
    key: Key<'c>,
    may_be_stored: bool,
    stored: Option<(i64, ContactRecord)>,
    wanted: Option<ContactRecord>,
}

/// Puts a chunk of contacts into the records.
pub(super) async fn put(tx: &mut Tx, contacts: &[NewContact], seen_at: DateTime<Utc>) -> Result<Written> {
    let owners = users::owners(tx, contacts.iter().map(|contact| contact.owner.as_str())).await?;
    let mut chunk = Chunk::default();
    let mut written = Written::default();
    for (contact, place) in contacts.iter().zip(0..) {
        match owners.get(&contact.owner) {
            Some(&owner) => chunk.add(owner, contact),
            None => written.unknown_owners.push(place),
        }
    }
    chunk.read_stored(tx).await?;
    chunk.merge(seen_at);
    written.repeated = u64::try_from(chunk.lines.len() - chunk.entries.len()).unwrap_or(0);
    chunk.write(tx, &mut written).await?;
    Ok(written)
}

/// The contacts of a chunk, each once, in the order in which they first came.
#[derive(Default)]
struct Chunk<'c> {
    entries: Vec<Entry<'c>>,
    places: HashMap<Key<'c>, usize>,
    /// Every contact that was handed over, with the place of its entry.
    lines: Vec<(usize, &'c NewContact)>,
}

impl<'c> Chunk<'c> {
    fn add(&mut self, owner: Owner, contact: &'c NewContact) {
        let key = (owner.id, contact.email.as_str());
        let entries = &mut self.entries;
        let place = *self.places.entry(key).or_insert_with(|| {
            entries.push(Entry { key, may_be_stored: owner.has_contacts, stored: None, wanted: None });
            entries.len() - 1
        });
        self.lines.push((place, contact));
    }

    /// Reads those whom the records have, and holds them until the transaction ends. Somebody whom another import adds
    /// meanwhile is found when the insert fails.
    async fn read_stored(&mut self, tx: &mut Tx) -> Result<()> {
        let keys: Vec<Key<'c>> =
            self.entries.iter().filter(|entry| entry.may_be_stored).map(|entry| entry.key).collect();
        // Left to itself, MySQL weighs up three indexes for every key, which takes longer than the query.
        let hint = match tx.dialect() {
            Dialect::MySql => " FORCE INDEX (contacts_owner_email)",
            Dialect::Sqlite => "",
        };
        for list in lists(&keys) {
            // Not `(user_id, email) IN (…)`, for which MariaDB is slower and SQLite has other words.
            let condition = vec!["user_id = ? AND email = ?"; list.len()].join(" OR ");
            let sql = format!("{}{hint} WHERE {condition} {{for update}}", CONTACTS.select);
            let list: Vec<Value<'_>> = list.into_iter().flat_map(|(user, email)| [user.into(), email.into()]).collect();
            for row in tx.rows(sql, &list).await? {
                let email = row.text(2)?;
                if let Some(&place) = self.places.get(&(row.int(1)?, email.as_str())) {
                    self.entries[place].stored = Some((row.int(0)?, read(&row)?));
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, seen_at: DateTime<Utc>) {
        for (place, contact) in &self.lines {
            let Entry { stored, wanted, .. } = &mut self.entries[*place];
            let incoming = contact.record(seen_at);
            let known = wanted.take().or_else(|| stored.as_ref().map(|(_, record)| record.clone()));
            *wanted = Some(match known {
                Some(existing) => merge(existing, incoming),
                None => incoming,
            });
        }
    }

    async fn write(&self, tx: &mut Tx, written: &mut Written) -> Result<()> {
        let (mut added, mut rewritten) = (Vec::new(), Vec::new());
        for Entry { key, stored, wanted, .. } in &self.entries {
            let Some(wanted) = wanted else { continue };
            match stored {
                None => {
                    written.inserted += 1;
                    added.extend(values(*key, wanted));
                }
                Some((_, record)) if record == wanted => written.unchanged += 1,
                Some((id, _)) => {
                    written.changed += 1;
                    rewritten.push((*id).into());
                    rewritten.extend(values(*key, wanted));
                }
            }
        }
        CONTACTS.add(tx, &added).await?;
        CONTACTS.rewrite(tx, &rewritten).await
    }
}
