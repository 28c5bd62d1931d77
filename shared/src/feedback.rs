//! Feedback: what providers say about letters after they were handed over.
//!
//! It comes in any order, more than once, late, before the send's own reply, or never. So nothing here depends on order:
//! what is said of a letter is kept as a set ([`said`]), and everything else follows from the set ([`verdict`]) or only ever
//! moves one way ([`crate::people::strictness`], [`crate::consent`]).
//!
//! A letter is found by its attempt's id, which went out with it. Evidence is stronger than a reply, or the lack of one:
//! what was in doubt, and what is still under an open claim, has been sent as soon as its provider says so; a reply
//! that comes later, or never, changes no row that evidence has settled.

mod address;
mod letter;
pub mod said;
pub mod verdict;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

use self::{letter::Letter, said::Said, verdict::Verdict};
use crate::{
    alerts::{self, Alert, Severity},
    claims::evidence::AttemptId,
    email_address::EmailAddress,
    invitation::InvitationId,
    letters::LetterKind,
    records::{Result, Tx},
};

/// The job that takes it.
pub const JOB: &str = "delivery-feedback";

/// What can be said about a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The provider took it.
    Sent,
    /// The recipient's server took it.
    Delivered,
    /// It was not delivered, for a reason that says nothing about its address: the recipient's server does not take it
    /// yet, an absence is announced, or it is the letter that is not liked.
    Delayed,
    /// It was looked at.
    Opened,
    /// A link in it was followed.
    Clicked,
    /// It came back, and the next one may arrive.
    BouncedForNow,
    /// It came back, and so will every other.
    BouncedForGood,
    /// It was reported as spam.
    Complained,
    /// The provider took it and then refused to send it.
    Rejected,
    /// The provider took it and then could not put its words together.
    Unrenderable,
}

impl Kind {
    /// Every kind, by the number that is stored.
    pub const ALL: [Self; 10] = [
        Self::Sent,
        Self::Delivered,
        Self::Delayed,
        Self::Opened,
        Self::Clicked,
        Self::BouncedForNow,
        Self::BouncedForGood,
        Self::Complained,
        Self::Rejected,
        Self::Unrenderable,
    ];

    /// Reads the stored number; see the migration that makes the table.
    pub fn from_stored(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The number that is stored.
    pub fn stored(self) -> i64 {
        self as i64
    }

    /// The words that people are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Delayed => "delayed",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::BouncedForNow => "bounced for now",
            Self::BouncedForGood => "bounced for good",
            Self::Complained => "reported as spam",
            Self::Rejected => "rejected",
            Self::Unrenderable => "not rendered",
        }
    }

    /// Whether the letter came back.
    pub fn is_bounce(self) -> bool {
        matches!(self, Self::BouncedForNow | Self::BouncedForGood)
    }

    /// Whether the letter was taken and never sent on.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Rejected | Self::Unrenderable)
    }
}

/// A letter as it calls itself: `65537`, or for a reminder `65537/first`. Providers' tags have `_` for `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetterName {
    /// The invitation that it is about.
    pub invitation: InvitationId,
    /// Which letter about it.
    pub kind: LetterKind,
}

/// A text that is no letter's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a letter's name, INVITATION, INVITATION/first or INVITATION/second")]
pub struct InvalidLetterName;

impl FromStr for LetterName {
    type Err = InvalidLetterName;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidLetterName> {
        let (invitation, kind) = match text.trim().split_once(['/', '_']) {
            None => (text.trim(), LetterKind::Invitation),
            Some((invitation, kind)) => {
                (invitation, LetterKind::Reminder(kind.parse().map_err(|_| InvalidLetterName)?))
            }
        };
        let id = invitation.parse().ok().filter(|&id: &i64| id > 0).ok_or(InvalidLetterName)?;
        Ok(Self { invitation: InvitationId(id), kind })
    }
}

/// Who says something about a letter, and so what of it is believed.
#[derive(Clone)]
pub enum Source {
    /// The provider, by a way that nobody else can write to: it is believed also about a letter that is not ours or not
    /// here any more, and whom that went to.
    Provider {
        /// To whom the letter went.
        recipients: Vec<EmailAddress>,
    },
    /// A mail, which anybody can write: believed about letters to the one contact whose own unsubscribe link it brings
    /// back, because only their recipient and the servers on their way have seen it.
    Mail {
        /// The contact.
        contact: i64,
    },
}

/// One thing that was said about a letter. `Debug` hides to whom it went.
#[derive(Clone)]
pub struct Feedback {
    /// What.
    pub kind: Kind,
    /// Who says so.
    pub source: Source,
    /// Which letter, and which attempt at it; `None` where it does not say so.
    pub about: Option<(AttemptId, LetterName)>,
    /// When it happened, by the clock of whoever says so.
    pub happened_at: DateTime<Utc>,
    /// Why, in a code: `5.1.1`, `abuse`. Never free text, which can hold addresses.
    pub code: String,
    /// The provider's own id of the letter; empty where it gives none.
    pub provider_id: String,
}

impl fmt::Debug for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Feedback");
        shown.field("kind", &self.kind).field("about", &self.about).field("code", &self.code).finish_non_exhaustive()
    }
}

