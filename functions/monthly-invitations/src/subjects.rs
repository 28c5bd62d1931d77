//! Whom a cycle's firing takes: active users whose day has come and who are not in the month's cycle yet.

use chrono::Datelike;
use chrono_tz::Tz;
use futures_util::{FutureExt, future::BoxFuture};
use shared::{
    cycle::{self, CycleParameters},
    firing::{Firing, Trigger},
    letters::LetterKind,
    month::Month,
    records::{Records, Result, Tx},
    run::{
        batch::Subject,
        plan::{BatchSize, Page, Subjects},
    },
};

/// How many batches a page of users makes: one queue call's worth.
const BATCHES_PER_PAGE: usize = 10;

/// The users of one firing, in the order of their ids.
#[derive(Debug, Clone)]
pub struct CycleSubjects {
    /// What the run fixed at its start.
    pub parameters: CycleParameters,
    /// How many users a batch takes.
    pub batch_size: usize,
}

/// Fixes what a run must not see change under it: its month and days, and who existed when it was opened.
pub(crate) async fn fix_parameters(records: &Records, firing: Firing, zone: Tz) -> Result<CycleParameters> {
    let month = Month::of(firing.scheduled_at, zone);
    records
        .read(move |tx| {
            async move {
                let held_back_to = match firing.trigger {
                    Trigger::Schedule | Trigger::Resume => cycle::held_back_to(tx, month).await?,
                    Trigger::Manual => 0,
                };
                let (last_user, last_contact) = (last(tx, "users").await?, last(tx, "contacts").await?);
                let day = firing.scheduled_at.with_timezone(&zone).day();
                let scheduled_at = firing.scheduled_at;
                Ok(CycleParameters { month, day, held_back_to, scheduled_at, last_user, last_contact })
            }
            .boxed()
        })
        .await
}

async fn last(tx: &mut Tx, table: &'static str) -> Result<i64> {
    let row = tx.row(format!("SELECT COALESCE(MAX(id), 0) FROM {table}"), &[]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

impl Subjects for CycleSubjects {
    fn page(self, tx: &mut Tx, after: i64) -> BoxFuture<'_, Result<Page>> {
        async move {
            let CycleParameters { month, day, held_back_to, last_user, last_contact, .. } = self.parameters;
            let rows = tx
                .rows(
                    "SELECT u.id, (SELECT COUNT(*) FROM contacts c WHERE c.user_id = u.id AND c.id <= ?) FROM users u \
                     WHERE u.id > ? AND u.id <= ? AND u.active = 1 AND u.send_day <= ? AND u.send_day > ? \
                     AND NOT EXISTS (SELECT 1 FROM cycle_members m WHERE m.month = ? AND m.user_id = u.id) \
                     ORDER BY u.id LIMIT ?",
                    &[
                        last_contact.into(),
                        after.into(),
                        last_user.into(),
                        day.into(),
                        held_back_to.into(),
                        month.number().into(),
                        (BATCHES_PER_PAGE * self.batch_size).into(),
                    ],
                )
                .await?;
            let mut page = Page { kind: LetterKind::Invitation, subjects: Vec::new(), checkpoint: None };
            for row in &rows {
                let subject = Subject { id: row.int(0)?, planned: row.small(1)? };
                page.checkpoint = Some(subject.id);
                if subject.planned > 0 {
                    page.subjects.push(subject);
                }
            }
            Ok(page)
        }
        .boxed()
    }

    fn batch_size(&self) -> BatchSize {
        BatchSize { subjects: self.batch_size, letters: u32::MAX }
    }
}
