//! People for a demonstration: made up, always the same, and with every awkward case among them.
//!
//! Person number n is the same whoever asks and however many others there are, so making the demo's people up a second
//! time finds them all. Nobody can be written to by accident: every address is under a domain that RFC 2606 reserves.

mod cast;
mod dice;
mod names;
mod words;

use chrono::{DateTime, Utc};
use shared::records::Result;

use super::{CHUNK, NewContact, PeopleStore, Written};

/// How many people to make up, and around which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demo {
    /// How many users.
    pub users: u32,
    /// How many contacts a user has on average.
    pub contacts_per_user: u32,
    /// The firing that invites them: earlier invitations and bounces lie before it.
    pub cycle_at: DateTime<Utc>,
}

/// How far making up has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many users are in the records.
    pub users: u64,
    /// How many contacts are in the records.
    pub contacts: u64,
}

/// What making up wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeUp {
    /// What became of the users.
    pub users: Written,
    /// What became of the contacts.
    pub contacts: Written,
    /// How many addresses among theirs are on the suppression list.
    pub suppressed: u64,
}

/// Makes the demo's people up and puts them into the records, telling `progress` after each step.
pub async fn make_up(store: &PeopleStore, demo: Demo, mut progress: impl FnMut(Progress)) -> Result<MadeUp> {
    let mut made = MadeUp::default();
    let mut told = Progress::default();
    let chunk = u32::try_from(CHUNK).unwrap_or(u32::MAX);
    for first in (0..demo.users).step_by(CHUNK) {
        let numbers = first..demo.users.min(first.saturating_add(chunk));
        told.users += u64::from(numbers.end - numbers.start);
        made.users += store.put_users(numbers.clone().map(|number| cast::user(number, demo)).collect()).await?;
        progress(told);
        let mut suppressed = Vec::new();
        let mut contacts = numbers.flat_map(|owner| cast::contacts(owner, demo));
        loop {
            let some: Vec<NewContact> = contacts.by_ref().take(CHUNK).collect();
            if some.is_empty() {
                break;
            }
            suppressed.extend(some.iter().map(|contact| contact.email.clone()).filter(cast::is_suppressed));
            told.contacts += some.len() as u64;
            made.contacts += store.put_contacts(some).await?;
            progress(told);
        }
        made.suppressed += suppressed.len() as u64;
        store.suppress(suppressed, "complaint").await?;
    }
    Ok(made)
}
