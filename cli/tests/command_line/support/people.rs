//! People to invite.

use almanac::people::bench::{self, Bench, Letters};
use shared::records::Records;

use super::query;

/// The cycle that the tests run.
pub const CYCLE: [&str; 5] = ["run", "monthly-invitations", "--at", "2026-11-05T18:00", "--json"];

/// How many contacts each user has.
pub const CONTACTS: u32 = 20;

/// A moment so many days and a minute from now: what is sent now is then so old.
pub fn days_from_now(days: i64) -> String {
    let moment = chrono::Utc::now() + chrono::TimeDelta::days(days) + chrono::TimeDelta::minutes(1);
    moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Makes up that many users with [`CONTACTS`] contacts each, of which every tenth has opted out. Gives how many there
/// are to invite.
pub async fn make_up(records: &Records, users: u32) -> u64 {
    let people = Bench { users, contacts_per_user: CONTACTS, letters: Letters::Mixed };
    bench::add(records, people, |_| {}).await.expect("people");
    query::change(records, "UPDATE contacts SET opted_out = 1 WHERE id % 10 = 0").await;
    query::number(records, "SELECT COUNT(*) FROM contacts WHERE opted_out = 0").await
}
