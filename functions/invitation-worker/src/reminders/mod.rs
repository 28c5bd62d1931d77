//! Reminders: what of a batch is sent, skipped or has to wait, and preparing it in one transaction.

pub mod earlier;
pub mod rules;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use shared::{
    invitation::InvitationId,
    letters::{LetterId, ReminderKind},
    random,
    records::{Records, RecordsError, Result, Tx, Value, dialect::with_list},
    reminders::ReminderParameters,
    run::batch::{Batch, Subject},
};

use self::rules::{Rules, Verdict};
use crate::{
    WorkerOptions,
    addressees::{Addressee, Prepared},
    eligibility::SkipReason,
    people::{self, User},
    skips::{NOBODY, Skips},
    standing::{self, Standing},
    taking,
};

/// The invitations of a batch's subjects of which a reminder came due.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// The invitations, as they are now.
    pub invitations: Vec<Standing>,
    /// The users who invited and are still there.
    pub users: HashMap<i64, User>,
    /// How many of those that the planner counted are no longer there.
    pub gone: usize,
    /// Which of the invitations have waited, so that they need wait no longer.
    waited: Vec<InvitationId>,
}

/// What becomes of them.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// Who is reminded, in the order in which letters go out: grouped by template and language, then by user.
    pub reminded: Vec<Standing>,
    /// Who is not, and why: those who wait as well.
    pub skipped: Skips,
    /// Whose second reminder is looked at again, and from when on.
    waiting: Vec<(InvitationId, DateTime<Utc>)>,
}

/// Prepares a planned batch of reminders. `None` when another worker was first.
pub(crate) async fn prepare(
    records: &Records,
    batch: &Batch,
    rules: Rules,
    now: DateTime<Utc>,
    options: &WorkerOptions,
) -> Result<Option<Prepared>> {
    let subjects: Arc<[Subject]> = batch.subjects.as_slice().into();
    let asked = subjects.clone();
    let due = records
        .read(move |tx| {
            let subjects = asked.clone();
            async move { gather(tx, rules.kind, &rules.parameters, &subjects).await }.boxed()
        })
        .await?;
    let rows_per_insert = options.rows_per_insert;
    let write = Arc::new(Write { batch: batch.clone(), rules, now, rows_per_insert, worker: random::token(), due });
    let written = records
        .transaction(move |tx| {
            let write = write.clone();
            async move { write.run(tx).await }.boxed()
        })
        .await;
    match written {
        Err(RecordsError::Fenced) => Ok(None),
        written => written,
    }
}

/// Finds what came due of a batch's subjects, so that exactly what the planner counted gets a verdict.
pub async fn gather(
    tx: &mut Tx,
    kind: ReminderKind,
    parameters: &ReminderParameters,
    subjects: &[Subject],
) -> Result<Due> {
    let mut due = Due::default();
    for subject in subjects {
        let mut invitations = match kind {
            ReminderKind::First => Vec::new(),
            ReminderKind::Second => standing::waiting_in(tx, subject.id, parameters.waited).await?,
        };
        let waiting: HashSet<InvitationId> = invitations.iter().map(|standing| standing.invitation).collect();
        let sent = standing::sent_in(tx, subject.id, parameters.sent(kind)).await?;
        invitations.extend(sent.into_iter().filter(|standing| !waiting.contains(&standing.invitation)));
        let planned = subject.planned as usize;
        if invitations.len() > planned {
            // Only what was settled long after it was sent can come in late; it has had its chance.
            tracing::warn!(batch = subject.id, late = invitations.len() - planned, "came due after the plan");
            invitations.truncate(planned);
        }
        due.gone += planned - invitations.len();
        due.waited.extend(invitations.iter().map(|standing| standing.invitation).filter(|id| waiting.contains(id)));
        invitations.sort_by_key(|standing| standing.invitation);
        due.invitations.extend(invitations);
    }
    due.users = people::users(tx, &users_of(&due.invitations)).await?;
    Ok(due)
}