/// What came of taking in feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is news of a letter; `settled` when its letter had been in doubt until now.
    News {
        /// Whether its letter had been in doubt.
        settled: bool,
    },
    /// It was known.
    Known,
    /// It is about no letter of ours, or one that has been deleted; to whom that went is noted all the same.
    OfNoLetter,
}

/// Takes in what was said: keeps it, and moves its letter, its contact and the suppression list on. Safe to repeat.
pub async fn record(tx: &mut Tx, feedback: &Feedback, now: DateTime<Utc>) -> Result<Recorded> {
    let found = match &feedback.about {
        Some((attempt, id)) => {
            letter::find(tx, attempt, *id).await?.filter(|letter| feedback.source.may_tell_of(letter))
        }
        None => None,
    };
    if let Some(letter) = found {
        return about_letter(tx, feedback, &letter, now).await;
    }
    if let Source::Provider { recipients } = &feedback.source {
        for address in recipients {
            address::tighten(tx, address, feedback.kind, feedback.happened_at).await?;
        }
    }
    Ok(Recorded::OfNoLetter)
}

impl Source {
    fn may_tell_of(&self, letter: &Letter) -> bool {
        match self {
            Self::Provider { .. } => true,
            Self::Mail { contact } => *contact == letter.contact.contact,
        }
    }
}

async fn about_letter(tx: &mut Tx, feedback: &Feedback, letter: &Letter, now: DateTime<Utc>) -> Result<Recorded> {
    // Another's clock may be wrong, and a mail may say anything: nothing happened to a letter before it was sent.
    let kind = feedback.kind;
    let at = feedback.happened_at.min(now).max(letter.attempt.claimed_at);
    let said = Said {
        batch: letter.attempt.id.batch,
        claim: letter.attempt.id.claim,
        kind,
        happened_at: at,
        claimed_at: letter.attempt.claimed_at,
        code: feedback.code.clone(),
        provider_id: feedback.provider_id.clone(),
    };
    let mut all = said::of_letter(tx, letter.name).await?;
    let bounced_before = all.iter().any(|said| said.kind.is_bounce());
    let is_news = said::keep(tx, letter.name, &mut all, said, now).await?;
    let settled = letter::move_on(tx, letter, &Verdict::of(letter.name.kind, &all)).await?;
    if is_news {
        address::tighten(tx, &letter.contact.email, kind, at).await?;
        address::tighten_own(tx, &letter.contact, kind, at).await?;
    } else {
        address::antedate(tx, &letter.contact, kind, at).await?;
    }
    if kind.is_bounce() {
        address::note_bounce(tx, &letter.contact, is_news && !bounced_before, at).await?;
    }
    if is_news && kind.is_failure() {
        alert(tx, kind, letter.attempt.id.batch).await?;
    }
    Ok(if is_news { Recorded::News { settled } } else { Recorded::Known })
}

/// Says once a run that a provider took its letters and did not send them: seldom is only one of them at fault.
async fn alert(tx: &mut Tx, kind: Kind, batch: i64) -> Result<()> {
    let row = tx.row("SELECT run_id FROM batches WHERE id = ?", &[batch.into()]).await?;
    let Some(run) = row.map(|row| row.int(0)).transpose()? else { return Ok(()) };
    let (cause, what) = match kind {
        Kind::Unrenderable => ("letters-not-rendered", "could not put their words together"),
        _ => ("letters-rejected", "refused to send them"),
    };
    let message = format!("the provider took letters of run {run} and then {what}");
    let (subject, severity) = (format!("run-{run}"), Severity::High);
    let alert =
        Alert { job: JOB, cause, subject: &subject, severity, message, run: Some(run), value: None, threshold: None };
    alerts::raise(tx, &alert).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters::ReminderKind;

    #[test]
    fn a_letter_s_own_name_is_read_back_in_its_header_s_and_in_its_tag_s_spelling() {
        let read = |text: &str| text.parse::<LetterName>().map(|id| (id.invitation.0, id.kind));
        assert_eq!(read("65537"), Ok((65_537, LetterKind::Invitation)));
        assert_eq!(read(" 65537/first\r\n"), Ok((65_537, LetterKind::Reminder(ReminderKind::First))));
        assert_eq!(read("65537_second"), Ok((65_537, LetterKind::Reminder(ReminderKind::Second))));
        for text in ["", "x", "0", "-1", "65537/third", "65537_", "65537/first/second", "9999999999999999999999"] {
            assert_eq!(read(text), Err(InvalidLetterName), "{text:?}");
        }
    }

    #[test]
    fn kinds_are_read_back_by_their_stored_numbers() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_stored(kind.stored()), Some(kind));
        }
        assert_eq!(Kind::from_stored(10), None);
    }

    #[test]
    fn debug_output_shows_nobody() {
        let feedback = Feedback {
            kind: Kind::BouncedForGood,
            source: Source::Provider { recipients: vec![EmailAddress::parse("ada@example.org").expect("well formed")] },
            about: None,
            happened_at: Utc::now(),
            code: "5.1.1".to_owned(),
            provider_id: String::new(),
        };
        assert!(!format!("{feedback:?}").contains("ada"));
    }
}
