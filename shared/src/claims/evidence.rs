//! Attempts as others know them: by the id that went out with the letters and comes back in whatever is said about them.
//!
//! Who knows an attempt's id has seen one of its letters, or is the provider that was handed them: the nonce cannot be
//! guessed.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

use super::Positions;
use crate::records::{Result, Tx};

/// An attempt's id: `BATCH.CLAIM.NONCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptId {
    /// The batch.
    pub batch: i64,
    /// The claim's number in its batch.
    pub claim: u32,
    /// What sets this attempt apart from one that was never made.
    pub nonce: String,
}

/// A text that is no attempt's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an attempt's id, BATCH.CLAIM.NONCE")]
pub struct InvalidAttemptId;

impl FromStr for AttemptId {
    type Err = InvalidAttemptId;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidAttemptId> {
        let mut parts = text.trim().splitn(3, '.');
        let mut part = || parts.next().ok_or(InvalidAttemptId);
        let (batch, claim, nonce) = (part()?, part()?, part()?);
        let known = nonce.len() == 8 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(Self {
            batch: batch.parse().map_err(|_| InvalidAttemptId)?,
            claim: claim.parse().map_err(|_| InvalidAttemptId)?,
            nonce: known.then(|| nonce.to_owned()).ok_or(InvalidAttemptId)?,
        })
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::attempt_id(self.batch, self.claim, &self.nonce))
    }
}

/// An attempt that was made.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Which letters of its batch it covers.
    pub positions: Positions,
    /// When it was made, by the business clock.
    pub claimed_at: DateTime<Utc>,
    /// Whether its result is still awaited.
    pub is_open: bool,
}

/// The attempt of that id; `None` when it was never made.
pub async fn find(tx: &mut Tx, id: &AttemptId) -> Result<Option<Attempt>> {
    let sql = "SELECT first_position, last_position, listed, claimed_at, state FROM sends \
               WHERE batch_id = ? AND claim = ? AND nonce = ?";
    let row = tx.row(sql, &[id.batch.into(), id.claim.into(), (&id.nonce).into()]).await?;
    row.map(|row| {
        Ok(Attempt {
            id: id.clone(),
            positions: Positions::read(row.small(0)?, row.small(1)?, &row.text(2)?),
            claimed_at: row.time(3)?,
            is_open: row.int(4)? == 0,
        })
    })
    .transpose()
}

/// Counts one more letter of an attempt as accepted: evidence has shown it. A result that is recorded later counts anew.
pub(crate) async fn count_accepted(tx: &mut Tx, id: &AttemptId) -> Result<()> {
    let sql = "UPDATE sends SET accepted = accepted + 1 WHERE batch_id = ? AND claim = ? AND accepted < letters";
    tx.execute(sql, &[id.batch.into(), id.claim.into()]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{claims::Claim, letters::LetterKind};

    #[test]
    fn a_claim_s_attempt_is_read_back() {
        let claim = Claim::new(7, LetterKind::Invitation, 3, Positions::Range(0, 9), 10, "ses", DateTime::default());
        let attempt: AttemptId = claim.attempt().parse().expect("an attempt's id");
        assert_eq!((attempt.batch, attempt.claim, &attempt.nonce), (7, 3, &claim.nonce));
        assert_eq!(attempt.to_string(), claim.attempt());
    }

    #[test]
    fn whatever_else_comes_back_is_none() {
        for text in
            ["", "7", "7.3", "7.3.", "7.3.abc", "x.3.0a1b2c3d", "7.-1.0a1b2c3d", "7.3.0a1b2c3z", "7.3.0a1b2c3d.4"]
        {
            assert_eq!(text.parse::<AttemptId>(), Err(InvalidAttemptId), "{text:?}");
        }
    }
}
