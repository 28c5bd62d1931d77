//! Claims: what makes a letter go out once.
//!
//! A claim covers exactly what goes onto the wire next. It is one row of `sends`, committed *before* the call to the
//! provider, together with the batch's claim count moved by compare-and-set. So of two workers on one batch only one
//! can make the next claim, and after a crash everybody can see what may have been sent.
//!
//! What was never claimed is simply still planned. What was claimed and has no recorded result when its lease ends is
//! **in doubt**: it is never sent again, unless its run's policy says once more. The lease decides who may *start* the next claim; a result counts whenever its
//! attempt matches, even from a worker that was thought dead.

pub mod evidence;
pub mod over_time;
pub mod silence;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use self::over_time::OverTime;
use crate::{
    letters::{LetterId, LetterKind},
    mail::{Answer, Refusal},
    process::Holder,
    random,
    records::{Never as _, Records, Result, Row, Script, Tx, Value, dialect::with_list},
    run::{
        State,
        batch::{self, BatchState},
        control::Control,
    },
};

/// Positions of one batch that go out in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Positions {
    /// All that exist from the first to the last.
    Range(u32, u32),
    /// Just these: a second try of what was refused.
    Listed(Vec<u32>),
}

impl Positions {
    fn bounds(&self) -> (u32, u32) {
        match self {
            Self::Range(first, last) => (*first, *last),
            Self::Listed(list) => (list.iter().min().copied().unwrap_or(0), list.iter().max().copied().unwrap_or(0)),
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Range(..) => String::new(),
            Self::Listed(list) => list.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
        }
    }

    fn read(first: u32, last: u32, listed: &str) -> Self {
        if listed.is_empty() {
            return Self::Range(first, last);
        }
        Self::Listed(listed.split(',').filter_map(|position| position.parse().ok()).collect())
    }

    /// Whether `position` is one of them.
    pub fn contains(&self, position: u32) -> bool {
        match self {
            Self::Range(first, last) => (*first..=*last).contains(&position),
            Self::Listed(list) => list.contains(&position),
        }
    }
}

/// A call to a provider that may be made, or may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The batch.
    pub batch: i64,
    /// What its letters are.
    pub kind: LetterKind,
    /// The claim's number in its batch, from 0.
    pub number: u32,
    /// What sets this attempt apart from one that another worker imagines under the same number.
    pub nonce: String,
    /// What it covers.
    pub positions: Positions,
    /// How many letters that is.
    pub letters: u32,
    /// Which provider is called.
    pub provider: &'static str,
    /// When, by the business clock: what its letters have as the time of their sending, however late that is known.
    pub claimed_at: DateTime<Utc>,
    /// Whether its letters are in doubt since an earlier try: then only their acceptance ends the doubt, for nothing else
    /// that this call comes to says what became of the first.
    pub is_second_try: bool,
}

impl Claim {
    /// A claim to be made, as number `number` of a batch whose letters are of that kind.
    pub fn new(
        batch: i64,
        kind: LetterKind,
        number: u32,
        positions: Positions,
        letters: usize,
        provider: &'static str,
        claimed_at: DateTime<Utc>,
    ) -> Self {
        let nonce = data_encoding::HEXLOWER.encode(&random::bytes::<4>());
        let letters = u32::try_from(letters).unwrap_or(u32::MAX);
        Self { batch, kind, number, nonce, positions, letters, provider, claimed_at, is_second_try: false }
    }

    /// The attempt's id, unique for ever: it leads back to the row without an index of its own.
    pub fn attempt(&self) -> String {
        attempt_id(self.batch, self.number, &self.nonce)
    }
}

fn attempt_id(batch: i64, claim: u32, nonce: &str) -> String {
    format!("{batch}.{claim}.{nonce}")
}

/// What came of asking for a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The call may be made.
    Granted,
    /// A person paused or cancelled the run, or it is closed.
    Stopped(Control),
    /// Another worker has gone on with this batch.
    Fenced,
}

