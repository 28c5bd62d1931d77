//! Delivery feedback: takes in what providers say about letters afterwards, in whatever order and however often.
//!
//! Two ways lead here: events of Amazon SES, through SNS and a queue, and mails in a bounce mailbox, for letters that
//! went out over SMTP. Both are read into the same [`Feedback`], and what it means is decided in one place,
//! [`shared::feedback`]. What is not understood time and again becomes a dead letter.

mod mail;
mod ses;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use shared::{
    clock::Clock,
    counters::{Counter, count},
    feedback::{self, Feedback, Kind, Recorded},
    links::LinkKeys,
    records::Records,
    sqs::{Deadline, Message, Outcome, RecordHandler},
};

pub use shared::feedback::JOB;

/// What a message or a mail was read as.
#[derive(Debug)]
pub enum Reading {
    /// Something was said about a letter.
    Feedback(Feedback),
    /// Nothing that moves anything, for this reason, which names nobody.
    Nothing(String),
}

/// Why something cannot be read. It never repeats what was read, which is full of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Reads an event of SES, in an envelope of SNS or without. Whoever hands it over vouches that SES said so.
pub fn read_event(event: &[u8]) -> Result<Reading, Unreadable> {
    ses::read(event)
}

/// Reads a mail, which anybody may have written: `keys` are those that the links of letters were signed with.
pub fn read_mail(mail: &[u8], keys: &LinkKeys) -> Result<Reading, Unreadable> {
    mail::read(mail, keys)
}

/// The function and what it stands on.
#[derive(Debug, Clone)]
pub struct DeliveryFeedback {
    /// Where letters are, and what has been said of them.
    pub records: Records,
    /// The business clock.
    pub clock: Clock,
}

impl DeliveryFeedback {
    /// Takes in what was said. Safe to repeat.
    pub async fn take(&self, feedback: Feedback) -> anyhow::Result<Recorded> {
        let (feedback, now) = (Arc::new(feedback), self.clock.now());
        let said = feedback.clone();
        let recorded = self
            .records
            .transaction(move |tx| {
                let said = said.clone();
                async move { feedback::record(tx, &said, now).await }.boxed()
            })
            .await?;
        note(&feedback, recorded);
        Ok(recorded)
    }
}

/// Counts what is new, and leaves a line where a doubt has ended.
fn note(feedback: &Feedback, recorded: Recorded) {
    let (kind, letter) = (feedback.kind.as_str(), feedback.about.as_ref().map(|(_, letter)| letter.invitation.0));
    match recorded {
        Recorded::News { settled } => {
            count(Counter::Bounces, usize::from(feedback.kind.is_bounce()));
            count(Counter::Complaints, usize::from(feedback.kind == Kind::Complained));
            count(Counter::DoubtsSettled, usize::from(settled));
            if settled {
                tracing::info!(invitation = letter, kind, "no longer in doubt");
            }
        }
        Recorded::Known => tracing::debug!(invitation = letter, kind, "known already"),
        Recorded::OfNoLetter => tracing::warn!(invitation = letter, kind, "about no letter that is here"),
    }
}

/// What fails goes its queue's way to the dead letters, whose alarm tells people.
#[async_trait]
impl RecordHandler for DeliveryFeedback {
    async fn handle(&self, message: &Message, _: Deadline) -> anyhow::Result<Outcome> {
        Ok(match read_event(message.body.as_bytes())? {
            Reading::Feedback(feedback) => self.take(feedback).await.map(|_| Outcome::Done)?,
            Reading::Nothing(reason) => Outcome::Skip { reason },
        })
    }
}
