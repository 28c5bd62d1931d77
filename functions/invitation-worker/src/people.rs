//! The people of a batch, as the worker needs them: users with their wishes, contacts with what the rules look at.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use shared::{
    cycle::CycleParameters,
    email_address::EmailAddress,
    letters::ReminderKind,
    people::{EmailTemplate, Locale, ReminderChannel},
    records::{Never, Result, Row, Tx, Value, dialect::with_list},
};

use crate::eligibility::{Candidate, Wishes};

/// A user who invites.
#[derive(Debug, Clone)]
pub struct User {
    /// The user.
    pub id: i64,
    /// Still active.
    pub active: bool,
    /// The name that the mails show.
    pub name: String,
    /// The language of the mails.
    pub locale: Locale,
    /// The tone of the mails.
    pub template: EmailTemplate,
    /// What the user adds.
    pub custom_message: String,
    /// Whom the user wants to invite.
    pub wishes: Wishes,
    /// Whom the user wants to remind.
    pub reminders: ReminderWishes,
}

/// A user's wishes about reminders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReminderWishes {
    /// First reminders are wanted.
    pub first: bool,
    /// Second reminders are wanted.
    pub second: bool,
    /// How they go out.
    pub channel: ReminderChannel,
}

impl ReminderWishes {
    /// Whether reminders of this kind are wanted.
    pub fn wants(self, kind: ReminderKind) -> bool {
        match kind {
            ReminderKind::First => self.first,
            ReminderKind::Second => self.second,
        }
    }
}

/// A contact, with what a letter needs of it.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Whose contact it is.
    pub user_id: i64,
    /// Where it is written to.
    pub email: EmailAddress,
    /// How it is greeted; may be empty.
    pub first_name: String,
    /// It is a user itself.
    pub is_user: bool,
    /// What the rules look at.
    pub candidate: Candidate,
}

const USER_COLUMNS: &str = "SELECT id, active, username, locale, email_template, custom_message, \
                            max_contacts_per_cycle, include_tags, exclude_tags, min_response_rate, \
                            min_days_between_invitations, first_reminder, second_reminder, reminder_channel \
                            FROM users WHERE id IN (?..)";

/// The users of those ids that there are.
pub async fn users(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, User>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let values: Vec<Value<'_>> = ids.iter().map(|&id| id.into()).collect();
    let rows = tx.rows(with_list(USER_COLUMNS, values.len()), &values).await?;
    rows.iter().map(|row| read_user(row).map(|user| (user.id, user))).collect()
}

fn read_user(row: &Row) -> Result<User> {
    Ok(User {
        id: row.int(0)?,
        active: row.truth(1)?,
        name: row.text(2)?,
        locale: row.parsed(3)?,
        template: row.parsed(4)?,
        custom_message: row.text(5)?,
        wishes: Wishes {
            limit: usize::try_from(row.int(6)?).unwrap_or(0),
            include_tags: tags(&row.text(7)?),
            exclude_tags: tags(&row.text(8)?),
            min_response_rate: row.float(9)?,
            min_days: row.int(10)?,
        },
        reminders: ReminderWishes { first: row.truth(11)?, second: row.truth(12)?, channel: row.parsed(13)? },
    })
}