/// Claims to be asked for together, one for each call of a volley, and where they leave the batch.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The claims, with numbers that follow each other; at least one.
    pub claims: &'r [Claim],
    /// Positions before this one have been claimed once they are granted.
    pub cursor: u32,
    /// Who asks.
    pub holder: &'r Holder,
    /// For how long others are kept away.
    pub lease: Duration,
}

/// Records the results in hand and asks for the next claims: in one transaction, to be committed before the next calls
/// are made. All claims are granted, or none.
///
/// Safe to repeat when a commit's outcome was lost: the nonce tells one's own row from another's.
pub async fn settle_and_claim(
    records: &Records,
    settled: &[(Claim, Outcome)],
    request: Request<'_>,
    now: DateTime<Utc>,
) -> Result<Claimed> {
    let mut script = Script::default();
    for (claim, outcome) in settled {
        write_settlement(&mut script, claim, outcome, now);
    }
    let granted = write_claims(&mut script, request);
    let matched = records.run_script(script).await?;
    if matched.get(granted) == Some(&1) {
        return Ok(Claimed::Granted);
    }
    let Some(first) = request.claims.first().cloned().map(Arc::new) else { return Ok(Claimed::Fenced) };
    records
        .read(move |tx| {
            let first = first.clone();
            async move { why_refused(tx, &first).await }.boxed()
        })
        .await
}

/// Records results in hand, in one transaction that is one text: so nobody who stands still holds their letters locked.
pub async fn settle_all(records: &Records, settled: &[(Claim, Outcome)], now: DateTime<Utc>) -> Result<()> {
    let mut script = Script::default();
    for (claim, outcome) in settled {
        write_settlement(&mut script, claim, outcome, now);
    }
    if script.is_empty() {
        return Ok(());
    }
    records.run_script(script).await.map(drop)
}

/// Asks for a claim within a transaction of the caller's. See [`settle_and_claim`], which is one round trip.
pub async fn claim(tx: &mut Tx, claim: &Claim, cursor: u32, holder: &Holder, lease: Duration) -> Result<Claimed> {
    let mut script = Script::default();
    let claims = std::slice::from_ref(claim);
    let granted = write_claims(&mut script, Request { claims, cursor, holder, lease });
    let matched = tx.run_one_by_one(&script).await?;
    if matched.get(granted) == Some(&1) { Ok(Claimed::Granted) } else { why_refused(tx, claim).await }
}

/// Records what a call came to. Counts whenever the attempt matches, even when its lease has ended; safe to repeat.
pub async fn settle(tx: &mut Tx, claim: &Claim, outcome: &Outcome, now: DateTime<Utc>) -> Result<()> {
    let mut script = Script::default();
    write_settlement(&mut script, claim, outcome, now);
    tx.run_one_by_one(&script).await.map(drop)
}

/// Writes claims; gives the index of the statement that changes a row exactly when they are granted.
///
/// Each statement depends on the one before it: the claims are only there when the batch could be moved on.
fn write_claims(script: &mut Script, request: Request<'_>) -> usize {
    let Request { claims, cursor, holder, lease } = request;
    let (Some(first), Some(last)) = (claims.first(), claims.last()) else { return usize::MAX };
    let granted = script.push(
        "UPDATE batches SET claims = ?, cursor_position = ? WHERE id = ? AND claims = ? AND state = 'open' \
         AND EXISTS (SELECT 1 FROM runs WHERE runs.id = batches.run_id AND runs.control = 'run' \
         AND runs.state = 'open')",
        vec![(last.number + 1).into(), cursor.into(), first.batch.into(), first.number.into()],
    );
    for claim in claims {
        write_claim(script, claim, holder, lease);
    }
    granted
}

