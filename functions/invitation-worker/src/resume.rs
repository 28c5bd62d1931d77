//! Coming back to a batch that a worker left: what of it is still planned, and may still be sent; when nothing is, what is
//! in doubt and to be sent once more.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use shared::{
    claims::Positions,
    invitation::InvitationId,
    letters::{LetterId, LetterKind},
    records::{Records, Result, Tx, Value, dialect::with_list},
    run::{
        batch::{self, Batch},
        doubt,
    },
};

use crate::{
    addressees::{Addressee, Prepared},
    eligibility::{SkipReason, hard_obstacle},
    people::{self, User},
    reminders::{
        self,
        earlier::{self, Earlier},
        rules::{Rules, Verdict},
    },
    skips::{NOBODY, Skips},
    standing::{self, Standing, StillPlanned},
};

/// By which rules a batch's letters are still sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Still {
    /// Those of invitations, as of a moment.
    Invited(DateTime<Utc>),
    /// Those of reminders.
    Reminded(Rules),
}

/// Comes back to a batch that was prepared before: what of it is still planned, less what must no longer be sent. Those
/// letters are withdrawn, and their contacts are skipped instead. `None` while another worker's call is under way, or
/// another has the batch's row locked.
///
/// Whoever worked on the batch before can make no further claim: what it remembers may have been withdrawn, and what
/// this worker read may be claimed only by this worker. So the batch is given as it was read in the same transaction.
pub(crate) async fn resume(
    records: &Records,
    batch: &Batch,
    still: Still,
    now: DateTime<Utc>,
) -> Result<Option<(Batch, Prepared)>> {
    let batch = Arc::new(batch.clone());
    records
        .transaction(move |tx| {
            let batch = batch.clone();
            async move { take_up(tx, &batch, still, now).await }.boxed()
        })
        .await
}

async fn take_up(tx: &mut Tx, batch: &Batch, still: Still, now: DateTime<Utc>) -> Result<Option<(Batch, Prepared)>> {
    if !batch::lock_if_free(tx, batch.id).await? || batch::has_open_claim(tx, batch.id).await? {
        return Ok(None);
    }
    batch::fence(tx, batch.id).await?;
    let Some(batch) = Batch::find(tx, batch.id).await? else { return Ok(None) };
    let StillPlanned { standing, orphans } = standing::still_planned(tx, batch.kind, batch.id).await?;
    let mut withdrawn = Withdrawn::default();
    withdrawn.note_orphans(orphans);
    let Judged { users, verdicts } = judge(tx, &batch, still, standing).await?;
    let mut addressees = Vec::new();
    for (standing, verdict) in verdicts {
        match verdict {
            Verdict::Send => addressees.push(Addressee::at(standing.letter.position(), standing)),
            Verdict::Skip(reason) => withdrawn.note(&standing, reason),
            Verdict::Wait(until) => {
                withdrawn.note(&standing, SkipReason::TooSoonAfterFirst);
                withdrawn.waiting.push((standing.invitation, until));
            }
        }
    }
    withdrawn.write(tx, &batch, now).await?;
    if addressees.is_empty()
        && let Some(tried) = doubt::second_tries(tx, batch.id).await?
    {
        let prepared = second_try(tx, &batch, still, &tried).await?;
        return Ok(Some((batch, prepared)));
    }
    Ok(Some((batch, Prepared { users, addressees, are_in_doubt: false })))
}

/// What of a batch is in doubt, was not tried twice and may still be sent; the others stay in doubt.
async fn second_try(tx: &mut Tx, batch: &Batch, still: Still, tried: &[Positions]) -> Result<Prepared> {
    let mut standing = standing::in_doubt(tx, batch.kind, batch.id).await?;
    standing.retain(|standing| !tried.iter().any(|positions| positions.contains(standing.letter.position())));
    let Judged { users, verdicts } = judge(tx, batch, still, standing).await?;
    let addressees = verdicts
        .into_iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Send))
        .map(|(standing, _)| Addressee::at(standing.letter.position(), standing))
        .collect();
    Ok(Prepared { users, addressees, are_in_doubt: true })
}

