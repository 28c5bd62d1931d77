//! What a mail's links are made of: the invitation's token, its short code, and the unsubscribe tag.
//!
//! No random value is looked up by an index: a link is `<id>.<token>`, found by the id and proved by the token; a short
//! code is a keyed permutation of the id, so it is turned back into the id; an unsubscribe link names a contact and
//! carries a keyed tag, so it works when the invitation has long been deleted.

use std::{fmt::Write as _, hash::Hasher};

use data_encoding::BASE64URL_NOPAD;
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher24;

use crate::{
    invitation::InvitationId,
    random,
    records::{Records, Result, Script, Value},
};

/// How many random bytes an invitation's token has.
pub const TOKEN_BYTES: usize = 32;

/// How many bytes of the tag an unsubscribe link carries: 128 bits.
const TAG_BYTES: usize = 16;

/// The least bits of an id that a short code hides; 40 bits are 8 characters of base32.
const LEAST_BITS: u32 = 40;

/// The keys that short codes and unsubscribe links depend on. They are made once for these records.
#[derive(Clone)]
pub struct LinkKeys {
    code: [u8; 16],
    unsubscribe: Hmac<Sha256>,
}

impl std::fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKeys(…)")
    }
}

impl LinkKeys {
    /// The records' own keys; made at random when there are none yet.
    pub async fn of(records: &Records) -> Result<Self> {
        // Only read as long as they are there: every worker does this when it starts, and none may keep the others waiting.
        if let Some(secret) = stored_secret(records).await? {
            return Ok(Self::from_secret(&secret));
        }
        let fresh = random::bytes::<32>().to_vec();
        let mut script = Script::default();
        script.push(
            "INSERT INTO link_keys (name, secret, created_at) VALUES ('links', ?, {now}) {or ignore name}",
            vec![Value::Bytes(fresh.clone().into())],
        );
        records.run_script(script).await?;
        // Another's, where that was first.
        let secret = stored_secret(records).await?.unwrap_or(fresh);
        Ok(Self::from_secret(&secret))
    }

    /// The keys that a secret stands for.
    pub fn from_secret(secret: &[u8]) -> Self {
        let keyed = |purpose: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
            mac.update(purpose);
            mac.finalize().into_bytes()
        };
        let mut code = [0; 16];
        code.copy_from_slice(&keyed(b"short code")[..16]);
        let unsubscribe = Hmac::new_from_slice(&keyed(b"unsubscribe")).expect("HMAC takes keys of any length");
        Self { code, unsubscribe }
    }

    /// The short code that a person types: eight characters or more of Crockford's base32, without I, L, O, U.
    pub fn short_code(&self, invitation: InvitationId) -> String {
        let id = invitation.0.unsigned_abs();
        let bits = bits_for(id);
        let hidden = self.permute(id, bits, &[0, 1, 2, 3, 4, 5, 6, 7]);
        // The highest five bits first, as they are read.
        let symbol = |place: u32| char::from(CROCKFORD.as_bytes()[(hidden >> (5 * place) & 31) as usize]);
        let mut code = String::with_capacity((bits / 5) as usize);
        code.extend((0..bits / 5).rev().map(symbol));
        code
    }

    /// The invitation behind a short code; `None` when it is not one. Case, blanks and hyphens do not matter.
    pub fn read_short_code(&self, code: &str) -> Option<InvitationId> {
        let mut value: u64 = 0;
        let mut characters = 0;
        for character in code.chars().filter(|c| !matches!(c, ' ' | '-')) {
            let digit = CROCKFORD.find(match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })?;
            value = value.checked_mul(32)?.checked_add(digit as u64)?;
            characters += 1;
        }
        let bits = characters * 5;
        if bits < LEAST_BITS || bits % 10 != 0 || bits > 60 {
            return None;
        }
        let id = self.permute(value, bits, &[7, 6, 5, 4, 3, 2, 1, 0]);
        (bits_for(id) == bits).then(|| i64::try_from(id).ok().map(InvitationId))?
    }

    /// A balanced Feistel network over `bits` bits: a permutation whichever way round its rounds are run.
    fn permute(&self, value: u64, bits: u32, rounds: &[u8; 8]) -> u64 {
        let half = bits / 2;
        let mask = (1_u64 << half) - 1;
        let (mut left, mut right) = (value >> half, value & mask);
        for &round in rounds {
            let mut hasher = SipHasher24::new_with_key(&self.code);
            hasher.write_u64(right);
            hasher.write_u8(round);
            hasher.write_u32(bits);
            (left, right) = (right, left ^ (hasher.finish() & mask));
        }
        (right << half) | left
    }

    /// The link that unsubscribes a contact: `<base>/unsubscribe/<contact>.<tag>`.
    pub fn unsubscribe_link(&self, base: &str, contact: i64) -> String {
        let tag = self.tag(contact).finalize().into_bytes();
        link(base, "/unsubscribe/", contact, &tag[..TAG_BYTES])
    }

    /// The contact of what an unsubscribe link ends in, `<contact>.<tag>`, if the tag is right: compared in constant
    /// time.
    pub fn read_unsubscribe(&self, text: &str) -> std::result::Result<i64, InvalidLink> {
        let (contact, tag) = text.split_once('.').ok_or(InvalidLink::Malformed)?;
        let contact = contact.parse().map_err(|_| InvalidLink::Malformed)?;
        let tag = BASE64URL_NOPAD.decode(tag.as_bytes()).map_err(|_| InvalidLink::Malformed)?;
        if tag.len() != TAG_BYTES {
            return Err(InvalidLink::Malformed);
        }
        self.tag(contact).verify_truncated_left(&tag).map_err(|_| InvalidLink::Unknown).map(|()| contact)
    }

    fn tag(&self, contact: i64) -> Hmac<Sha256> {
        let mut mac = self.unsubscribe.clone();
        mac.update(&contact.to_be_bytes());
        mac
    }
}

