//! What feedback says about an address: of every contact that has it, and of the one that the letter went to.
//!
//! That letters never arrive, or are unwanted spam, is a fact about the address, so it holds for every user who knows it.
//! What else is said is noted for the letter's own contact; how often letters came back is counted there, once a letter.

use chrono::{DateTime, Utc};

use super::Kind;
use crate::{
    consent::{self, OptOut, Suppression},
    email_address::EmailAddress,
    people::EmailStatus,
    records::{Result, Tx, Value},
};

/// The contact that a letter went to.
#[derive(Debug)]
pub(super) struct ContactOf {
    pub(super) user: i64,
    pub(super) contact: i64,
    /// Where the letter went. The contact may have another address by now.
    pub(super) email: EmailAddress,
}

/// Tightens what stands for every contact of that address, and the suppression list.
pub(super) async fn tighten(tx: &mut Tx, email: &EmailAddress, kind: Kind, at: DateTime<Utc>) -> Result<()> {
    let (status, why) = match kind {
        Kind::BouncedForGood => (EmailStatus::BouncedPermanent, Suppression::Bounce),
        Kind::Complained => (EmailStatus::Complained, Suppression::Complaint),
        _ => return Ok(()),
    };
    consent::raise(tx, "email = ?", &[email.as_str().into()], status).await?;
    consent::suppress(tx, email, why, at).await
}

/// Tightens what stands only for the contact that the letter went to.
pub(super) async fn tighten_own(tx: &mut Tx, own: &ContactOf, kind: Kind, at: DateTime<Utc>) -> Result<()> {
    match kind {
        // Said of nearly every letter, so it is noted where it is news and for one contact.
        Kind::Delivered | Kind::Opened | Kind::Clicked => {
            consent::raise(tx, OWN, &own.key(), EmailStatus::Delivered).await
        }
        // Clean-up forgives it to whom a bounce is counted, so it is noted for nobody else.
        Kind::BouncedForNow => consent::raise(tx, OWN, &own.key(), EmailStatus::BouncedTemporary).await,
        Kind::Complained => consent::opt_out(tx, own.user, own.contact, OptOut::Complaint, at).await.map(drop),
        _ => Ok(()),
    }
}

/// Gives what has been tightened the earlier time of what is said again, and tightens nothing: a person may have loosened
/// it since.
pub(super) async fn antedate(tx: &mut Tx, own: &ContactOf, kind: Kind, at: DateTime<Utc>) -> Result<()> {
    match kind {
        Kind::BouncedForGood => consent::antedate_suppression(tx, &own.email, Suppression::Bounce, at).await,
        Kind::Complained => {
            consent::antedate_suppression(tx, &own.email, Suppression::Complaint, at).await?;
            consent::antedate_opt_out(tx, own.user, own.contact, OptOut::Complaint, at).await
        }
        _ => Ok(()),
    }
}

/// Notes when a letter came back, and counts it where it is the first time that it did.
pub(super) async fn note_bounce(tx: &mut Tx, own: &ContactOf, first: bool, at: DateTime<Utc>) -> Result<()> {
    let sql = format!(
        "UPDATE contacts SET bounce_count = bounce_count + ?, \
         last_bounce_at = CASE WHEN last_bounce_at < ? THEN ? ELSE last_bounce_at END WHERE {OWN}"
    );
    let mut values: Vec<Value<'_>> = vec![i64::from(first).into(), at.into(), at.into()];
    values.extend(own.key());
    tx.execute(sql, &values).await.map(drop)
}

/// Names the contact, as long as it has the address that the letter went to.
const OWN: &str = "user_id = ? AND id = ? AND email = ?";

impl ContactOf {
    fn key(&self) -> [Value<'_>; 3] {
        [self.user.into(), self.contact.into(), self.email.as_str().into()]
    }
}
