//! The planner's pages: more batches of invitations than one page holds, some of which sent and others of which waited.

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use reminders::ReminderSubjects;
use shared::{
    invitation::InvitationId,
    letters::{LetterKind, ReminderKind},
    records::{Records, Value, never},
    reminders::{ReminderParameters, Stretch},
    run::{
        batch::Subject,
        plan::{Page, Subjects as _},
    },
};
use tests::{
    databases::TestDatabase,
    reminding::{DAYS, after},
    runs::open_run,
};

tests::contract!(every_batch_is_on_one_page_whatever_of_it_was_sent_and_whatever_waited);

/// How many batches there are: several pages of those that sent, of those that waited, and of both.
const BATCHES: i64 = 1_100;

/// What batch number `n` holds.
struct Holds {
    letters: &'static str,
    accepted: u32,
    waiting: u32,
}

impl Holds {
    /// In the first third all have sent and a few wait; then only some wait; then both are rare.
    fn of(n: i64) -> Self {
        let every = |step: i64, count: u32| if n % step == 0 { count } else { 0 };
        match n {
            _ if n % 50 == 7 => Self { letters: "first", accepted: 3, waiting: 0 },
            ..400 => Self { letters: "invitation", accepted: 4, waiting: every(3, 2) },
            400..800 => Self { letters: "invitation", accepted: 0, waiting: 1 },
            _ => Self { letters: "invitation", accepted: every(2, 5), waiting: every(7, 3) },
        }
    }

    /// How many reminders came due.
    fn due(&self, kind: ReminderKind) -> u32 {
        let sent = if self.letters == "invitation" { self.accepted } else { 0 };
        match kind {
            ReminderKind::First => sent,
            ReminderKind::Second => sent + self.waiting,
        }
    }
}

/// The moment within the stretches at which everything was sent, and until which everything waited.
fn moment() -> DateTime<Utc> {
    after(0, 1)
}

async fn every_batch_is_on_one_page_whatever_of_it_was_sent_and_whatever_waited(database: &TestDatabase) {
    add_batches(database, open_run(database).await.id).await;
    add_sends(database).await;
    add_waits(database).await;
    let around = Stretch { after: after(0, 0), until: after(0, 2) };
    let parameters =
        ReminderParameters { scheduled_at: after(0, 2), days: DAYS, first: around, second: around, waited: around };
    let pages = walk(database, ReminderSubjects(parameters)).await;
    for kind in [ReminderKind::First, ReminderKind::Second] {
        let pages: Vec<&Page> = pages.iter().filter(|page| page.kind == LetterKind::Reminder(kind)).collect();
        assert!(pages.len() >= 3, "{} pages of {kind}", pages.len());
        let planned: Vec<Subject> = pages.iter().flat_map(|page| page.subjects.clone()).collect();
        let due = (1..=BATCHES).map(|id| Subject { id, planned: Holds::of(id).due(kind) });
        assert_eq!(planned, due.filter(|subject| subject.planned > 0).collect::<Vec<_>>(), "{kind}");
    }
}

/// All pages, in their order.
async fn walk(records: &Records, subjects: ReminderSubjects) -> Vec<Page> {
    let (mut pages, mut after) = (Vec::new(), 0);
    loop {
        let page = records.read(move |tx| subjects.page(tx, after)).await.expect("a page");
        let Some(checkpoint) = page.checkpoint else { return pages };
        assert!(checkpoint > after, "a page moves on");
        after = checkpoint;
        pages.push(page);
    }
}

async fn add_batches(records: &Records, run: i64) {
    let head = "INSERT INTO batches (id, run_id, letters, subjects, planned, cause) VALUES";
    insert(records, head, 6, move |n| {
        vec![n.into(), run.into(), Holds::of(n).letters.into(), "".into(), 0_i64.into(), "".into()]
    })
    .await;
}

/// Each batch's letters in two calls.
async fn add_sends(records: &Records) {
    let head = "INSERT INTO sends (batch_id, claim, nonce, holder, provider, first_position, last_position, listed, \
                letters, state, claimed_at, lease_until, settled_at, accepted, outcome) VALUES";
    let call = |n: i64, claim: i64, accepted: u32| -> Vec<Value<'static>> {
        vec![
            n.into(),
            claim.into(),
            "00000000".into(),
            "".into(),
            "scripted".into(),
            0_i64.into(),
            0_i64.into(),
            "".into(),
            accepted.into(),
            1_i64.into(),
            moment().into(),
            never().into(),
            never().into(),
            accepted.into(),
            "".into(),
        ]
    };
    insert(records, head, 15, move |n| match Holds::of(n).accepted {
        0 => Vec::new(),
        accepted => [call(n, 0, 1), call(n, 1, accepted - 1)].concat(),
    })
    .await;
}

async fn add_waits(records: &Records) {
    let head = "INSERT INTO waiting_reminders (invitation_id, batch_id, due_at) VALUES";
    insert(records, head, 3, |n| {
        let wait = |position| vec![InvitationId::new(n, position).0.into(), n.into(), moment().into()];
        (0..Holds::of(n).waiting).flat_map(wait).collect()
    })
    .await;
}

/// Inserts the rows of every batch.
async fn insert(
    records: &Records,
    head: &'static str,
    columns: usize,
    rows: impl Fn(i64) -> Vec<Value<'static>> + Send + Sync + Copy + 'static,
) {
    let inserted = records.transaction(move |tx| {
        async move {
            let values: Vec<Value<'_>> = (1..=BATCHES).flat_map(rows).collect();
            tx.insert_rows(head, columns, "", &values).await
        }
        .boxed()
    });
    inserted.await.expect("insertable");
}