async fn stored_secret(records: &Records) -> Result<Option<Vec<u8>>> {
    let read = records.read(|tx| tx.row("SELECT secret FROM link_keys WHERE name = 'links'", &[]).boxed());
    read.await?.map(|row| row.bytes(0)).transpose()
}

/// Why a text is not what an unsubscribe link ends in. It is a key, so it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLink {
    /// It has another shape.
    #[error("expected CONTACT.TAG")]
    Malformed,
    /// It has the right shape, and its tag is not the contact's.
    #[error("the tag is not this contact's")]
    Unknown,
}

const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many bits hide `id`: 40, or as many more tens as it needs.
fn bits_for(id: u64) -> u32 {
    let needed = u64::BITS - id.leading_zeros();
    needed.max(LEAST_BITS).next_multiple_of(10)
}

/// The link that an invitation is answered by: `<base>/i/<id>.<token>`.
pub fn invitation_link(base: &str, invitation: InvitationId, token: &[u8]) -> String {
    link(base, "/i/", invitation.0, token)
}

fn link(base: &str, path: &str, id: i64, bytes: &[u8]) -> String {
    // An id has at most 19 digits, and base64 takes four characters for three bytes.
    let mut link = String::with_capacity(base.len() + path.len() + 20 + bytes.len().div_ceil(3) * 4);
    write!(link, "{base}{path}{id}.").expect("writing to a text cannot fail");
    BASE64URL_NOPAD.encode_append(bytes, &mut link);
    link
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> LinkKeys {
        LinkKeys::from_secret(&[7; 32])
    }

    proptest! {
        #[test]
        fn a_short_code_leads_back_to_its_invitation(id in prop_oneof![1..1_i64 << 40, 1..1_i64 << 59]) {
            let code = keys().short_code(InvitationId(id));
            prop_assert!(code.len() >= 8);
            prop_assert_eq!(keys().read_short_code(&code), Some(InvitationId(id)));
            prop_assert_eq!(keys().read_short_code(&format!(" {}-", code.to_lowercase())), Some(InvitationId(id)));
        }

        #[test]
        fn an_unsubscribe_link_works_for_its_contact_and_no_other(contact in 1..i64::MAX, other in 1..i64::MAX) {
            let link = keys().unsubscribe_link("https://almanac.example", contact);
            let said = link.strip_prefix("https://almanac.example/unsubscribe/").expect("the base");
            prop_assert_eq!(keys().read_unsubscribe(said), Ok(contact));
            let tag = said.split_once('.').expect("a dot").1;
            if other != contact {
                prop_assert_eq!(keys().read_unsubscribe(&format!("{other}.{tag}")), Err(InvalidLink::Unknown));
            }
            prop_assert_eq!(LinkKeys::from_secret(&[8; 32]).read_unsubscribe(said), Err(InvalidLink::Unknown));
            let cut = &said[..said.len() - 1];
            prop_assert_eq!(keys().read_unsubscribe(cut), Err(InvalidLink::Malformed));
        }

        #[test]
        fn no_text_makes_the_readers_fall_over(text in ".{0,40}") {
            keys().read_short_code(&text);
            keys().read_unsubscribe(&text).ok();
        }
    }

    #[test]
    fn neighbouring_invitations_have_codes_that_do_not_resemble_each_other() {
        let codes: std::collections::BTreeSet<_> = (1..10_000).map(|id| keys().short_code(InvitationId(id))).collect();
        assert_eq!(codes.len(), 9_999);
        assert!(codes.iter().all(|code| code.len() == 8));
        let first: std::collections::BTreeSet<_> = codes.iter().map(|code| &code[..1]).collect();
        assert_eq!(first.len(), 32, "every first character occurs");
    }
}
