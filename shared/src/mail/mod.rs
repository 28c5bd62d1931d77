//! Mail: what a job hands over, and what a provider can answer.
//!
//! A job builds [`Letter`]s, groups the ones that share a [`template::Template`], and hands each group to a [`Mailer`] as one
//! [`Call`]. The answer is per letter and says exactly what is known: accepted, refused, or unknown. Nothing in here
//! retries: a second try is a claim of its own, and claims belong to the caller.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::email_address::EmailAddress;

/// One mail to one person. Its words are the values of its template's placeholders.
///
/// `Debug` shows only the message's id: links, codes and addresses must not come into a log.
#[derive(Clone)]
pub struct Letter {
    /// The `X-Almanac-Invitation` header: the invitation's id, for a reminder followed by `/first` or `/second`.
    pub message: String,
    /// Whom it goes to.
    pub to: EmailAddress,
    /// One value per placeholder of the template's catalogue, in the catalogue's order, raw (never escaped).
    pub values: Vec<String>,
}

impl Letter {
    /// The https URL of the one-click unsubscribe (RFC 8058), for the `List-Unsubscribe` header; empty when the letter
    /// has none.
    pub fn unsubscribe_url(&self) -> &str {
        self.values.get(placeholder::UNSUBSCRIBE_URL).map_or("", String::as_str)
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("message", &self.message).finish_non_exhaustive()
    }
}

/// What goes to a provider in one go: letters that share one template, under one attempt id.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The attempt's id, unique for ever. It goes along with every letter, as a tag or a header, so that what is said of
    /// the letter afterwards leads back to the attempt.
    pub attempt: &'a str,
    /// The words that the letters share.
    pub template: &'a template::Template,
    /// The letters; at most [`Capacity::claim`] of them.
    pub letters: &'a [&'a Letter],
}

/// What is known about one letter after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The provider took it, under this id (empty where the provider gives none).
    Accepted {
        /// The provider's own message id.
        provider_id: String,
    },
    /// The provider definitely did not take it.
    Refused {
        /// Whether trying again can help.
        refusal: Refusal,
        /// The provider's reason, without any address: `550 5.1.1`, `MESSAGE_REJECTED`.
        cause: String,
    },
    /// The letter may or may not have been taken: the reply was lost. It must not be sent again blindly.
    Unknown {
        /// What happened to the reply.
        cause: String,
    },
}

/// The kind of a definite refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// This letter will never be taken as it is (SMTP 5xx, rejected content, bad address).
    Permanent,
    /// It may be taken later (SMTP 4xx, a service error before acceptance).
    Transient,
    /// The provider asks for a slower pace.
    Throttled,
    /// The provider takes nothing now, whatever the letter: it cannot be reached, or the account is at fault (expired
    /// credentials, sending paused, a full disk).
    Unavailable,
}

/// How much a mailer takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// The most letters of one call: 50 for a bulk API; for SMTP the open connections that one call may use.
    pub claim: usize,
    /// How many calls it makes sense to have under way at once in this process.
    pub calls: usize,
    /// After how long a call has an answer, however slow the provider is.
    pub longest_call: Duration,
}

/// A way to hand letters to the world.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// The provider's name, as rows and reports show it: `dir`, `null`, `smtp`, `ses`.
    fn name(&self) -> &'static str;

    /// How much it takes at once.
    fn capacity(&self) -> Capacity;

    /// Hands over every letter of `call` and says, in the same order and number, what became of each.
    async fn send(&self, call: Call<'_>) -> Vec<Answer>;
}

pub mod folder;
pub mod headers;
mod json_text;
pub mod message;
pub mod null;
mod part;
pub mod placeholder;
pub mod providers;
pub mod quota;
pub mod ses;
pub mod smtp;
pub mod template;
pub mod words;
