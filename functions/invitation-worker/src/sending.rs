//! Sending a prepared batch: claim, call, settle, until nothing is left.
//!
//! A batch goes out in volleys of a few calls. The results of one volley and the claims of the next go into one
//! transaction, so a letter costs one insert and one update in place, and a commit serves several calls. Refusals are
//! tried again by a claim of their own: at once with the next provider, and when all have refused after 1, 5 and 15
//! seconds. What has no answer is never tried again.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use shared::{
    claims::{self, Claim, Claimed, Outcome as CallOutcome, Positions, Request},
    counters::{self, Counter},
    letters::LetterKind,
    mail::{
        Answer, Call, Letter, Refusal,
        quota::{Grant, Quota},
    },
    run::{
        batch::{self, Batch, Finished},
        doubt,
    },
    sqs::Deadline,
};
use tokio::time::Instant;

use crate::{
    InvitationWorker,
    addressees::{Addressee, Prepared},
};

/// How long to wait before all providers are tried again.
const ROUNDS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15)];

/// How long a batch waits when the providers still give no verdict after all rounds.
const PUT_OFF_WAIT: Duration = Duration::from_secs(60);

/// How long a batch waits when no provider took anything of a volley.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(30);

/// How long a batch waits that another worker has, or that should have been finished and is not.
pub(crate) const UNFINISHED_WAIT: Duration = Duration::from_secs(30);

/// How long letters in doubt wait for their second try: what a provider says of the first by feedback is there within
/// minutes.
const SECOND_TRY_WAIT: Duration = Duration::from_secs(600);

/// How long letters wait for their turn in a worker; for longer their batch waits without one.
const LONGEST_TURN: Duration = Duration::from_secs(20);

/// Within this time an answer about the quota is usually there.
const AT_ONCE: Duration = Duration::from_millis(50);

/// What a batch waits for that was begun too late in an invocation.
const NO_TIME: &str = "the deadline was near";

/// How sending ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// Everything has an outcome, and the batch is done.
    All,
    /// The rest waits, for this reason; the keeper sends a fresh message.
    Later(&'static str),
    /// Another worker has gone on with the batch.
    Fenced,
}

/// A letter that was refused and will be tried again.
#[derive(Debug, Clone, Copy)]
struct Retry {
    /// Which of the prepared addressees.
    index: usize,
    /// How many waits it has behind it.
    round: usize,
    /// Which provider is next.
    provider: usize,
    /// When it may be tried.
    due: Instant,
}

/// What goes into the next call.
struct Next {
    indexes: Vec<usize>,
    positions: Positions,
    round: usize,
    provider: usize,
}

/// Where choosing what goes out next stood.
struct Place {
    next: usize,
    cursor: u32,
    retries: VecDeque<Retry>,
}

/// A batch under way.
pub(crate) struct Sending<'w> {
    worker: &'w InvitationWorker,
    batch_id: i64,
    kind: LetterKind,
    prepared: Prepared,
    /// The next addressee that has not been claimed yet.
    next: usize,
    retries: VecDeque<Retry>,
    claims: u32,
    cursor: u32,
    /// Why letters were left planned after all rounds.
    put_off: Option<&'static str>,
    /// Whether a provider has asked for a slower pace, and the other workers do not know yet.
    is_throttled: bool,
    unsettled: Vec<(Claim, CallOutcome)>,
}

impl<'w> Sending<'w> {
    pub(crate) fn new(worker: &'w InvitationWorker, batch: &Batch, prepared: Prepared) -> Self {
        // What lies before the cursor was claimed once and refused; it is tried again by itself.
        let next = prepared.addressees.partition_point(|addressee| addressee.position < batch.cursor);
        let due = Instant::now();
        let retries = (0..next).map(|index| Retry { index, round: 0, provider: 0, due }).collect();
        Self {
            worker,
            batch_id: batch.id,
            kind: batch.kind,
            prepared,
            next,
            retries,
            claims: batch.claims,
            cursor: batch.cursor,
            put_off: None,
            is_throttled: false,
            unsettled: Vec::new(),
        }
    }