fn write_claim(script: &mut Script, claim: &Claim, holder: &Holder, lease: Duration) {
    let (first, last) = claim.positions.bounds();
    let lease = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
    script.push(
        "INSERT INTO sends (batch_id, claim, nonce, holder, provider, first_position, last_position, listed, letters, \
         claimed_at, second_try, lease_until, outcome) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {now+?}, '' \
         WHERE {previous} = 1",
        vec![
            claim.batch.into(),
            claim.number.into(),
            claim.nonce.clone().into(),
            holder.token().to_owned().into(),
            claim.provider.into(),
            first.into(),
            last.into(),
            claim.positions.written().into(),
            claim.letters.into(),
            claim.claimed_at.into(),
            claim.is_second_try.into(),
            lease.into(),
        ],
    );
}

async fn why_refused(tx: &mut Tx, claim: &Claim) -> Result<Claimed> {
    let sql = "SELECT nonce FROM sends WHERE batch_id = ? AND claim = ? AND state = 0";
    let row = tx.row(sql, &[claim.batch.into(), claim.number.into()]).await?;
    if let Some(row) = row {
        return Ok(if row.text(0)? == claim.nonce { Claimed::Granted } else { Claimed::Fenced });
    }
    let sql = "SELECT b.claims, b.state, r.control, r.state FROM batches b JOIN runs r ON r.id = b.run_id \
               WHERE b.id = ?";
    let Some(row) = tx.row(sql, &[claim.batch.into()]).await? else { return Ok(Claimed::Fenced) };
    let (batch, control, run) = (row.parsed::<BatchState>(1)?, row.parsed::<Control>(2)?, row.parsed::<State>(3)?);
    if row.small(0)? != claim.number || batch != BatchState::Open || run != State::Open {
        return Ok(Claimed::Fenced);
    }
    Ok(Claimed::Stopped(control))
}

/// What a call came to, sorted for the records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Accepted, with the provider's ids.
    pub accepted: Vec<(u32, String)>,
    /// Refused for good, with causes.
    pub failed: Vec<(u32, String)>,
    /// Refused for now, with kinds and causes; they stay planned.
    pub again: Vec<(u32, Refusal, String)>,
    /// Without a reply, with causes.
    pub unknown: Vec<(u32, String)>,
}

impl Outcome {
    /// Sorts a call's answers; `last_try` turns what could be tried again into failures.
    pub fn sort(answers: impl IntoIterator<Item = (u32, Answer)>, last_try: bool) -> Self {
        let mut outcome = Self::default();
        for (position, answer) in answers {
            match answer {
                Answer::Accepted { provider_id } => outcome.accepted.push((position, provider_id)),
                Answer::Refused { refusal: Refusal::Permanent, cause } => outcome.failed.push((position, cause)),
                Answer::Refused { cause, .. } if last_try => outcome.failed.push((position, cause)),
                Answer::Refused { refusal, cause } => outcome.again.push((position, refusal, cause)),
                Answer::Unknown { cause } => outcome.unknown.push((position, cause)),
            }
        }
        outcome
    }

    fn written(&self) -> String {
        let written = Written {
            ids: match self.accepted.iter().any(|(_, id)| !id.is_empty()) {
                true => self.accepted.iter().map(|(_, id)| id.into()).collect(),
                false => Vec::new(),
            },
            failed: causes(&self.failed),
            again: self.again.iter().map(|(at, _, cause)| (*at, cause.into())).collect(),
            unknown: causes(&self.unknown),
        };
        serde_json::to_string(&written).expect("maps of texts are JSON")
    }
}

/// How an outcome stands on its `sends` row.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Written<'a> {
    /// The provider's ids of those accepted, in the order of their positions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failed: BTreeMap<u32, Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    again: BTreeMap<u32, Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unknown: BTreeMap<u32, Cow<'a, str>>,
}

fn causes(list: &[(u32, String)]) -> BTreeMap<u32, Cow<'_, str>> {
    list.iter().map(|(position, cause)| (*position, cause.into())).collect()
}

/// Keeps a result from counting whose attempt was never made: followed by the values of [`of_attempt`].
const OF_ATTEMPT: &str = "EXISTS (SELECT 1 FROM sends WHERE batch_id = ? AND claim = ? AND nonce = ?)";

fn of_attempt(claim: &Claim) -> [Value<'static>; 3] {
    [claim.batch.into(), claim.number.into(), claim.nonce.clone().into()]
}

