//! How invitations stand that may be written about: what the rules look at, and what their letters need.

use chrono::{DateTime, Utc};
use shared::{
    email_address::EmailAddress,
    invitation::{InvitationId, SendState},
    letters::{LetterId, LetterKind},
    links::TOKEN_BYTES,
    records::{Result, Row, Tx},
    reminders::Stretch,
};

use crate::eligibility::Candidate;

/// An invitation with its contact as it is now.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The letter about it, where there is one already: for an invitation itself, its own.
    pub letter: LetterId,
    /// The invitation.
    pub invitation: InvitationId,
    /// Who invites.
    pub user_id: i64,
    /// Who is invited.
    pub contact_id: i64,
    /// Where letters go.
    pub email: EmailAddress,
    /// How they greet.
    pub first_name: String,
    /// The invitation's token.
    pub token: [u8; TOKEN_BYTES],
    /// Its status, as it is stored.
    pub status: i64,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// Until when it can be answered.
    pub expires_at: DateTime<Utc>,
    /// What the rules look at in the contact; `None` when it is gone.
    pub contact: Option<Candidate>,
}

/// What a query asks for after the letter's id, with the contact and whether the address is suppressed.
const COLUMNS: &str = "i.id, i.user_id, i.contact_id, i.to_email, i.token, i.status, i.sent_at, i.expires_at, \
                       COALESCE(c.first_name, ''), COALESCE(c.opted_out, 0), COALESCE(c.active, 0), \
                       COALESCE(c.status = 'active', 0), \
                       COALESCE(c.email_status IN ('bounced_permanent', 'complained', 'unsubscribed'), 1), \
                       COALESCE(c.bounce_count, 0), s.email IS NOT NULL, c.id IS NULL";

/// Where it asks for them.
const PEOPLE: &str = "LEFT JOIN contacts c ON c.user_id = i.user_id AND c.id = i.contact_id \
                      LEFT JOIN suppressions s ON s.email = i.to_email";

fn read(row: &Row) -> Result<Standing> {
    let mut token = [0; TOKEN_BYTES];
    for (byte, stored) in token.iter_mut().zip(row.bytes(5)?) {
        *byte = stored;
    }
    let contact = Candidate {
        id: row.int(3)?,
        opted_out: row.truth(10)?,
        active: row.truth(11)?,
        status_active: row.truth(12)?,
        deliverable: !row.truth(13)?,
        bounce_count: row.int(14)?,
        suppressed: row.truth(15)?,
        tags: Vec::new(),
        response_rate: None,
        last_invited_at: None,
        already_invited: false,
    };
    Ok(Standing {
        letter: LetterId(row.int(0)?),
        invitation: InvitationId(row.int(1)?),
        user_id: row.int(2)?,
        contact_id: row.int(3)?,
        email: EmailAddress::from_stored(row.text(4)?),
        token,
        status: row.int(6)?,
        sent_at: row.time(7)?,
        expires_at: row.time(8)?,
        first_name: row.text(9)?,
        contact: (!row.truth(16)?).then_some(contact),
    })
}

/// What of a batch is still planned.
#[derive(Debug, Clone, Default)]
pub struct StillPlanned {
    /// How the letters' invitations stand, in the order of the letters' positions.
    pub standing: Vec<Standing>,
    /// The letters whose invitation is no longer there.
    pub orphans: Vec<LetterId>,
}

/// What of a batch is still planned.
pub async fn still_planned(tx: &mut Tx, kind: LetterKind, batch_id: i64) -> Result<StillPlanned> {
    in_state(tx, kind, batch_id, SendState::Planned).await
}

/// What of a batch is in doubt and can be looked at: letters whose invitation is no longer there are left out.
pub async fn in_doubt(tx: &mut Tx, kind: LetterKind, batch_id: i64) -> Result<Vec<Standing>> {
    Ok(in_state(tx, kind, batch_id, SendState::InDoubt).await?.standing)
}

/// A batch's letters in that state.
async fn in_state(tx: &mut Tx, kind: LetterKind, batch_id: i64, state: SendState) -> Result<StillPlanned> {
    let sql = match kind {
        LetterKind::Invitation => format!(
            "SELECT i.id, {COLUMNS}, i.id IS NULL FROM invitations i {PEOPLE} \
             WHERE i.id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND i.send_state = ? ORDER BY i.id"
        ),
        LetterKind::Reminder(_) => format!(
            "SELECT r.id, {COLUMNS}, i.id IS NULL FROM reminders r \
             LEFT JOIN invitations i ON i.id = r.invitation_id {PEOPLE} \
             WHERE r.id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND r.send_state = ? ORDER BY r.id"
        ),
    };
    let mut planned = StillPlanned::default();
    for row in tx.rows(sql, &[batch_id.into(), batch_id.into(), state.stored().into()]).await? {
        if row.truth(17)? {
            planned.orphans.push(LetterId(row.int(0)?));
        } else {
            planned.standing.push(read(&row)?);
        }
    }
    Ok(planned)
}

/// A batch's invitations that were sent in a stretch of time.
pub async fn sent_in(tx: &mut Tx, batch_id: i64, sent: Stretch) -> Result<Vec<Standing>> {
    let sql = format!(
        "SELECT i.id, {COLUMNS} FROM invitations i {PEOPLE} \
         WHERE i.id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND i.send_state = 2 \
         AND i.sent_at > ? AND i.sent_at <= ? ORDER BY i.id"
    );
    let values = [batch_id.into(), batch_id.into(), sent.after.into(), sent.until.into()];
    tx.rows(sql, &values).await?.iter().map(read).collect()
}

/// A batch's invitations whose second reminder had to wait until a stretch of time.
pub async fn waiting_in(tx: &mut Tx, batch_id: i64, waited: Stretch) -> Result<Vec<Standing>> {
    // By the batch's own range: by the stretch of time, each batch would read what waits of all the others.
    let sql = format!(
        "SELECT i.id, {COLUMNS} FROM waiting_reminders w JOIN invitations i ON i.id = w.invitation_id {PEOPLE} \
         WHERE w.invitation_id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND w.due_at > ? AND w.due_at <= ? ORDER BY i.id"
    );
    let values = [batch_id.into(), batch_id.into(), waited.after.into(), waited.until.into()];
    tx.rows(sql, &values).await?.iter().map(read).collect()
}
