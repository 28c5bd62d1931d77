//! From a line of a file to a person for the store.

use super::{NewContact, NewUser, Tags};
use crate::import::{ContactRow, UserRow};

impl From<UserRow> for NewUser {
    fn from(row: UserRow) -> Self {
        Self {
            external_id: row.id,
            username: row.username,
            email: row.email,
            locale: row.locale,
            timezone: row.timezone,
            active: row.active,
            send_day: row.send_day,
            email_template: row.email_template,
            custom_message: row.custom_message.unwrap_or_default(),
            first_reminder: row.first_reminder,
            second_reminder: row.second_reminder,
            max_contacts_per_cycle: row.max_contacts_per_cycle,
            include_tags: tags(&row.include_tags),
            exclude_tags: tags(&row.exclude_tags),
            min_response_rate: row.min_response_rate,
            min_days_between_invitations: row.min_days_between_invitations,
        }
    }
}

impl From<ContactRow> for NewContact {
    fn from(row: ContactRow) -> Self {
        Self {
            first_name: row.first_name.unwrap_or_default(),
            last_name: row.last_name.unwrap_or_default(),
            status: row.status,
            email_status: row.email_status,
            bounce_count: row.bounce_count,
            opted_out: row.opted_out,
            active: row.active,
            tags: tags(&row.tags),
            response_rate: row.response_rate,
            last_sent_at: row.last_sent_at,
            source: row.source,
            ..Self::new(row.owner, row.email)
        }
    }
}

/// The reader has checked that they fit.
fn tags(tags: &[String]) -> Tags {
    Tags::join(tags).unwrap_or_default()
}