    /// Sends until nothing is left or something stops it. A result in hand is always recorded first.
    pub(crate) async fn run(mut self, deadline: Deadline) -> anyhow::Result<Sent> {
        loop {
            if deadline.is_within(self.worker.longest_call) {
                return self.hand_back(Duration::ZERO, NO_TIME).await;
            }
            self.pass_on_throttling().await?;
            let before = self.place();
            let mut volley = self.choose_volley(usize::MAX);
            if volley.is_empty() {
                let Some(wait) = self.retries.iter().map(|retry| retry.due).min() else { break };
                self.settle().await?;
                tokio::select! {
                    () = tokio::time::sleep_until(wait) => {}
                    () = deadline.near(self.worker.longest_call) => {}
                }
                continue;
            }
            if let Some(quota) = &self.worker.options.quota {
                match self.ask(quota, letters_of(&volley), &deadline).await? {
                    Grant::Letters(granted, wait) => {
                        if (granted as usize) < letters_of(&volley) {
                            self.go_back_to(before);
                            volley = self.choose_volley(granted as usize);
                        }
                        if !self.wait_for_turn(wait, &deadline).await? {
                            return self.hand_back(Duration::ZERO, NO_TIME).await;
                        }
                    }
                    Grant::Later(wait, cause) => return self.hand_back(wait, cause).await,
                }
            }
            let claims = self.claims_for(&volley);
            match self.settle_and_claim(&claims).await? {
                // Granting may have taken long, and a call that is cut off leaves its letters in doubt.
                Claimed::Granted if deadline.is_within(self.worker.longest_call) => {
                    self.call_off(claims, volley);
                    return self.hand_back(Duration::ZERO, NO_TIME).await;
                }
                Claimed::Granted => {
                    if !self.call_all(claims, volley).await {
                        return self.hand_back(UNAVAILABLE_WAIT, TAKES_NOTHING).await;
                    }
                }
                Claimed::Stopped(_) => return self.hand_back(Duration::ZERO, "the run was stopped").await,
                Claimed::Fenced => return Ok(Sent::Fenced),
            }
        }
        if let Some(reason) = self.put_off {
            return self.hand_back(PUT_OFF_WAIT, reason).await;
        }
        self.finish().await
    }

    /// The calls that go out together next, of at most `letters` letters.
    fn choose_volley(&mut self, letters: usize) -> Vec<Next> {
        let (mut left, calls) = (letters, self.worker.calls_per_volley);
        let chosen = std::iter::from_fn(|| {
            let next = self.choose(left)?;
            left -= next.indexes.len();
            Some(next)
        });
        chosen.take(calls).collect()
    }

    /// What goes out next, of at most `left` letters: retries that are due before what was never tried.
    fn choose(&mut self, left: usize) -> Option<Next> {
        if left == 0 {
            return None;
        }
        self.choose_retries(left).or_else(|| self.choose_fresh(left))
    }

    /// Where choosing stands.
    fn place(&self) -> Place {
        Place { next: self.next, cursor: self.cursor, retries: self.retries.clone() }
    }

    /// Has what was chosen since then chosen anew.
    fn go_back_to(&mut self, place: Place) {
        (self.next, self.cursor, self.retries) = (place.next, place.cursor, place.retries);
    }

    fn choose_retries(&mut self, left: usize) -> Option<Next> {
        let now = Instant::now();
        let first = *self.retries.iter().find(|retry| retry.due <= now)?;
        let most = self.most(first.provider).min(left);
        let alike = |sending: &Self, retry: &Retry| {
            retry.due <= now
                && (retry.round, retry.provider) == (first.round, first.provider)
                && sending.words_of(retry.index) == sending.words_of(first.index)
        };
        let mut indexes = Vec::new();
        let mut kept = VecDeque::new();
        while let Some(retry) = self.retries.pop_front() {
            if indexes.len() < most && alike(self, &retry) { indexes.push(retry.index) } else { kept.push_back(retry) }
        }
        self.retries = kept;
        let positions = indexes.iter().map(|&index| self.prepared.addressees[index].position).collect();
        Some(Next { indexes, positions: Positions::Listed(positions), round: first.round, provider: first.provider })
    }

    fn choose_fresh(&mut self, left: usize) -> Option<Next> {
        let first = self.next;
        let words = self.prepared.addressees.get(first).map(|_| self.words_of(first))?;
        let most = (first + self.most(0).min(left)).min(self.prepared.addressees.len());
        let end = (first..most).find(|&index| self.words_of(index) != words).unwrap_or(most);
        self.next = end;
        let position = |index: usize| self.prepared.addressees[index].position;
        let positions = Positions::Range(position(first), position(end - 1));
        self.cursor = position(end - 1) + 1;
        Some(Next { indexes: (first..end).collect(), positions, round: 0, provider: 0 })
    }

    /// The words that a letter shares with others of its call.
    fn words_of(&self, index: usize) -> Option<(&'static str, &'static str)> {
        let user = self.prepared.users.get(&self.prepared.addressees[index].user_id)?;
        Some((user.template.as_str(), user.locale.as_str()))
    }

    fn most(&self, provider: usize) -> usize {
        self.worker.mailers[provider].capacity().claim.min(self.worker.options.letters_per_call).max(1)
    }

