//! Who must not be written to, and the ways back: opting out and in, the suppression list, and a person's own decision to
//! restore a contact.

use chrono::{DateTime, Utc};

use crate::{
    email_address::EmailAddress,
    people::EmailStatus,
    records::{Result, Tx, Value, dialect::with_list, never},
};

/// Gives contacts a graver word about their address; those of whom a graver one stands keep it. `which` says in SQL whom
/// it concerns, and `key` are its values.
pub(crate) async fn raise(tx: &mut Tx, which: &str, key: &[Value<'_>], to: EmailStatus) -> Result<()> {
    let mut values: Vec<Value<'_>> = vec![to.as_str().into()];
    values.extend(key.iter().cloned());
    let before = values.len();
    values.extend(to.makes_way().map(|word| Value::from(word.as_str())));
    let list = with_list("email_status IN (?..)", values.len() - before);
    tx.execute(format!("UPDATE contacts SET email_status = ? WHERE {which} AND {list}"), &values).await.map(drop)
}

/// Why an address is on the suppression list. What comes later here is not lifted by what comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suppression {
    /// Whoever has it asked for no more letters.
    Unsubscribe,
    /// Letters to it come back for good.
    Bounce,
    /// A letter to it was reported as spam.
    Complaint,
}

impl Suppression {
    const ALL: [Self; 3] = [Self::Unsubscribe, Self::Bounce, Self::Complaint];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe",
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }
}

/// Puts an address on the suppression list, or gives it there the graver of two reasons, and of one the earlier time.
pub async fn suppress(tx: &mut Tx, address: &EmailAddress, why: Suppression, at: DateTime<Utc>) -> Result<()> {
    let (email, reason) = (address.as_str(), why.as_str());
    let sql = "INSERT INTO suppressions (email, reason, suppressed_at) VALUES (?, ?, ?) {or ignore email}";
    tx.execute(sql, &[email.into(), reason.into(), at.into()]).await?;
    antedate_suppression(tx, address, why, at).await?;
    let weaker: Vec<Value<'_>> =
        Suppression::ALL.iter().filter(|other| **other < why).map(|other| other.as_str().into()).collect();
    if weaker.is_empty() {
        return Ok(());
    }
    let list = with_list("reason IN (?..)", weaker.len());
    let mut values: Vec<Value<'_>> = vec![reason.into(), at.into(), email.into()];
    values.extend(weaker);
    let sql = format!("UPDATE suppressions SET reason = ?, suppressed_at = ? WHERE email = ? AND {list}");
    tx.execute(sql, &values).await.map(drop)
}

/// Gives an address that is on the suppression list for that reason the earlier of two times.
pub(crate) async fn antedate_suppression(
    tx: &mut Tx,
    address: &EmailAddress,
    why: Suppression,
    at: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE suppressions SET suppressed_at = ? WHERE email = ? AND reason = ? AND suppressed_at > ?";
    tx.execute(sql, &[at.into(), address.as_str().into(), why.as_str().into(), at.into()]).await.map(drop)
}

/// How a contact opted out. What comes later here is not taken back with what comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptOut {
    /// By the link in a letter.
    Unsubscribe,
    /// By reporting a letter as spam.
    Complaint,
}

impl OptOut {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe",
            Self::Complaint => "complaint",
        }
    }
}

/// Opts a contact out, or gives one that has opted out the graver of two reasons, and of one the earlier time. Gives
/// whether it had not opted out until now.
pub async fn opt_out(tx: &mut Tx, user: i64, contact: i64, how: OptOut, at: DateTime<Utc>) -> Result<bool> {
    let reason = how.as_str();
    let sql = "UPDATE contacts SET opted_out = 1, opt_out_reason = ?, opted_out_at = ?, \
               status = CASE WHEN status = 'blocked' THEN status ELSE 'opted_out' END \
               WHERE user_id = ? AND id = ? AND opted_out = 0";
    if tx.execute(sql, &[reason.into(), at.into(), user.into(), contact.into()]).await? > 0 {
        return Ok(true);
    }
    antedate_opt_out(tx, user, contact, how, at).await?;
    if how == OptOut::Complaint {
        let sql = "UPDATE contacts SET opt_out_reason = ?, opted_out_at = ? \
                   WHERE user_id = ? AND id = ? AND opted_out = 1 AND opt_out_reason = ?";
        let weaker = OptOut::Unsubscribe.as_str();
        tx.execute(sql, &[reason.into(), at.into(), user.into(), contact.into(), weaker.into()]).await?;
    }
    Ok(false)
}