/// The users of these invitations, each once.
pub(crate) fn users_of(invitations: &[Standing]) -> Vec<i64> {
    let mut users: Vec<i64> = invitations.iter().map(|standing| standing.user_id).collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// Decides about whatever came due.
pub async fn decide(tx: &mut Tx, rules: &Rules, due: &Due) -> Result<Decision> {
    let ids: Vec<InvitationId> = due.invitations.iter().map(|standing| standing.invitation).collect();
    let earlier = earlier::of(tx, &ids).await?;
    let mut decision = Decision::default();
    decision.skipped.add_gone(NOBODY, due.gone);
    for standing in &due.invitations {
        let earlier = earlier.get(&standing.invitation).copied().unwrap_or_default();
        let verdict = rules.judge(standing, due.users.get(&standing.user_id), earlier);
        decision.note(standing, verdict);
    }
    // Stable, so that what was sent first is reminded of first.
    decision.reminded.sort_by_key(|standing| {
        let user = due.users.get(&standing.user_id);
        user.map(|user| (user.template.as_str(), user.locale.as_str(), user.id))
    });
    Ok(decision)
}

impl Decision {
    fn note(&mut self, standing: &Standing, verdict: Verdict) {
        match verdict {
            Verdict::Send => self.reminded.push(standing.clone()),
            Verdict::Skip(reason) => self.skipped.add(standing.user_id, reason, [standing.contact_id]),
            Verdict::Wait(until) => {
                self.skipped.add(standing.user_id, SkipReason::TooSoonAfterFirst, [standing.contact_id]);
                self.waiting.push((standing.invitation, until));
            }
        }
    }
}

/// What the preparing transaction writes.
struct Write {
    batch: Batch,
    rules: Rules,
    now: DateTime<Utc>,
    rows_per_insert: usize,
    worker: String,
    due: Due,
}

impl Write {
    async fn run(&self, tx: &mut Tx) -> Result<Option<Prepared>> {
        if !taking::take(tx, self.batch.id, &self.worker).await? {
            // It is ours through a commit whose answer was lost, and stands as it was written then.
            return Ok(None);
        }
        lock_sources(tx, &self.batch.subjects).await?;
        let decision = decide(tx, &self.rules, &self.due).await?;
        self.insert_reminders(tx, &decision.reminded).await?;
        decision.skipped.insert(tx, self.batch.run_id, self.batch.id, self.now).await?;
        end_waits(tx, &self.due.waited).await?;
        begin_waits(tx, &decision.waiting).await?;
        let addressees = (0..).zip(decision.reminded).map(|(position, standing)| Addressee::at(position, standing));
        Ok(Some(Prepared { users: self.due.users.clone(), addressees: addressees.collect(), are_in_doubt: false }))
    }

    async fn insert_reminders(&self, tx: &mut Tx, reminded: &[Standing]) -> Result<()> {
        let row = |(position, standing): (u32, &Standing)| -> [Value<'static>; 3] {
            let id = LetterId::new(self.batch.id, position);
            [id.0.into(), standing.invitation.0.into(), self.rules.kind.stored().into()]
        };
        let values: Vec<Value<'_>> = (0..).zip(reminded).flat_map(row).collect();
        let head = "INSERT INTO reminders (id, invitation_id, kind) VALUES";
        tx.insert_rows_by(self.rows_per_insert, head, 3, "", &values).await
    }
}

/// Keeps others from deciding about reminders of the same batches of invitations meanwhile: so a first and a second
/// reminder of one invitation, however late the first, are decided about one after the other, and whoever decides knows of
/// every reminder that there is.
pub(crate) async fn lock_sources(tx: &mut Tx, subjects: &[Subject]) -> Result<()> {
    let mut ids: Vec<i64> = subjects.iter().map(|subject| subject.id).collect();
    ids.sort_unstable();
    if !ids.is_empty() {
        let values: Vec<Value<'_>> = ids.iter().map(|&id| id.into()).collect();
        let sql = "SELECT id FROM batches WHERE id IN (?..) ORDER BY id {for update}";
        tx.rows(with_list(sql, ids.len()), &values).await?;
    }
    Ok(())
}

/// How many waits one statement ends.
const WAITS: usize = 500;

async fn end_waits(tx: &mut Tx, invitations: &[InvitationId]) -> Result<()> {
    for ids in invitations.chunks(WAITS) {
        let values: Vec<Value<'_>> = ids.iter().map(|id| id.0.into()).collect();
        let sql = "DELETE FROM waiting_reminders WHERE invitation_id IN (?..)";
        tx.execute(with_list(sql, ids.len()), &values).await?;
    }
    Ok(())
}

/// Has second reminders looked at again; one that waits already goes on waiting.
pub(crate) async fn begin_waits(tx: &mut Tx, waits: &[(InvitationId, DateTime<Utc>)]) -> Result<()> {
    let row = |(id, until): &(InvitationId, DateTime<Utc>)| -> [Value<'static>; 3] {
        [id.0.into(), id.batch().into(), (*until).into()]
    };
    let values: Vec<Value<'_>> = waits.iter().flat_map(row).collect();
    let head = "INSERT INTO waiting_reminders (invitation_id, batch_id, due_at) VALUES";
    tx.insert_rows(head, 3, "{or ignore invitation_id}", &values).await
}