    /// Asks to send so many letters. A result in hand is recorded when the answer is not there at once.
    async fn ask(&mut self, quota: &Quota, letters: usize, deadline: &Deadline) -> anyhow::Result<Grant> {
        let has_time = !deadline.is_within(self.worker.longest_call + LONGEST_TURN);
        let longest_wait = if has_time { LONGEST_TURN } else { Duration::ZERO };
        let asked = quota.ask(u32::try_from(letters).unwrap_or(u32::MAX), longest_wait);
        tokio::pin!(asked);
        match tokio::time::timeout(AT_ONCE, asked.as_mut()).await {
            Ok(grant) => grant,
            Err(_) => {
                self.settle().await?;
                asked.await
            }
        }
    }

    /// Has every worker wait a moment when a provider has asked for a slower pace.
    async fn pass_on_throttling(&mut self) -> anyhow::Result<()> {
        if let (true, Some(quota)) = (std::mem::take(&mut self.is_throttled), &self.worker.options.quota) {
            self.settle().await?;
            quota.hold().await;
        }
        Ok(())
    }

    /// Waits until granted letters may start; gives false when the deadline came first.
    async fn wait_for_turn(&mut self, wait: Duration, deadline: &Deadline) -> anyhow::Result<bool> {
        if wait.is_zero() {
            return Ok(true);
        }
        let turn = Instant::now() + wait;
        self.settle().await?;
        tokio::select! {
            () = tokio::time::sleep_until(turn) => Ok(true),
            () = deadline.near(self.worker.longest_call) => Ok(false),
        }
    }

    fn claims_for(&self, volley: &[Next]) -> Vec<Claim> {
        let now = self.worker.clock.now();
        let claim = |(next, number): (&Next, u32)| {
            let provider = self.worker.mailers[next.provider].name();
            let (positions, letters) = (next.positions.clone(), next.indexes.len());
            Claim {
                is_second_try: self.prepared.are_in_doubt,
                ..Claim::new(self.batch_id, self.kind, number, positions, letters, provider, now)
            }
        };
        volley.iter().zip(self.claims..).map(claim).collect()
    }

    /// Records the last volley's results and asks for the next one's claims, in one transaction.
    async fn settle_and_claim(&mut self, claims: &[Claim]) -> anyhow::Result<Claimed> {
        let InvitationWorker { records, clock, holder, options, .. } = self.worker;
        let request = Request { claims, cursor: self.cursor, holder, lease: options.lease };
        let claimed = claims::settle_and_claim(records, &self.unsettled, request, clock.now()).await?;
        self.unsettled.clear();
        self.claims += u32::try_from(claims.len())?;
        Ok(claimed)
    }

    /// Makes a volley's calls side by side, and sorts out what is to be tried again. Gives false when no provider takes
    /// anything: there is no sense in trying the rest of the batch now.
    async fn call_all(&mut self, claims: Vec<Claim>, volley: Vec<Next>) -> bool {
        let calls = claims.iter().zip(&volley).map(|(claim, next)| self.call(claim, next));
        let answers = join_all(calls).await;
        self.is_throttled |= answers.iter().flatten().any(is_throttled);
        let unavailable = |answer: &Answer| matches!(answer, Answer::Refused { refusal: Refusal::Unavailable, .. });
        let nobody_else = volley.iter().all(|next| self.is_last_provider(next));
        let available = !(nobody_else && answers.iter().flatten().all(unavailable));
        for ((claim, next), answers) in claims.into_iter().zip(volley).zip(answers) {
            self.sort_answers(claim, next, answers);
        }
        available
    }

    /// Gives claims back without a call.
    fn call_off(&mut self, claims: Vec<Claim>, volley: Vec<Next>) {
        for (claim, next) in claims.into_iter().zip(volley) {
            let not_called = |&index: &usize| {
                let cause = format!("not called: {NO_TIME}");
                (self.prepared.addressees[index].position, Answer::Refused { refusal: Refusal::Transient, cause })
            };
            let outcome = CallOutcome::sort(next.indexes.iter().map(not_called), false);
            self.unsettled.push((claim, outcome));
        }
    }

    fn is_last_provider(&self, next: &Next) -> bool {
        next.provider + 1 == self.worker.mailers.len()
    }

    async fn call(&self, claim: &Claim, next: &Next) -> Vec<Answer> {
        let mailer = &self.worker.mailers[next.provider];
        let letters: Vec<Letter> = next.indexes.iter().filter_map(|&index| self.letter(index)).collect();
        let Some(template) = next.indexes.first().and_then(|&index| self.template(index)) else { return Vec::new() };
        let attempt = claim.attempt();
        let lent: Vec<&Letter> = letters.iter().collect();
        mailer.send(Call { attempt: &attempt, template, letters: &lent }).await
    }