/// Writes what a call came to: first on its own row, which so is locked before its letters, as when it is given up.
fn write_settlement(script: &mut Script, claim: &Claim, outcome: &Outcome, now: DateTime<Utc>) {
    script.push(
        "UPDATE sends SET state = 1, settled_at = ?, accepted = ?, refused = ?, outcome = ? \
         WHERE batch_id = ? AND claim = ? AND nonce = ?",
        vec![
            now.into(),
            outcome.accepted.len().into(),
            (outcome.failed.len() + outcome.again.len()).into(),
            outcome.written().into(),
            claim.batch.into(),
            claim.number.into(),
            claim.nonce.clone().into(),
        ],
    );
    let table = claim.kind.table();
    // A status that feedback has already moved on stays where it is.
    let sent = format!(
        "UPDATE {table} SET send_state = 2, sent_at = ?, \
         status = CASE WHEN status = 0 THEN 1 ELSE status END WHERE send_state IN (0, 4, 6)"
    );
    let all = outcome.accepted.len() == claim.letters as usize;
    match &claim.positions {
        Positions::Range(first, last) if all => {
            let (first, last) = (LetterId::new(claim.batch, *first), LetterId::new(claim.batch, *last));
            let mut values = vec![claim.claimed_at.into(), first.0.into(), last.0.into()];
            values.extend(of_attempt(claim));
            script.push(format!("{sent} AND id BETWEEN ? AND ? AND {OF_ATTEMPT}"), values);
        }
        _ => {
            let accepted = outcome.accepted.iter().map(|(position, _)| *position);
            write_listed(script, &sent, vec![claim.claimed_at.into()], claim, accepted);
        }
    }
    if !claim.is_second_try {
        let failed = format!("UPDATE {table} SET send_state = 3 WHERE send_state IN (0, 4, 6)");
        write_listed(script, &failed, Vec::new(), claim, outcome.failed.iter().map(|(position, _)| *position));
        // Refused for now, but the lease had ended and it was put in doubt: nobody will try again, so it has failed.
        let late = format!("UPDATE {table} SET send_state = 3 WHERE send_state = 4");
        write_listed(script, &late, Vec::new(), claim, outcome.again.iter().map(|(position, ..)| *position));
        let unknown = format!("UPDATE {table} SET send_state = 4 WHERE send_state = 0");
        write_listed(script, &unknown, Vec::new(), claim, outcome.unknown.iter().map(|(position, _)| *position));
    }
}

fn write_listed(
    script: &mut Script,
    update: &str,
    mut values: Vec<Value<'static>>,
    claim: &Claim,
    positions: impl Iterator<Item = u32>,
) {
    let before = values.len();
    values.extend(positions.map(|position| Value::from(LetterId::new(claim.batch, position).0)));
    let listed = values.len() - before;
    if listed > 0 {
        let list = with_list("id IN (?..)", listed);
        values.extend(of_attempt(claim));
        script.push(format!("{update} AND {list} AND {OF_ATTEMPT}"), values);
    }
}

/// Which open claims to give up.
#[derive(Debug, Clone)]
pub enum Abandoned {
    /// Those whose lease has ended.
    Expired,
    /// Those of processes that are known to be dead.
    HeldBy(Vec<String>),
}

/// The most claims that are given up in one go.
const ABANDON_PAGE: usize = 100;

/// What is in doubt because nobody will record its result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InDoubt {
    /// Calls.
    pub claims: u64,
    /// The letters that they took along.
    pub letters: u64,
}

