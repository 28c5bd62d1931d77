//! What became of an invitation's reminders before.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use shared::{
    invitation::{InvitationId, SendState},
    letters::{LetterId, ReminderKind},
    records::{Result, Tx},
};

/// What became of a reminder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Past {
    /// There is none.
    #[default]
    None,
    /// It is prepared and not sent yet.
    Planned,
    /// It was sent then, or may have been.
    Went(DateTime<Utc>),
    /// It failed, or was cancelled.
    DidNotGo,
}

/// What became of the two reminders of an invitation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Earlier {
    /// The first.
    pub first: Past,
    /// The second.
    pub second: Past,
}

impl Earlier {
    /// What became of the reminder of this kind.
    pub fn of(&self, kind: ReminderKind) -> Past {
        match kind {
            ReminderKind::First => self.first,
            ReminderKind::Second => self.second,
        }
    }

    /// The same without the reminder of this kind, where that is the one to be decided about.
    #[must_use]
    pub fn without(mut self, kind: ReminderKind) -> Self {
        *self.of_mut(kind) = Past::None;
        self
    }

    fn of_mut(&mut self, kind: ReminderKind) -> &mut Past {
        match kind {
            ReminderKind::First => &mut self.first,
            ReminderKind::Second => &mut self.second,
        }
    }
}

/// What became of these invitations' reminders, and of others between them; those that never had one are left out.
///
/// Asked for by each batch's stretch of ids: a long list of ids is priced by the table's statistics, which of a young table
/// say that reading all of it is cheaper.
pub async fn of(tx: &mut Tx, invitations: &[InvitationId]) -> Result<HashMap<InvitationId, Earlier>> {
    let mut earlier: HashMap<InvitationId, Earlier> = HashMap::new();
    let mut stretches: BTreeMap<i64, (InvitationId, InvitationId)> = BTreeMap::new();
    for &id in invitations {
        let (first, last) = stretches.entry(id.batch()).or_insert((id, id));
        (*first, *last) = ((*first).min(id), (*last).max(id));
    }
    for (first, last) in stretches.into_values() {
        let sql =
            "SELECT id, invitation_id, kind, send_state, sent_at FROM reminders WHERE invitation_id BETWEEN ? AND ?";
        for row in tx.rows(sql, &[first.0.into(), last.0.into()]).await? {
            let Some(kind) = ReminderKind::from_stored(row.int(2)?) else { continue };
            let past = match SendState::from_stored(row.int(3)?) {
                Some(SendState::Planned) => Past::Planned,
                Some(SendState::Sent) => Past::Went(row.time(4)?),
                Some(SendState::InDoubt) => Past::Went(claimed_at(tx, LetterId(row.int(0)?)).await?),
                Some(SendState::Failed | SendState::NotTaken | SendState::Cancelled) | None => Past::DidNotGo,
            };
            *earlier.entry(InvitationId(row.int(1)?)).or_default().of_mut(kind) = past;
        }
    }
    Ok(earlier)
}

/// When a letter was last handed to a provider: the moment at which one in doubt may have been sent.
async fn claimed_at(tx: &mut Tx, letter: LetterId) -> Result<DateTime<Utc>> {
    let sql = "SELECT claimed_at FROM sends WHERE batch_id = ? AND first_position <= ? AND last_position >= ? \
               ORDER BY claim DESC LIMIT 1";
    let values = [letter.batch().into(), letter.position().into(), letter.position().into()];
    tx.row(sql, &values).await?.map_or(Ok(shared::records::never()), |row| row.time(0))
}
