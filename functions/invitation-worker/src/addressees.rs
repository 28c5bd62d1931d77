//! A prepared batch: who of it is still to be written to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::{email_address::EmailAddress, invitation::InvitationId, links::TOKEN_BYTES};

use crate::{people::User, standing::Standing};

/// Somebody who is to be written to.
#[derive(Debug, Clone)]
pub struct Addressee {
    /// Where the letter stands in its batch.
    pub position: u32,
    /// The invitation that it brings, or reminds of.
    pub invitation: InvitationId,
    /// Who invites.
    pub user_id: i64,
    /// Who is invited.
    pub contact_id: i64,
    /// Where the letter goes.
    pub email: EmailAddress,
    /// How it greets.
    pub first_name: String,
    /// The invitation's token.
    pub token: [u8; TOKEN_BYTES],
    /// Until when the invitation can be answered.
    pub expires_at: DateTime<Utc>,
}

impl Addressee {
    /// Who a letter at that position about this invitation goes to.
    pub fn at(position: u32, standing: Standing) -> Self {
        let Standing { invitation, user_id, contact_id, email, first_name, token, expires_at, .. } = standing;
        Self { position, invitation, user_id, contact_id, email, first_name, token, expires_at }
    }
}

/// A prepared batch: what is left to send of it.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The users who invite.
    pub users: HashMap<i64, User>,
    /// Who is still to be written to, by position.
    pub addressees: Vec<Addressee>,
    /// Whether they are in doubt since an earlier try, and this is their second and last.
    pub are_in_doubt: bool,
}
