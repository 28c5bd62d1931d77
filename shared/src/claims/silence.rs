//! Silence: what a provider that speaks of every letter says by never speaking of one.
//!
//! A worker that dies between its claim and its call leaves letters in doubt that no provider has ever seen, so nothing will
//! ever be said of them. Nor is anything said where feedback is switched off, is late, or was lost; and that must never
//! be taken for the same. So a provider's silence about a letter counts only where the provider was heard at that time:
//! when it has spoken of *every* letter of the nearest calls before it and after it, or of the same volley, that it is known
//! to have taken, and enough time has passed. Where there is no such call on one side, or one word is missing, nothing is
//! concluded, and the letter stays in doubt.
//!
//! What was not taken ([`SendState::NotTaken`]) has failed. Nobody sends it again but a person, by a redrive; and a word
//! that comes after all still turns it. Of a batch from which a redrive has taken already nothing is concluded any more: no
//! other could take it.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use chrono::{DateTime, TimeDelta, Utc};

use super::{CLAIM, Claim, Written, read_claim};
use crate::{
    feedback::Kind,
    invitation::SendState,
    letters::{LetterId, LetterKind},
    records::{Result, Row, Tx, Value, dialect::with_list},
    run::batch,
};

/// How long before and after a call its provider is listened to: an hour, in which the hourly reminders come.
const AROUND: TimeDelta = TimeDelta::hours(1);

/// How many calls before it are listened to, and how many after it: the nearest.
const WITNESSES: usize = 5;

/// How many letters one statement moves.
const ROWS: usize = 500;

/// What a provider says of every letter that it has taken, one of them at least. That one came back or was opened it
/// says of some only, and so may anybody else.
const SAID_OF_EVERY: [Kind; 4] = [Kind::Sent, Kind::Delivered, Kind::Rejected, Kind::Unrenderable];

/// What silence says of a batch's letters in doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concluded {
    /// How many of them were not taken.
    pub not_taken: u64,
    /// How many stay in doubt.
    pub in_doubt: u64,
}

/// Concludes from silence about the letters in doubt of an ended batch whose calls were all made before a moment. Safe to
/// repeat.
pub async fn conclude(tx: &mut Tx, batch: i64, kind: LetterKind, before: DateTime<Utc>) -> Result<Concluded> {
    let doubts = batch::positions_of(tx, kind, batch, SendState::InDoubt).await?;
    let mut concluded = Concluded { not_taken: 0, in_doubt: doubts.len() as u64 };
    if doubts.is_empty() {
        return Ok(concluded);
    }
    let (mut silent, mut unheard) = (BTreeSet::new(), BTreeSet::new());
    // A volley's calls were made at one moment, about which there is one answer.
    let mut heard: HashMap<(String, DateTime<Utc>), bool> = HashMap::new();
    for call in without_result(tx, batch).await? {
        let open: Vec<u32> = doubts.iter().copied().filter(|&position| call.leaves_open(position)).collect();
        let mut counts = !open.is_empty() && call.claim.claimed_at < before;
        if counts {
            counts = match heard.entry((call.provider, call.claim.claimed_at)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => {
                    let (provider, at) = unknown.key();
                    let was_heard = was_heard_at(tx, provider, *at).await?;
                    *unknown.insert(was_heard)
                }
            };
        }
        if counts { &mut silent } else { &mut unheard }.extend(open);
    }
    // One call of which nothing is known keeps the doubt, whatever is known of the others.
    let not_taken: Vec<u32> = silent.difference(&unheard).copied().collect();
    if !not_taken.is_empty() && lock_whole(tx, batch).await? {
        concluded.not_taken = note(tx, kind, batch, &not_taken).await?;
        concluded.in_doubt -= concluded.not_taken;
    }
    Ok(concluded)
}

/// Holds a batch until the transaction ends, so that no redrive takes from it meanwhile; false where one has.
async fn lock_whole(tx: &mut Tx, batch: i64) -> Result<bool> {
    let row = tx.row("SELECT redriven_as FROM batches WHERE id = ? {for update}", &[batch.into()]).await?;
    row.map_or(Ok(false), |row| Ok(row.int(0)? == 0))
}

/// A call that has no result of some of its letters.
struct Doubtful {
    claim: Claim,
    provider: String,
    /// What its reply said; `None` where there was none.
    reply: Option<BTreeSet<u32>>,
}

impl Doubtful {
    fn read(row: &Row) -> Result<Self> {
        let written: Written<'_> = serde_json::from_str(&row.text(12)?).unwrap_or_default();
        let reply = (row.int(11)? == 1).then(|| written.unknown.into_keys().collect());
        Ok(Self { claim: read_claim(row)?, provider: row.text(10)?, reply })
    }