/// Gives a contact that has opted out so the earlier of two times.
pub(crate) async fn antedate_opt_out(
    tx: &mut Tx,
    user: i64,
    contact: i64,
    how: OptOut,
    at: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE contacts SET opted_out_at = ? WHERE user_id = ? AND id = ? AND opted_out = 1 \
               AND opt_out_reason = ? AND opted_out_at > ?";
    tx.execute(sql, &[at.into(), user.into(), contact.into(), how.as_str().into(), at.into()]).await.map(drop)
}

/// Does what the link in a letter is for: opts its contact out, and bars the address for every user, because whoever has
/// it does not want such letters. Gives whether the contact had not opted out until now.
pub async fn unsubscribe(tx: &mut Tx, contact: i64, at: DateTime<Utc>) -> Result<bool> {
    let Some((user, email)) = find(tx, contact).await? else { return Ok(false) };
    raise(tx, "user_id = ? AND id = ?", &[user.into(), contact.into()], EmailStatus::Unsubscribed).await?;
    suppress(tx, &email, Suppression::Unsubscribe, at).await?;
    opt_out(tx, user, contact, OptOut::Unsubscribe, at).await
}

/// Takes back what [`unsubscribe`] did to a contact, and nothing that stands against it beside. Gives whether it had.
pub async fn resubscribe(tx: &mut Tx, contact: i64) -> Result<bool> {
    let Some((user, email)) = find(tx, contact).await? else { return Ok(false) };
    let sql = "UPDATE contacts SET opted_out = 0, opt_out_reason = '', opted_out_at = ?, \
               status = CASE WHEN status = 'opted_out' THEN 'active' ELSE status END, \
               email_status = CASE WHEN email_status = 'unsubscribed' THEN 'active' ELSE email_status END \
               WHERE user_id = ? AND id = ? AND opted_out = 1 AND opt_out_reason = ?";
    let values = [never().into(), user.into(), contact.into(), OptOut::Unsubscribe.as_str().into()];
    if tx.execute(sql, &values).await? == 0 {
        return Ok(false);
    }
    let sql = "DELETE FROM suppressions WHERE email = ? AND reason = ?";
    tx.execute(sql, &[email.as_str().into(), Suppression::Unsubscribe.as_str().into()]).await?;
    Ok(true)
}

/// Makes a contact one that may be written to again, whatever stood against it, its address included: a person has
/// decided so. Other contacts of that address keep what stands of them. Gives false when there is no such contact.
pub async fn restore(tx: &mut Tx, contact: i64) -> Result<bool> {
    let Some((user, email)) = find(tx, contact).await? else { return Ok(false) };
    tx.execute(
        "UPDATE contacts SET status = 'active', email_status = 'active', bounce_count = 0, last_bounce_at = ?, \
         opted_out = 0, opt_out_reason = '', opted_out_at = ?, active = 1 WHERE user_id = ? AND id = ?",
        &[never().into(), never().into(), user.into(), contact.into()],
    )
    .await?;
    tx.execute("DELETE FROM suppressions WHERE email = ?", &[email.as_str().into()]).await?;
    Ok(true)
}

/// Whose contact that is, and its address; held until the transaction ends.
async fn find(tx: &mut Tx, contact: i64) -> Result<Option<(i64, EmailAddress)>> {
    let row = tx.row("SELECT user_id, email FROM contacts WHERE id = ? {for update}", &[contact.into()]).await?;
    row.map(|row| Ok((row.int(0)?, EmailAddress::from_stored(row.text(1)?)))).transpose()
}
