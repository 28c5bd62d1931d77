//! Claims made by hand, as a worker makes them.

use std::time::Duration;

use futures_util::FutureExt;
use shared::{
    claims::{self, Abandoned, Claim, Claimed, Outcome, Positions, Request},
    letters::LetterKind,
    mail::{Answer, Refusal},
    process::Holder,
    records::Records,
};

use crate::runs::scheduled_at;

/// For how long claims made here keep others away.
pub const LEASE: Duration = Duration::from_secs(60);

/// A claim to be made for invitations: the positions from `first` to `last`.
pub fn range(batch: i64, number: u32, first: u32, last: u32) -> Claim {
    Claim::new(
        batch,
        LetterKind::Invitation,
        number,
        Positions::Range(first, last),
        (last - first + 1) as usize,
        "scripted",
        scheduled_at(),
    )
}

/// A claim to be made for invitations: just these positions.
pub fn listed(batch: i64, number: u32, positions: &[u32]) -> Claim {
    Claim::new(
        batch,
        LetterKind::Invitation,
        number,
        Positions::Listed(positions.to_vec()),
        positions.len(),
        "scripted",
        scheduled_at(),
    )
}

/// Asks for a claim, as `holder`.
pub async fn ask_for(records: &Records, claim: &Claim, holder: &Holder) -> Claimed {
    let cursor = match &claim.positions {
        Positions::Range(_, last) => last + 1,
        Positions::Listed(_) => 0,
    };
    let request = Request { claims: std::slice::from_ref(claim), cursor, holder, lease: LEASE };
    claims::settle_and_claim(records, &[], request, scheduled_at()).await.expect("an answer")
}

/// Makes a claim that nobody contests.
pub async fn make(records: &Records, claim: &Claim) {
    assert_eq!(ask_for(records, claim, &Holder::unwatched()).await, Claimed::Granted);
}

/// Records what a call came to.
pub async fn settle(records: &Records, claim: &Claim, outcome: Outcome) {
    let claim = claim.clone();
    let settled = records.transaction(move |tx| {
        let (claim, outcome) = (claim.clone(), outcome.clone());
        async move { claims::settle(tx, &claim, &outcome, scheduled_at()).await }.boxed()
    });
    settled.await.expect("settled");
}

/// The outcome of a call in which every position of a range was accepted.
pub fn all_accepted(claim: &Claim) -> Outcome {
    let Positions::Range(first, last) = claim.positions else { panic!("a range") };
    outcome((first..=last).map(|position| (position, accepted())))
}

/// Sorts answers, of which none is the last try.
pub fn outcome(answers: impl IntoIterator<Item = (u32, Answer)>) -> Outcome {
    Outcome::sort(answers, false)
}

/// A provider's yes.
pub fn accepted() -> Answer {
    Answer::Accepted { provider_id: "p-1".to_owned() }
}

/// A provider's no, for good.
pub fn refused_for_good() -> Answer {
    Answer::Refused { refusal: Refusal::Permanent, cause: "550 5.1.1".to_owned() }
}

/// A provider's no, for now.
pub fn refused_for_now() -> Answer {
    Answer::Refused { refusal: Refusal::Transient, cause: "451 4.3.0".to_owned() }
}

/// A provider that wants a slower pace.
pub fn throttled() -> Answer {
    Answer::Refused { refusal: Refusal::Throttled, cause: "421 4.7.0".to_owned() }
}

/// A provider that takes nothing.
pub fn unavailable() -> Answer {
    Answer::Refused { refusal: Refusal::Unavailable, cause: "no connection".to_owned() }
}

/// No reply.
pub fn unknown() -> Answer {
    Answer::Unknown { cause: "the connection was lost".to_owned() }
}

/// Gives up claims, at most a page of them; gives how many there were.
pub async fn abandon(records: &Records, which: Abandoned) -> usize {
    let abandoned = records.transaction(move |tx| {
        let which = which.clone();
        async move { claims::abandon(tx, &which).await }.boxed()
    });
    usize::try_from(abandoned.await.expect("abandoned").claims).expect("a page at most")
}

/// Lets every lease end and gives up what it held.
pub async fn let_leases_end(records: &Records) -> usize {
    records.shift_lease_clock(LEASE + Duration::from_secs(1));
    abandon(records, Abandoned::Expired).await
}