/// Puts in doubt what abandoned claims cover, at most a page of them. Their workers can make no further claim, dead or
/// not: what they have in hand they may record, and their batches are begun anew by a fresh message.
///
/// A claim that somebody else has locked is being settled, or given up, and is left alone: whoever locked it may stand
/// still, and must keep nobody from giving up the others.
pub async fn abandon(tx: &mut Tx, which: &Abandoned) -> Result<InDoubt> {
    let columns = format!("SELECT {CLAIM} FROM sends WHERE state = 0");
    let rows = match which {
        Abandoned::Expired => {
            tx.rows(
                format!("{columns} AND lease_until < {{now}} LIMIT ? {{for update of free}}"),
                &[ABANDON_PAGE.into()],
            )
            .await?
        }
        Abandoned::HeldBy(holders) => {
            let mut values: Vec<Value<'_>> = holders.iter().map(Into::into).collect();
            let list = with_list("holder IN (?..)", values.len());
            values.push(ABANDON_PAGE.into());
            tx.rows(format!("{columns} AND {list} LIMIT ? {{for update of free}}"), &values).await?
        }
    };
    let mut in_doubt = InDoubt::default();
    for row in &rows {
        let claim = read_claim(row)?;
        in_doubt.claims += 1;
        in_doubt.letters += u64::from(claim.letters);
        put_in_doubt(tx, &claim).await?;
        batch::begin_anew(tx, claim.batch).await?;
    }
    Ok(in_doubt)
}

/// What a query of `sends` asks for to read a claim. What the letters are, the batch knows: asked for by itself, so that
/// whoever locks claims locks no batch.
const CLAIM: &str = "batch_id, claim, nonce, first_position, last_position, listed, letters, \
                     (SELECT b.letters FROM batches b WHERE b.id = sends.batch_id), claimed_at, second_try";

fn read_claim(row: &Row) -> Result<Claim> {
    Ok(Claim {
        batch: row.int(0)?,
        kind: row.parsed(7)?,
        number: row.small(1)?,
        nonce: row.text(2)?,
        positions: Positions::read(row.small(3)?, row.small(4)?, &row.text(5)?),
        letters: row.small(6)?,
        provider: "",
        claimed_at: row.time(8)?,
        is_second_try: row.truth(9)?,
    })
}

async fn put_in_doubt(tx: &mut Tx, claim: &Claim) -> Result<()> {
    let matched = tx
        .execute(
            "UPDATE sends SET state = 2 WHERE batch_id = ? AND claim = ? AND state = 0",
            &[claim.batch.into(), claim.number.into()],
        )
        .await?;
    if matched == 0 {
        return Ok(());
    }
    let doubt = format!("UPDATE {} SET send_state = 4 WHERE send_state = 0", claim.kind.table());
    match &claim.positions {
        Positions::Range(first, last) => {
            let (first, last) = (LetterId::new(claim.batch, *first), LetterId::new(claim.batch, *last));
            tx.execute(format!("{doubt} AND id BETWEEN ? AND ?"), &[first.0.into(), last.0.into()]).await?;
            Ok(())
        }
        Positions::Listed(list) => {
            let mut script = Script::default();
            write_listed(&mut script, &doubt, Vec::new(), claim, list.iter().copied());
            tx.run_one_by_one(&script).await.map(drop)
        }
    }
}

/// One attempt at a letter, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The attempt's id.
    pub id: String,
    /// Which provider was called.
    pub provider: String,
    /// When it was claimed.
    pub claimed_at: DateTime<Utc>,
    /// When its result was recorded, if it was.
    pub settled_at: Option<DateTime<Utc>>,
    /// Whether the letter was in doubt since an earlier one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub second_try: bool,
    /// What came of it: `accepted`, `refused: 550`, `no result`.
    pub outcome: String,
}

/// Every attempt that covered a letter, in order.
pub async fn attempts(tx: &mut Tx, letter: LetterId) -> Result<Vec<Attempt>> {
    let position = letter.position();
    let rows = tx
        .rows(
            format!(
                "SELECT {CLAIM}, provider, settled_at, state, outcome FROM sends \
                 WHERE batch_id = ? AND first_position <= ? AND last_position >= ? ORDER BY claim"
            ),
            &[letter.batch().into(), position.into(), position.into()],
        )
        .await?;
    let mut attempts = Vec::new();
    for row in rows {
        let claim = read_claim(&row)?;
        if !claim.positions.contains(position) {
            continue;
        }
        let written: Written<'_> = serde_json::from_str(&row.text(13)?).unwrap_or_default();
        let outcome = match row.int(12)? {
            0 => "under way".to_owned(),
            2 => "no result".to_owned(),
            _ => written.outcome_of(position),
        };
        attempts.push(Attempt {
            id: claim.attempt(),
            second_try: claim.is_second_try,
            provider: row.text(10)?,
            claimed_at: claim.claimed_at,
            settled_at: row.time(11)?.unless_never(),
            outcome,
        });
    }
    Ok(attempts)
}

