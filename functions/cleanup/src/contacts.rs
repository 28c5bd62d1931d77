//! Contacts, some users' at a time: bounces that are forgiven or are too many, contacts whose owner is gone, and how often
//! each has answered lately.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use shared::{
    month::Month,
    records::{Result, Tx, Value, dialect::with_list},
};

use crate::{Parameters, progress::Page};

/// About how many contacts one page looks at; all of its last user's as well.
const CONTACTS: usize = 2_000;

/// After how long a bounce for now is forgiven.
const FORGIVEN_AFTER: TimeDelta = TimeDelta::days(30);

/// From how many bounces on a contact is given up.
const TOO_MANY_BOUNCES: i64 = 5;

/// For how long contacts are kept without an owner.
const WITHOUT_OWNER: TimeDelta = TimeDelta::days(90);

/// Over how many months answers count, this one included.
const MONTHS: usize = 6;

/// The users after one, up to another.
#[derive(Debug, Clone, Copy)]
struct Users {
    after: i64,
    until: i64,
}

impl Users {
    fn values(self) -> [Value<'static>; 2] {
        [self.after.into(), self.until.into()]
    }
}

/// Looks after the contacts of the next users.
pub(crate) async fn look_after(tx: &mut Tx, after: i64, parameters: Parameters) -> Result<Page> {
    let Some(until) = last_of_page(tx, after).await? else { return Ok(Page::default()) };
    let (users, as_of) = (Users { after, until }, parameters.as_of);
    let done = vec![
        ("bounces_forgiven", forgive_bounces(tx, users, as_of).await?),
        ("contacts_given_up", give_up(tx, users).await?),
        ("ownerless_contacts_deleted", delete_ownerless(tx, users, as_of).await?),
        ("response_rates_changed", recompute_rates(tx, users, parameters.month).await?),
    ];
    Ok(Page { next: Some(until), done })
}

async fn last_of_page(tx: &mut Tx, after: i64) -> Result<Option<i64>> {
    let sql = "SELECT user_id FROM contacts WHERE user_id > ? ORDER BY user_id, id LIMIT ?";
    tx.rows(sql, &[after.into(), CONTACTS.into()]).await?.last().map(|row| row.int(0)).transpose()
}

/// Forgives whoever bounced for now a month ago, unless too often.
async fn forgive_bounces(tx: &mut Tx, users: Users, as_of: DateTime<Utc>) -> Result<u64> {
    let sql = "UPDATE contacts SET bounce_count = 0, email_status = 'active' \
               WHERE user_id > ? AND user_id <= ? AND email_status = 'bounced_temporary' \
               AND bounce_count > 0 AND bounce_count < ? AND last_bounce_at < ?";
    let [after, until] = users.values();
    tx.execute(sql, &[after, until, TOO_MANY_BOUNCES.into(), (as_of - FORGIVEN_AFTER).into()]).await
}

/// Gives up whoever bounced too often; who opted out or is blocked stays that.
async fn give_up(tx: &mut Tx, users: Users) -> Result<u64> {
    let sql = "UPDATE contacts SET active = 0, \
               status = CASE WHEN status IN ('active', 'pending') THEN 'bounced' ELSE status END \
               WHERE user_id > ? AND user_id <= ? AND bounce_count >= ? \
               AND (active = 1 OR status IN ('active', 'pending'))";
    let [after, until] = users.values();
    tx.execute(sql, &[after, until, TOO_MANY_BOUNCES.into()]).await
}

/// Deletes contacts whose owner has been seen to be gone for long enough. An owner who is back owns them again.
async fn delete_ownerless(tx: &mut Tx, users: Users, as_of: DateTime<Utc>) -> Result<u64> {
    let sql = "DELETE FROM ownerless WHERE user_id > ? AND user_id <= ? AND user_id IN (SELECT id FROM users)";
    tx.execute(sql, &users.values()).await?;
    let sql = "SELECT DISTINCT c.user_id FROM contacts c LEFT JOIN users u ON u.id = c.user_id \
               WHERE c.user_id > ? AND c.user_id <= ? AND u.id IS NULL";
    let gone = tx.rows(sql, &users.values()).await?;
    let mut seen: Vec<Value<'_>> = Vec::new();
    for row in &gone {
        seen.extend([row.int(0)?.into(), as_of.into()]);
    }
    tx.insert_rows("INSERT INTO ownerless (user_id, since) VALUES", 2, "{or ignore user_id}", &seen).await?;

    let sql = "SELECT user_id FROM ownerless WHERE user_id > ? AND user_id <= ? AND since < ?";
    let [after, until] = users.values();
    let mut deleted = 0;
    for row in tx.rows(sql, &[after, until, (as_of - WITHOUT_OWNER).into()]).await? {
        let user = row.int(0)?;
        deleted += tx.execute("DELETE FROM contacts WHERE user_id = ?", &[user.into()]).await?;
        tx.execute("DELETE FROM ownerless WHERE user_id = ?", &[user.into()]).await?;
    }
    Ok(deleted)
}

/// How many contacts one statement gives a new rate.
const RATES: usize = 200;

/// Gives contacts the share of their invitations that they answered, in per cent. Who was not invited lately keeps the
/// rate that is known.
async fn recompute_rates(tx: &mut Tx, users: Users, month: Month) -> Result<u64> {
    let months: Vec<Month> = std::iter::successors(Some(month), |month| Some(month.previous())).take(MONTHS).collect();
    let mut values: Vec<Value<'_>> = months.iter().map(|month| month.number().into()).collect();
    values.extend(users.values());
    // 2 is sent, 4 submitted.
    let sql = "SELECT c.id, c.response_rate, COUNT(*), SUM(CASE WHEN i.status = 4 THEN 1 ELSE 0 END) \
               FROM contacts c JOIN invitations i ON i.month IN (?..) AND i.contact_id = c.id AND i.send_state = 2 \
               WHERE c.user_id > ? AND c.user_id <= ? GROUP BY c.id, c.response_rate";
    let mut changed: BTreeMap<i64, f64> = BTreeMap::new();
    for row in tx.rows(with_list(sql, MONTHS), &values).await? {
        #[expect(clippy::cast_precision_loss, reason = "at most six invitations")]
        let rate = row.sum(3)? as f64 * 100.0 / row.count(2)? as f64;
        if (rate - row.float(1)?).abs() > 0.005 {
            changed.insert(row.int(0)?, rate);
        }
    }
    let changed: Vec<(i64, f64)> = changed.into_iter().collect();
    for some in changed.chunks(RATES) {
        let mut values: Vec<Value<'_>> = some.iter().flat_map(|(id, rate)| [(*id).into(), (*rate).into()]).collect();
        values.extend(some.iter().map(|(id, _)| Value::from(*id)));
        let (cases, list) = (" WHEN ? THEN ?".repeat(some.len()), with_list("id IN (?..)", some.len()));
        tx.execute(format!("UPDATE contacts SET response_rate = CASE id{cases} END WHERE {list}"), &values).await?;
    }
    Ok(changed.len() as u64)
}
