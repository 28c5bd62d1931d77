//! What a stand-in received, by invitation, so that lost and doubled mail can be counted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Counts mails by the `X-Almanac-Invitation` that they carry.
#[derive(Debug, Default)]
pub struct Tally {
    seen: Mutex<Seen>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Seen {
    received: usize,
    by_invitation: HashMap<String, usize>,
}

impl Tally {
    /// Counts these mails, in one go.
    pub fn add(&self, invitations: impl IntoIterator<Item = String>) {
        let mut seen = self.seen();
        for invitation in invitations {
            seen.received += 1;
            *seen.by_invitation.entry(invitation).or_default() += 1;
        }
        drop(seen);
        self.changed.notify_waiters();
    }

    /// Mails received.
    pub fn received(&self) -> usize {
        self.seen().received
    }

    /// Different invitations received.
    pub fn distinct(&self) -> usize {
        self.seen().by_invitation.len()
    }

    /// Mails received beyond the first of their invitation.
    pub fn duplicates(&self) -> usize {
        let seen = self.seen();
        seen.received - seen.by_invitation.len()
    }

    /// How often this invitation was received.
    pub fn count_of(&self, invitation: &str) -> usize {
        self.seen().by_invitation.get(invitation).copied().unwrap_or_default()
    }

    /// Waits until that many mails were received.
    pub async fn wait_for(&self, count: usize) {
        loop {
            let changed = self.changed.notified();
            if self.received() >= count {
                return;
            }
            changed.await;
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "received {} distinct {} duplicates {}", self.received(), self.distinct(), self.duplicates())
    }
}
