//! What has been said of a letter, as the records keep it: one row for each attempt and kind, however often it was said.
//! A row holds ids, codes and times, and nobody's address.

use chrono::{DateTime, Utc};

use super::{Kind, LetterName};
use crate::{
    letters::LetterKind,
    records::{RecordsError, Result, Row, Tx, Value},
};

/// One kind of thing that was said about one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The attempt's batch.
    pub batch: i64,
    /// The attempt's claim.
    pub claim: u32,
    /// What was said.
    pub kind: Kind,
    /// When it first happened.
    pub happened_at: DateTime<Utc>,
    /// When the attempt was made.
    pub claimed_at: DateTime<Utc>,
    /// Why, in a code; of the first time.
    pub code: String,
    /// The provider's own id of the letter.
    pub provider_id: String,
}

impl Said {
    fn is_same(&self, other: &Self) -> bool {
        (self.batch, self.claim, self.kind) == (other.batch, other.claim, other.kind)
    }

    /// Both as one: what happened first, and of what happened at once always the same.
    fn joined(&self, other: &Self) -> Self {
        let rank = |said: &Self| (said.happened_at, said.code.clone(), said.provider_id.clone());
        if rank(other) < rank(self) { other.clone() } else { self.clone() }
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            batch: row.int(0)?,
            claim: row.small(1)?,
            kind: Kind::from_stored(row.int(2)?).ok_or_else(|| RecordsError::unreadable(2, "no such kind"))?,
            happened_at: row.time(3)?,
            claimed_at: row.time(4)?,
            code: row.text(5)?,
            provider_id: row.text(6)?,
        })
    }
}

/// All that has been said of a letter, attempt by attempt.
pub async fn of_letter(tx: &mut Tx, letter: LetterName) -> Result<Vec<Said>> {
    let sql = "SELECT batch_id, claim, kind, happened_at, claimed_at, code, provider_id FROM feedback \
               WHERE invitation_id = ? AND letter = ? ORDER BY batch_id, claim, kind";
    let rows = tx.rows(sql, &[letter.invitation.0.into(), stored(letter.kind)]).await?;
    rows.iter().map(Said::read).collect()
}

/// How a kind of letter is stored; see the migration.
fn stored(kind: LetterKind) -> Value<'static> {
    kind.place().into()
}

/// Adds to `all` that was said of a letter; gives whether it is the first of its kind for its attempt.
pub(super) async fn keep(
    tx: &mut Tx,
    letter: LetterName,
    all: &mut Vec<Said>,
    said: Said,
    now: DateTime<Utc>,
) -> Result<bool> {
    let Some(known) = all.iter_mut().find(|known| known.is_same(&said)) else {
        insert(tx, letter, &said, now).await?;
        all.push(said);
        return Ok(true);
    };
    let joined = known.joined(&said);
    if joined != *known {
        update(tx, letter, &joined).await?;
        *known = joined;
    }
    Ok(false)
}

async fn insert(tx: &mut Tx, letter: LetterName, said: &Said, now: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "INSERT INTO feedback (invitation_id, letter, batch_id, claim, kind, happened_at, claimed_at, recorded_at, code, \
         provider_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            letter.invitation.0.into(),
            stored(letter.kind),
            said.batch.into(),
            said.claim.into(),
            said.kind.stored().into(),
            said.happened_at.into(),
            said.claimed_at.into(),
            now.into(),
            (&said.code).into(),
            (&said.provider_id).into(),
        ],
    )
    .await?;
    Ok(())
}

async fn update(tx: &mut Tx, letter: LetterName, said: &Said) -> Result<()> {
    tx.execute(
        "UPDATE feedback SET happened_at = ?, code = ?, provider_id = ? \
         WHERE invitation_id = ? AND letter = ? AND batch_id = ? AND claim = ? AND kind = ?",
        &[
            said.happened_at.into(),
            (&said.code).into(),
            (&said.provider_id).into(),
            letter.invitation.0.into(),
            stored(letter.kind),
            said.batch.into(),
            said.claim.into(),
            said.kind.stored().into(),
        ],
    )
    .await?;
    Ok(())
}