    fn sort_answers(&mut self, claim: Claim, next: Next, answers: Vec<Answer>) {
        let positions: Vec<u32> = next.indexes.iter().map(|&index| self.prepared.addressees[index].position).collect();
        let last_provider = self.is_last_provider(&next);
        let last_try = last_provider && next.round == ROUNDS.len();
        // No verdict is never a failure: what has none to the end stays planned, for later.
        let put_off = if last_try { answers.iter().find_map(reason_to_put_off) } else { None };
        let outcome = CallOutcome::sort(positions.into_iter().zip(answers), last_try && put_off.is_none());
        counters::count(Counter::Sent, outcome.accepted.len());
        if self.prepared.are_in_doubt {
            // What this try does not end stays in doubt, and is counted as that.
            self.unsettled.push((claim, outcome));
            return;
        }
        counters::count(Counter::InDoubt, outcome.unknown.len());
        self.put_off = self.put_off.or(put_off);
        if put_off.is_none() {
            self.schedule_retries(&outcome, &next, last_provider);
        }
        self.unsettled.push((claim, outcome));
    }

    fn schedule_retries(&mut self, outcome: &CallOutcome, next: &Next, last_provider: bool) {
        if outcome.again.is_empty() {
            return;
        }
        let by_position: BTreeMap<u32, usize> =
            next.indexes.iter().map(|&index| (self.prepared.addressees[index].position, index)).collect();
        let now = Instant::now();
        let (round, provider, due) = if last_provider {
            (next.round + 1, 0, now + ROUNDS.get(next.round).copied().unwrap_or_default())
        } else {
            (next.round, next.provider + 1, now)
        };
        let again = outcome.again.iter().filter_map(|(position, ..)| by_position.get(position));
        self.retries.extend(again.map(|&index| Retry { index, round, provider, due }));
    }

    fn letter(&self, index: usize) -> Option<Letter> {
        let addressee: &Addressee = &self.prepared.addressees[index];
        let user = self.prepared.users.get(&addressee.user_id)?;
        Some(self.worker.letter(self.kind, addressee, user))
    }

    fn template(&self, index: usize) -> Option<&'w shared::mail::template::Template> {
        let user = self.prepared.users.get(&self.prepared.addressees[index].user_id)?;
        Some(self.worker.templates.get(self.kind, user.template, user.locale))
    }

    /// Records the results in hand.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let InvitationWorker { records, clock, .. } = self.worker;
        claims::settle_all(records, &self.unsettled, clock.now()).await?;
        self.unsettled.clear();
        Ok(())
    }

    /// Records the last result and ends the batch.
    async fn finish(mut self) -> anyhow::Result<Sent> {
        self.settle().await?;
        let (batch_id, were_in_doubt) = (self.batch_id, self.prepared.are_in_doubt);
        let finished = self
            .worker
            .records
            .transaction(move |tx| {
                async move {
                    if were_in_doubt {
                        doubt::end_second_try(tx, batch_id).await?;
                    }
                    batch::finish(tx, batch_id).await
                }
                .boxed()
            })
            .await?;
        match finished {
            Finished::Yes => Ok(Sent::All),
            // Another worker has a call under way, or rows came back to planned: a fresh message will look again.
            Finished::PositionsLeft => self.hand_back(UNFINISHED_WAIT, "positions are left").await,
            Finished::DoubtsLeft => self.hand_back(SECOND_TRY_WAIT, "what is in doubt is sent once more").await,
        }
    }

    /// Records the last result and leaves the rest to a later message.
    async fn hand_back(mut self, wait: Duration, cause: &'static str) -> anyhow::Result<Sent> {
        self.settle().await?;
        let batch_id = self.batch_id;
        self.worker
            .records
            .transaction(move |tx| async move { batch::postpone(tx, batch_id, wait, cause).await }.boxed())
            .await?;
        Ok(Sent::Later(cause))
    }
}

/// What a batch waits for when no provider takes anything.
const TAKES_NOTHING: &str = "no provider takes anything now";

fn letters_of(volley: &[Next]) -> usize {
    volley.iter().map(|next| next.indexes.len()).sum()
}

fn is_throttled(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused { refusal: Refusal::Throttled, .. })
}

fn reason_to_put_off(answer: &Answer) -> Option<&'static str> {
    match answer {
        Answer::Refused { refusal: Refusal::Throttled, .. } => Some("the provider asks for a slower pace"),
        Answer::Refused { refusal: Refusal::Unavailable, .. } => Some(TAKES_NOTHING),
        _ => None,
    }
}