/// Letters with what the rules say of them, and the users who invite.
struct Judged {
    users: HashMap<i64, User>,
    verdicts: Vec<(Standing, Verdict)>,
}

async fn judge(tx: &mut Tx, batch: &Batch, still: Still, standing: Vec<Standing>) -> Result<Judged> {
    let users = people::users(tx, &reminders::users_of(&standing)).await?;
    let earlier = earlier_reminders(tx, batch, still, &standing).await?;
    let verdict = |standing: Standing| {
        let user = users.get(&standing.user_id);
        let earlier = earlier.get(&standing.invitation).copied().unwrap_or_default();
        let verdict = still.judge(&standing, user, earlier);
        (standing, verdict)
    };
    let verdicts = standing.into_iter().map(verdict).collect();
    Ok(Judged { users, verdicts })
}

/// What became of the other reminders of a batch's invitations. Nobody decides about more of them meanwhile.
async fn earlier_reminders(
    tx: &mut Tx,
    batch: &Batch,
    still: Still,
    planned: &[Standing],
) -> Result<HashMap<InvitationId, Earlier>> {
    let Still::Reminded(_) = still else { return Ok(HashMap::new()) };
    reminders::lock_sources(tx, &batch.subjects).await?;
    let ids: Vec<InvitationId> = planned.iter().map(|standing| standing.invitation).collect();
    earlier::of(tx, &ids).await
}

impl Still {
    fn judge(&self, standing: &Standing, user: Option<&User>, earlier: Earlier) -> Verdict {
        match self {
            Self::Invited(now) => still_invited(standing, user, *now).map_or(Verdict::Send, Verdict::Skip),
            Self::Reminded(rules) => rules.judge(standing, user, earlier.without(rules.kind)),
        }
    }
}

/// Why a contact that was chosen is not to be invited any more.
fn still_invited(standing: &Standing, user: Option<&User>, now: DateTime<Utc>) -> Option<SkipReason> {
    match (user, &standing.contact) {
        (None, _) | (_, None) => Some(SkipReason::Gone),
        (Some(user), _) if !user.active => Some(SkipReason::UserInactive),
        _ if standing.expires_at <= now => Some(SkipReason::Expired),
        (_, Some(contact)) => hard_obstacle(contact),
    }
}

/// Letters that are taken back before they were sent.
#[derive(Debug, Default)]
struct Withdrawn {
    letters: Vec<LetterId>,
    skips: Skips,
    waiting: Vec<(InvitationId, DateTime<Utc>)>,
}

impl Withdrawn {
    fn note(&mut self, standing: &Standing, reason: SkipReason) {
        self.letters.push(standing.letter);
        self.skips.add(standing.user_id, reason, [standing.contact_id]);
    }

    fn note_orphans(&mut self, letters: Vec<LetterId>) {
        self.skips.add_gone(NOBODY, letters.len());
        self.letters.extend(letters);
    }

    async fn write(mut self, tx: &mut Tx, batch: &Batch, now: DateTime<Utc>) -> Result<()> {
        delete(tx, batch.kind, &self.letters).await?;
        self.skips.add_to(tx, batch.run_id, batch.id, now).await?;
        reminders::begin_waits(tx, &self.waiting).await
    }
}

async fn delete(tx: &mut Tx, kind: LetterKind, letters: &[LetterId]) -> Result<()> {
    for ids in letters.chunks(500) {
        let values: Vec<Value<'_>> = ids.iter().map(|id| id.0.into()).collect();
        let list = with_list("id IN (?..)", ids.len());
        tx.execute(format!("DELETE FROM {} WHERE send_state = 0 AND {list}", kind.table()), &values).await?;
    }
    Ok(())
}
