//! The rows of users.

use std::collections::{HashMap, hash_map::Entry};

use shared::records::{Result, Row, Tx, Value, dialect::with_list};

use super::{
    Written,
    lists::lists,
    table::{Table, table},
};
use crate::people::NewUser;

const USERS: Table = table!(
    "users": "external_id", "username", "email", "active", "locale", "timezone", "send_day", "first_reminder",
    "second_reminder", "email_template", "custom_message", "max_contacts_per_cycle", "include_tags", "exclude_tags",
    "min_response_rate", "min_days_between_invitations",
);

/// A user's values, in the order of the columns.
fn values(user: &NewUser) -> [Value<'_>; USERS.columns] {
    [
        (&user.external_id).into(),
        (&user.username).into(),
        user.email.as_str().into(),
        user.active.into(),
        user.locale.as_str().into(),
        user.timezone.map_or("", |zone| zone.name()).into(),
        user.send_day.into(),
        user.first_reminder.into(),
        user.second_reminder.into(),
        user.email_template.as_str().into(),
        (&user.custom_message).into(),
        user.max_contacts_per_cycle.unwrap_or(0).into(),
        user.include_tags.as_str().into(),
        user.exclude_tags.as_str().into(),
        user.min_response_rate.unwrap_or(0.0).into(),
        user.min_days_between_invitations.unwrap_or(0).into(),
    ]
}

/// Whether a row says the same as `user`.
fn is_same(row: &Row, user: &NewUser) -> Result<bool> {
    for (value, column) in values(user).iter().zip(1..) {
        let same = match value {
            Value::Int(number) => row.int(column)? == *number,
            Value::Float(number) => row.float(column)? == *number,
            Value::Text(text) => row.text(column)? == text.as_ref(),
            Value::Bytes(bytes) => row.bytes(column)? == bytes.as_ref(),
            Value::Time(moment) => row.time(column)? == *moment,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts a chunk of users into the records. Of a user who comes twice the last wins.
pub(super) async fn put(tx: &mut Tx, users: &[NewUser]) -> Result<Written> {
    let (latest, repeated) = latest_of_each(users);
    let stored = stored(tx, &latest).await?;
    let mut written = Written { repeated, ..Written::default() };
    let (mut added, mut rewritten) = (Vec::new(), Vec::new());
    for user in latest {
        match stored.get(user.external_id.as_str()) {
            None => {
                written.inserted += 1;
                added.extend(values(user));
            }
            Some(row) if is_same(row, user)? => written.unchanged += 1,
            Some(row) => {
                written.changed += 1;
                rewritten.push(row.int(0)?.into());
                rewritten.extend(values(user));
            }
        }
    }
    USERS.add(tx, &added).await?;
    USERS.rewrite(tx, &rewritten).await?;
    Ok(written)
}

/// Each user once, in the order in which they first came, and how many were left out for that.
fn latest_of_each(users: &[NewUser]) -> (Vec<&NewUser>, u64) {
    let mut places = HashMap::with_capacity(users.len());
    let mut latest: Vec<&NewUser> = Vec::with_capacity(users.len());
    let mut repeated = 0;
    for user in users {
        match places.entry(user.external_id.as_str()) {
            Entry::Vacant(place) => {
                place.insert(latest.len());
                latest.push(user);
            }
            Entry::Occupied(place) => {
                repeated += 1;
                latest[*place.get()] = user;
            }
        }
    }
    (latest, repeated)
}

/// The rows of those who are there, by external id.
async fn stored(tx: &mut Tx, users: &[&NewUser]) -> Result<HashMap<String, Row>> {
    let keys: Vec<&str> = users.iter().map(|user| user.external_id.as_str()).collect();
    let mut stored = HashMap::new();
    for list in lists(&keys) {
        let sql = format!("{}{} {{for update}}", USERS.select, with_list(" WHERE external_id IN (?..)", list.len()));
        let list: Vec<Value<'_>> = list.into_iter().map(Value::from).collect();
        for row in tx.rows(sql, &list).await? {
            stored.insert(row.text(1)?, row);
        }
    }
    Ok(stored)
}

/// The owner of contacts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    /// The user's id.
    pub(super) id: i64,
    /// Whether it has contacts already.
    pub(super) has_contacts: bool,
}

/// Owners by their external ids; an external id that is missing is nobody's.
pub(super) async fn owners<'k>(
    tx: &mut Tx,
    external_ids: impl Iterator<Item = &'k str>,
) -> Result<HashMap<String, Owner>> {
    let mut keys: Vec<&str> = external_ids.collect();
    keys.sort_unstable();
    keys.dedup();
    let mut owners = HashMap::with_capacity(keys.len());
    for list in lists(&keys) {
        let sql = "SELECT external_id, id, EXISTS (SELECT 1 FROM contacts WHERE user_id = users.id) \
                   FROM users WHERE external_id IN (?..)";
        let sql = with_list(sql, list.len());
        let list: Vec<Value<'_>> = list.into_iter().map(Value::from).collect();
        for row in tx.rows(sql, &list).await? {
            owners.insert(row.text(0)?, Owner { id: row.int(1)?, has_contacts: row.truth(2)? });
        }
    }
    Ok(owners)
}
