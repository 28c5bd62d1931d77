//! A line of `contacts.csv`.

use chrono::{DateTime, Utc};
use shared::email_address::EmailAddress;
use shared::people::{ContactStatus, EmailStatus, Source};

use super::columns::Layout;
use super::fields::Fields;
use super::rejects::Reject;
use super::rows::Row;

/// A line of `contacts.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRow {
    /// The line of the file.
    pub line: u64,
    /// The `id` of the user whose contact it is.
    pub owner: String,
    /// The contact's address.
    pub email: EmailAddress,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// Where the contact stands.
    pub status: ContactStatus,
    /// What providers have said about the address.
    pub email_status: EmailStatus,
    /// How often letters came back.
    pub bounce_count: u32,
    /// Whether the contact asked not to be invited.
    pub opted_out: bool,
    /// Whether the contact is in use.
    pub active: bool,
    /// The owner's words for the contact.
    pub tags: Vec<String>,
    /// How often the contact answers, 0 to 100.
    pub response_rate: Option<f64>,
    /// When the contact was last invited.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// How the contact came into the list.
    pub source: Source,
}

impl Row for ContactRow {
    const LAYOUT: Layout = Layout {
        known: &[
            "owner",
            "email",
            "first_name",
            "last_name",
            "status",
            "email_status",
            "bounce_count",
            "opted_out",
            "active",
            "tags",
            "response_rate",
            "last_sent_at",
            "source",
        ],
        required: &["owner", "email"],
    };

    fn read(fields: &Fields<'_>) -> Result<Self, Reject> {
        Ok(Self {
            line: fields.line(),
            owner: fields.required_text("owner", 100)?,
            email: fields.required_email("email")?,
            first_name: fields.text("first_name", 100)?,
            last_name: fields.text("last_name", 100)?,
            status: fields.word("status", ContactStatus::Active)?,
            email_status: fields.word("email_status", EmailStatus::Active)?,
            bounce_count: fields.whole("bounce_count", 0, 1_000_000)?.unwrap_or(0),
            opted_out: fields.boolean("opted_out", false)?,
            active: fields.boolean("active", true)?,
            tags: fields.tags("tags")?,
            response_rate: fields.percentage("response_rate")?,
            last_sent_at: fields.time("last_sent_at")?,
            source: fields.word("source", Source::Csv)?,
        })
    }
}
