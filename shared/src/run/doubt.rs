//! What becomes of letters in doubt: those that were handed to a provider without a result that says what became of them.
//!
//! Which is worse, a letter that never came or one that came twice, a kind of message knows and a machine does not: so
//! each kind has its policy, a run keeps the one it was opened with, and everything that shows a doubt shows it.
//!
//! A second try is the last thing that happens in a batch, some time after everything else of it has an outcome, so that
//! a provider that says by feedback what became of the first is heard before. No letter has a third: the claim of a second
//! try says that it is one.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::batch;
use crate::{
    claims::{self, Positions},
    invitation::SendState,
    records::{Result, Tx},
};

/// What becomes of letters in doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenInDoubt {
    /// They are never sent again: nobody is written to twice.
    #[default]
    NeverAgain,
    /// They are sent once more: somebody may be written to twice, so that more are reached.
    OnceMore,
}

/// A text that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no policy for letters in doubt; expected {expected}", expected = EXPECTED)]
pub struct UnknownPolicy(String);

/// The words, for who is to write one.
pub const EXPECTED: &str = "never-again or once-more";

impl WhenInDoubt {
    /// The word that is set, stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverAgain => "never-again",
            Self::OnceMore => "once-more",
        }
    }

    /// What it means for the letters, for people.
    pub fn means(self) -> &'static str {
        match self {
            Self::NeverAgain => "never sent again, by this run's policy",
            Self::OnceMore => "sent once more, by this run's policy",
        }
    }
}

impl fmt::Display for WhenInDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WhenInDoubt {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> std::result::Result<Self, UnknownPolicy> {
        [Self::NeverAgain, Self::OnceMore]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

/// Whether a batch has letters in doubt that are to be sent once more.
pub(super) async fn awaits_second_try(tx: &mut Tx, batch_id: i64) -> Result<bool> {
    let sql = "SELECT b.letters FROM batches b JOIN runs r ON r.id = b.run_id \
               WHERE b.id = ? AND b.doubts_retried = 0 AND r.when_in_doubt = 'once-more'";
    let Some(row) = tx.row(sql, &[batch_id.into()]).await? else { return Ok(false) };
    batch::has_letters(tx, row.parsed(0)?, batch_id, SendState::InDoubt).await
}

/// The claims of a batch's second tries so far, if its doubts are to be sent once more; what these cover had its turn.
/// The batch is locked by the caller, and has no other claim under way.
pub async fn second_tries(tx: &mut Tx, batch_id: i64) -> Result<Option<Vec<Positions>>> {
    if !awaits_second_try(tx, batch_id).await? {
        return Ok(None);
    }
    claims::second_tries(tx, batch_id).await.map(Some)
}

/// Notes that a batch's doubts have had their second try: what is still in doubt stays so.
pub async fn end_second_try(tx: &mut Tx, batch_id: i64) -> Result<()> {
    tx.execute("UPDATE batches SET doubts_retried = 1 WHERE id = ?", &[batch_id.into()]).await.map(drop)
}
