//! A line of `users.csv`.

use chrono_tz::Tz;
use shared::email_address::EmailAddress;
use shared::people::{EmailTemplate, Locale};

use super::columns::Layout;
use super::fields::Fields;
use super::rejects::Reject;
use super::rows::Row;

/// A line of `users.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRow {
    /// The line of the file.
    pub line: u64,
    /// The caller's own key; contacts name it as their owner.
    pub id: String,
    /// The name to show.
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
    /// What the user adds to the letter, at most 500 characters.
    pub custom_message: Option<String>,
    /// Whether the first reminder is sent.
    pub first_reminder: bool,
    /// Whether the second reminder is sent.
    pub second_reminder: bool,
    /// The most contacts to invite in a cycle, 1 to 200.
    pub max_contacts_per_cycle: Option<u32>,
    /// Only contacts with one of these tags; none means all.
    pub include_tags: Vec<String>,
    /// No contacts with any of these tags.
    pub exclude_tags: Vec<String>,
    /// Only contacts with at least this response rate, 0 to 100.
    pub min_response_rate: Option<f64>,
    /// Only contacts not invited in so many days, 0 to 3650.
    pub min_days_between_invitations: Option<u32>,
}

impl Row for UserRow {
    const LAYOUT: Layout = Layout {
        known: &[
            "id",
            "username",
            "email",
            "locale",
            "timezone",
            "active",
            "send_day",
            "email_template",
            "custom_message",
            "first_reminder",
            "second_reminder",
            "max_contacts_per_cycle",
            "include_tags",
            "exclude_tags",
            "min_response_rate",
            "min_days_between_invitations",
        ],
        required: &["id", "username", "email"],
    };

    fn read(fields: &Fields<'_>) -> Result<Self, Reject> {
        Ok(Self {
            line: fields.line(),
            id: fields.required_text("id", 100)?,
            username: fields.required_text("username", 100)?,
            email: fields.required_email("email")?,
            locale: fields.word("locale", Locale::French)?,
            timezone: fields.zone("timezone")?,
            active: fields.boolean("active", true)?,
            send_day: fields.whole("send_day", 1, 28)?.unwrap_or(5),
            email_template: fields.word("email_template", EmailTemplate::Friendly)?,
            custom_message: fields.paragraphs("custom_message", 500)?,
            first_reminder: fields.boolean("first_reminder", true)?,
            second_reminder: fields.boolean("second_reminder", true)?,
            max_contacts_per_cycle: fields.whole("max_contacts_per_cycle", 1, 200)?,
            include_tags: fields.tags("include_tags")?,
            exclude_tags: fields.tags("exclude_tags")?,
            min_response_rate: fields.percentage("min_response_rate")?,
            min_days_between_invitations: fields.whole("min_days_between_invitations", 0, 3_650)?,
        })
    }
}