/// What of a batch was claimed for a second try.
pub(crate) async fn second_tries(tx: &mut Tx, batch: i64) -> Result<Vec<Positions>> {
    let sql = "SELECT first_position, last_position, listed FROM sends WHERE batch_id = ? AND second_try = 1";
    let rows = tx.rows(sql, &[batch.into()]).await?;
    rows.iter().map(|row| Ok(Positions::read(row.small(0)?, row.small(1)?, &row.text(2)?))).collect()
}

/// The positions of a batch that a provider refused for good.
pub async fn refused_for_good(tx: &mut Tx, batch: i64) -> Result<BTreeSet<u32>> {
    let sql = "SELECT outcome FROM sends WHERE batch_id = ? AND refused > 0";
    let mut refused = BTreeSet::new();
    for row in tx.rows(sql, &[batch.into()]).await? {
        let written: Written<'_> = serde_json::from_str(&row.text(0)?).unwrap_or_default();
        refused.extend(written.failed.into_keys());
    }
    Ok(refused)
}

impl Written<'_> {
    /// How many letters the provider did not accept by its reply.
    fn without_acceptance(&self) -> usize {
        self.failed.len() + self.again.len() + self.unknown.len()
    }

    fn outcome_of(&self, position: u32) -> String {
        let refused = self.failed.get(&position).or_else(|| self.again.get(&position));
        match (refused, self.unknown.get(&position)) {
            (Some(cause), _) => format!("refused: {cause}"),
            (None, Some(cause)) => format!("no reply: {cause}"),
            (None, None) => "accepted".to_owned(),
        }
    }
}

/// What a run's calls came to, for its report. Its size is bounded, whatever the run's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many calls there were.
    pub calls: u64,
    /// Letters that failed for good, by cause.
    pub failed: BTreeMap<String, u64>,
    /// Letters in doubt, by cause.
    pub in_doubt: BTreeMap<String, u64>,
    /// Letters accepted, by when their calls were settled.
    pub accepted: OverTime,
}

/// The most causes that are told apart; causes come from providers, so their number is not ours to know.
const MOST_CAUSES: usize = 100;

fn count_cause(causes: &mut BTreeMap<String, u64>, cause: String, letters: u64) {
    if letters == 0 {
        return;
    }
    let known = causes.len() < MOST_CAUSES || causes.contains_key(&cause);
    *causes.entry(if known { cause } else { "other causes".to_owned() }).or_default() += letters;
}

/// Takes so many letters out of the doubts, of the most frequent causes first: which of them a second try ended, a call's
/// count does not say.
fn end_doubts(causes: &mut BTreeMap<String, u64>, mut letters: u64) {
    let mut by_frequency: Vec<_> = causes.iter_mut().collect();
    by_frequency.sort_by_key(|(_, doubts)| std::cmp::Reverse(**doubts));
    for (_, doubts) in by_frequency {
        let ended = letters.min(*doubts);
        *doubts -= ended;
        letters -= ended;
    }
    causes.retain(|_, doubts| *doubts > 0);
}

/// How many `sends` rows are read at a time.
const CALLS_PAGE: usize = 2_000;

