//! A user, as an import brings one.

use std::fmt;

use chrono_tz::Tz;
use shared::{
    email_address::EmailAddress,
    people::{EmailTemplate, Locale},
};

use super::Tags;

/// A user to be put into the records; `Debug` hides who it is. Whoever made it has checked the lengths and ranges that are named here.
#[derive(Clone, PartialEq)]
pub struct NewUser {
    /// The caller's own key, at most 190 characters; contacts name it as their owner.
    pub external_id: String,
    /// The name that letters show, at most 255 characters.
    pub username: String,
    /// The user's own address.
    pub email: EmailAddress,
    /// The language of the user's letters.
    pub locale: Locale,
    /// The user's zone; `None` means the schedule's.
    pub timezone: Option<Tz>,
    /// Whether the user's contacts are invited at all.
    pub active: bool,
    /// The day of the month from which they are invited, 1 to 28.
    pub send_day: u32,
    /// The tone of the user's letters.
    pub email_template: EmailTemplate,
    /// What the user adds to the letter, at most 500 characters; may be empty.
    pub custom_message: String,
    /// Whether the first reminder is sent.
    pub first_reminder: bool,
    /// Whether the second reminder is sent.
    pub second_reminder: bool,
    /// The most contacts to invite in a cycle, 1 to 200.
    pub max_contacts_per_cycle: Option<u32>,
    /// Only contacts with one of these tags; none means all.
    pub include_tags: Tags,
    /// No contacts with any of these tags.
    pub exclude_tags: Tags,
    /// Only contacts with at least this response rate, 0 to 100.
    pub min_response_rate: Option<f64>,
    /// Only contacts not invited in so many days, 0 to 3650.
    pub min_days_between_invitations: Option<u32>,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewUser(…)")
    }
}

impl NewUser {
    /// A user with every setting at its default.
    pub fn new(external_id: impl Into<String>, username: impl Into<String>, email: EmailAddress) -> Self {
        Self {
            external_id: external_id.into(),
            username: username.into(),
            email,
            locale: Locale::French,
            timezone: None,
            active: true,
            send_day: 5,
            email_template: EmailTemplate::Friendly,
            custom_message: String::new(),
            first_reminder: true,
            second_reminder: true,
            max_contacts_per_cycle: None,
            include_tags: Tags::default(),
            exclude_tags: Tags::default(),
            min_response_rate: None,
            min_days_between_invitations: None,
        }
    }
}