/// Reads tags as they are stored: `friend;family`.
fn tags(text: &str) -> Vec<String> {
    text.split(';').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

// The addresses' rules are asked of the database as truth values, so that no status text crosses the wire. Tags and
// the imported last invitation are asked for only where a user's wishes look at them.
const CONTACT_COLUMNS: &str = "c.id, c.user_id, c.email, c.first_name, c.linked_user_id, c.opted_out, c.active, \
                               c.status = 'active', \
                               c.email_status IN ('bounced_permanent', 'complained', 'unsubscribed'), \
                               c.bounce_count, s.email IS NOT NULL, c.response_rate";

/// The contacts of those users that existed when the run was opened, by user and in the order in which they were added.
pub async fn contacts(tx: &mut Tx, users: &HashMap<i64, User>, cycle: &CycleParameters) -> Result<Vec<Contact>> {
    let wants_tags = |user: &User| !user.wishes.include_tags.is_empty() || !user.wishes.exclude_tags.is_empty();
    let with_tags = users.values().any(wants_tags);
    let with_last = users.values().any(|user| user.wishes.min_days > 0);
    let mut values: Vec<Value<'_>> = users.keys().map(|&id| id.into()).collect();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let list = with_list("(?..)", values.len());
    values.push(cycle.last_contact.into());
    let sql = format!(
        "SELECT {CONTACT_COLUMNS}, {}, {} FROM contacts c LEFT JOIN suppressions s ON s.email = c.email \
         WHERE c.user_id IN {list} AND c.id <= ? ORDER BY c.user_id, c.id",
        if with_tags { "c.tags" } else { "''" },
        if with_last { "c.last_sent_at" } else { "0" },
    );
    let rows = tx.rows(sql, &values).await?;
    let mut contacts: Vec<_> = rows.iter().map(|row| read_contact(row, with_last)).collect::<Result<_>>()?;
    if with_last {
        add_last_invitations(tx, users, cycle, &mut contacts).await?;
    }
    Ok(contacts)
}

fn read_contact(row: &Row, with_last: bool) -> Result<Contact> {
    let rate = row.float(11)?;
    Ok(Contact {
        user_id: row.int(1)?,
        email: EmailAddress::from_stored(row.text(2)?),
        first_name: row.text(3)?,
        is_user: row.truth(4)?,
        candidate: Candidate {
            id: row.int(0)?,
            opted_out: row.truth(5)?,
            active: row.truth(6)?,
            status_active: row.truth(7)?,
            deliverable: !row.truth(8)?,
            bounce_count: row.int(9)?,
            suppressed: row.truth(10)?,
            tags: tags(&row.text(12)?),
            response_rate: (rate >= 0.0).then_some(rate),
            last_invited_at: if with_last { row.time(13)?.unless_never() } else { None },
            already_invited: false,
        },
    })
}

/// The last invitation is the later of the imported one and those that were sent from here. One in doubt may have been
/// sent, at about the time at which its user joined that month's cycle.
async fn add_last_invitations(
    tx: &mut Tx,
    users: &HashMap<i64, User>,
    cycle: &CycleParameters,
    contacts: &mut [Contact],
) -> Result<()> {
    let min_days = |contact: &Contact| users.get(&contact.user_id).map_or(0, |user| user.wishes.min_days);
    let longest = users.values().map(|user| user.wishes.min_days).max().unwrap_or(0);
    let asked: Vec<i64> = contacts.iter().filter(|c| min_days(c) > 0).map(|c| c.candidate.id).collect();
    let mut last: HashMap<i64, DateTime<Utc>> = HashMap::new();
    let mut month = cycle.month;
    // So many months can the longest wish look back on; the month itself is the cycle's own.
    for _ in 0..=(longest / 28 + 1) {
        for ids in asked.chunks(500) {
            let mut values: Vec<Value<'_>> = vec![month.number().into()];
            values.extend(ids.iter().map(|&id| Value::from(id)));
            let sql = "SELECT i.contact_id, \
                       CASE WHEN i.send_state = 4 THEN COALESCE(m.joined_at, i.sent_at) ELSE i.sent_at END \
                       FROM invitations i LEFT JOIN cycle_members m ON m.month = i.month AND m.user_id = i.user_id \
                       WHERE i.month = ? AND i.contact_id IN (?..) AND i.send_state IN (2, 4)";
            for row in tx.rows(with_list(sql, ids.len()), &values).await? {
                let sent_at = row.time(1)?;
                let latest = last.entry(row.int(0)?).or_insert(sent_at);
                *latest = (*latest).max(sent_at);
            }
        }
        month = month.previous();
    }
    for contact in contacts {
        let sent_here = last.get(&contact.candidate.id).copied();
        contact.candidate.last_invited_at = contact.candidate.last_invited_at.max(sent_here);
    }
    Ok(())
}

/// Which of those contacts have an invitation of that month already.
pub async fn already_invited(tx: &mut Tx, cycle: &CycleParameters, contacts: &[i64]) -> Result<HashSet<i64>> {
    let mut invited = HashSet::new();
    for ids in contacts.chunks(500) {
        let mut values: Vec<Value<'_>> = vec![cycle.month.number().into()];
        values.extend(ids.iter().map(|&id| Value::from(id)));
        let sql = "SELECT contact_id FROM invitations WHERE month = ? AND contact_id IN (?..)";
        for row in tx.rows(with_list(sql, ids.len()), &values).await? {
            invited.insert(row.int(0)?);
        }
    }
    Ok(invited)
}