/// The page of a run's calls after (batch, claim); gives where the next page begins.
pub async fn add_calls(tx: &mut Tx, run_id: i64, after: (i64, i64), calls: &mut Calls) -> Result<Option<(i64, i64)>> {
    let rows = tx
        .rows(
            "SELECT s.batch_id, s.claim, s.state, s.settled_at, s.claimed_at, s.accepted, s.letters, \
             CASE WHEN s.accepted = s.letters THEN '' ELSE s.outcome END, s.second_try \
             FROM batches b JOIN sends s ON s.batch_id = b.id WHERE b.run_id = ? AND \
             (b.id > ? OR (b.id = ? AND s.claim > ?)) ORDER BY b.id, s.claim LIMIT ?",
            &[run_id.into(), after.0.into(), after.0.into(), after.1.into(), CALLS_PAGE.into()],
        )
        .await?;
    for row in &rows {
        calls.calls += 1;
        let (accepted, letters) = (row.count(5)?, row.count(6)?);
        if accepted > 0 {
            // What had no result of its own was shown to be accepted by what its provider said afterwards.
            calls.accepted.add(row.time(3)?.unless_never().map_or_else(|| row.time(4), Ok)?, accepted);
        }
        if row.truth(8)? {
            // What it did not end was in doubt before, and has been counted.
            end_doubts(&mut calls.in_doubt, accepted);
            continue;
        }
        let written: Written<'_> = serde_json::from_str(&row.text(7)?).unwrap_or_default();
        if row.int(2)? == 2 {
            let doubted = letters.saturating_sub(accepted);
            count_cause(&mut calls.in_doubt, "no result before the worker's end".to_owned(), doubted);
            continue;
        }
        let proven = (accepted as usize + written.without_acceptance()).saturating_sub(letters as usize);
        for cause in written.failed.into_values() {
            count_cause(&mut calls.failed, cause.into_owned(), 1);
        }
        for cause in written.unknown.into_values().skip(proven) {
            count_cause(&mut calls.in_doubt, cause.into_owned(), 1);
        }
    }
    match rows.last() {
        Some(last) if rows.len() == CALLS_PAGE => Ok(Some((last.int(0)?, last.int(1)?))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_are_read_back_as_they_were_written(list in proptest::collection::btree_set(0..65_536_u32, 1..50)) {
            let listed = Positions::Listed(list.into_iter().collect());
            let (first, last) = listed.bounds();
            prop_assert_eq!(Positions::read(first, last, &listed.written()), listed);
            let range = Positions::Range(first, last);
            prop_assert_eq!(Positions::read(first, last, &range.written()), range);
        }
    }

    #[test]
    fn causes_stay_few_and_none_is_uncounted_however_many_a_provider_invents() {
        let mut causes = BTreeMap::new();
        (0..1_000).for_each(|number| count_cause(&mut causes, format!("550 {number}"), 1));
        count_cause(&mut causes, "550 0".to_owned(), 7);
        assert_eq!(causes.len(), MOST_CAUSES + 1);
        assert_eq!((causes["550 0"], causes["other causes"]), (8, 900));
    }

    #[test]
    fn every_answer_is_sorted_once_and_the_last_try_turns_refusals_into_failures() {
        let answers = || {
            vec![
                (0, Answer::Accepted { provider_id: "a".to_owned() }),
                (1, Answer::Refused { refusal: Refusal::Permanent, cause: "550".to_owned() }),
                (2, Answer::Refused { refusal: Refusal::Transient, cause: "451".to_owned() }),
                (3, Answer::Unknown { cause: "lost".to_owned() }),
            ]
        };
        let outcome = Outcome::sort(answers(), false);
        assert_eq!(outcome.accepted.len() + outcome.failed.len() + outcome.again.len() + outcome.unknown.len(), 4);
        assert_eq!(outcome.again, [(2, Refusal::Transient, "451".to_owned())]);
        let last = Outcome::sort(answers(), true);
        assert_eq!(last.failed, [(1, "550".to_owned()), (2, "451".to_owned())]);
        assert!(last.again.is_empty());
        let written: Written<'_> = serde_json::from_str(&last.written()).expect("its own JSON");
        assert_eq!(written.outcome_of(0), "accepted");
        assert_eq!(written.outcome_of(2), "refused: 451");
        assert_eq!(written.outcome_of(3), "no reply: lost");
    }
}