    fn leaves_open(&self, position: u32) -> bool {
        let is_unknown = self.reply.as_ref().is_none_or(|unknown| unknown.contains(&position));
        is_unknown && self.claim.positions.contains(position)
    }
}

async fn without_result(tx: &mut Tx, batch: i64) -> Result<Vec<Doubtful>> {
    let sql = format!("SELECT {CLAIM}, provider, state, outcome FROM sends WHERE batch_id = ? AND accepted < letters");
    tx.rows(sql, &[batch.into()]).await?.iter().map(Doubtful::read).collect()
}

/// Whether a provider was heard of what was handed to it at a moment: it has spoken of every letter of the calls around it.
async fn was_heard_at(tx: &mut Tx, provider: &str, at: DateTime<Utc>) -> Result<bool> {
    // The records tell microseconds apart, and calls of one volley have one moment.
    let next = TimeDelta::microseconds(1);
    let beside = witnesses(tx, provider, [at, at], "ASC").await?;
    let before = witnesses(tx, provider, [at - AROUND, at - next], "DESC").await?;
    let after = witnesses(tx, provider, [at + next, at + AROUND], "ASC").await?;
    // From one side alone nobody sees whether the way of its words broke just then.
    if beside.is_empty() && (before.is_empty() || after.is_empty()) {
        return Ok(false);
    }
    for witness in beside.iter().chain(&before).chain(&after) {
        if letters_spoken_of(tx, witness).await? < u64::from(witness.letters) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first calls between two moments whose every letter a provider took by its own reply.
async fn witnesses(
    tx: &mut Tx,
    provider: &str,
    [from, to]: [DateTime<Utc>; 2],
    order: &'static str,
) -> Result<Vec<Claim>> {
    let sql = format!(
        "SELECT {CLAIM} FROM sends WHERE claimed_at BETWEEN ? AND ? AND provider = ? AND state = 1 \
         AND accepted = letters AND refused = 0 AND outcome NOT LIKE '%\"unknown\":%' ORDER BY claimed_at {order} LIMIT ?"
    );
    let values = [from.into(), to.into(), provider.into(), WITNESSES.into()];
    tx.rows(sql, &values).await?.iter().map(read_claim).collect()
}

/// Of how many letters of a call its provider has said what it says of every letter.
async fn letters_spoken_of(tx: &mut Tx, call: &Claim) -> Result<u64> {
    let (first, last) = call.positions.bounds();
    let mut values: Vec<Value<'_>> = vec![
        LetterId::new(call.batch, first).0.into(),
        LetterId::new(call.batch, last).0.into(),
        call.kind.place().into(),
        call.batch.into(),
        call.number.into(),
    ];
    values.extend(SAID_OF_EVERY.map(|kind| Value::from(kind.stored())));
    let sql = match call.kind {
        LetterKind::Invitation => {
            "SELECT COUNT(DISTINCT f.invitation_id) FROM feedback f WHERE f.invitation_id BETWEEN ? AND ? \
             AND f.letter = ? AND f.batch_id = ? AND f.claim = ? AND f.kind IN (?..)"
        }
        LetterKind::Reminder(_) => {
            "SELECT COUNT(DISTINCT r.id) FROM reminders r JOIN feedback f ON f.invitation_id = r.invitation_id \
             WHERE r.id BETWEEN ? AND ? AND f.letter = ? AND f.batch_id = ? AND f.claim = ? AND f.kind IN (?..)"
        }
    };
    let row = tx.row(with_list(sql, SAID_OF_EVERY.len()), &values).await?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// Notes that letters in doubt were not taken; gives how many of them still were in doubt.
async fn note(tx: &mut Tx, kind: LetterKind, batch: i64, positions: &[u32]) -> Result<u64> {
    let mut noted = 0;
    for some in positions.chunks(ROWS) {
        let ids: Vec<Value<'_>> = some.iter().map(|&position| LetterId::new(batch, position).0.into()).collect();
        let list = with_list("id IN (?..)", some.len());
        let sql = format!("UPDATE {} SET send_state = 6 WHERE send_state = 4 AND {list}", kind.table());
        noted += tx.execute(sql, &ids).await?;
    }
    if noted > 0 {
        let sql = "UPDATE batches SET not_taken = not_taken + ? WHERE id = ?";
        tx.execute(sql, &[noted.into(), batch.into()]).await?;
    }
    Ok(noted)
}
