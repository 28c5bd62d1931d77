//! The table of what an import may and may not change about a contact.

use chrono::{DateTime, Days, Utc};
use shared::{
    people::{ContactStatus, EmailStatus},
    records::{Records, Row},
};

use super::{
    databases::{on_every_database, rows},
    import::{address, put_contacts, seen_at, store},
};
use crate::people::{NewContact, NewUser, PeopleStore};

/// What the table looks at, as the row says it.
#[derive(Debug, PartialEq)]
struct Standing {
    status: ContactStatus,
    email_status: EmailStatus,
    bounce_count: u32,
    opted_out: bool,
    active: bool,
    last_sent_at: DateTime<Utc>,
    last_bounce_at: DateTime<Utc>,
    opted_out_at: DateTime<Utc>,
}

const STANDING: &str = "SELECT status, email_status, bounce_count, opted_out, active, last_sent_at, last_bounce_at, \
                        opted_out_at FROM contacts ORDER BY id";

impl Standing {
    fn of(row: &Row) -> Self {
        Self {
            status: row.parsed(0).expect("a word"),
            email_status: row.parsed(1).expect("a word"),
            bounce_count: row.small(2).expect("a count"),
            opted_out: row.truth(3).expect("a truth"),
            active: row.truth(4).expect("a truth"),
            last_sent_at: row.time(5).expect("a moment"),
            last_bounce_at: row.time(6).expect("a moment"),
            opted_out_at: row.time(7).expect("a moment"),
        }
    }

    fn fine() -> Self {
        Self {
            status: ContactStatus::Active,
            email_status: EmailStatus::Active,
            bounce_count: 0,
            opted_out: false,
            active: true,
            last_sent_at: never(),
            last_bounce_at: never(),
            opted_out_at: never(),
        }
    }
}

fn never() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn later() -> DateTime<Utc> {
    seen_at() + Days::new(30)
}

fn fine() -> NewContact {
    NewContact::new("owner", address("ada@example.org"))
}

fn status(status: ContactStatus) -> NewContact {
    NewContact { status, ..fine() }
}

fn email(email_status: EmailStatus) -> NewContact {
    NewContact { email_status, ..fine() }
}

fn bounces(bounce_count: u32) -> NewContact {
    NewContact { bounce_count, ..fine() }
}

fn sent(last_sent_at: DateTime<Utc>) -> NewContact {
    NewContact { last_sent_at: Some(last_sent_at), ..fine() }
}

/// What the records have, what a file says a month later, and what the records have then.
fn cases() -> Vec<(NewContact, NewContact, Standing)> {
    use ContactStatus::{Active, Blocked, Bounced, OptedOut, Pending};
    use EmailStatus::{BouncedPermanent, BouncedTemporary, Complained, Delivered, Sent, Unsubscribed};
    let mut cases = vec![
        (
            NewContact { opted_out: true, ..fine() },
            fine(),
            Standing { opted_out: true, opted_out_at: seen_at(), ..Standing::fine() },
        ),
        (
            fine(),
            NewContact { opted_out: true, ..fine() },
            Standing { opted_out: true, opted_out_at: later(), ..Standing::fine() },
        ),
        (NewContact { active: false, ..fine() }, fine(), Standing { active: false, ..Standing::fine() }),
        (fine(), NewContact { active: false, ..fine() }, Standing { active: false, ..Standing::fine() }),
        (bounces(3), bounces(1), Standing { bounce_count: 3, last_bounce_at: seen_at(), ..Standing::fine() }),
        (bounces(1), bounces(3), Standing { bounce_count: 3, last_bounce_at: later(), ..Standing::fine() }),
        (bounces(2), bounces(2), Standing { bounce_count: 2, last_bounce_at: seen_at(), ..Standing::fine() }),
        (sent(later()), sent(seen_at()), Standing { last_sent_at: later(), ..Standing::fine() }),
        (sent(seen_at()), sent(later()), Standing { last_sent_at: later(), ..Standing::fine() }),
        (sent(seen_at()), fine(), Standing { last_sent_at: seen_at(), ..Standing::fine() }),
    ];
    for (stored, file, kept) in [
        (OptedOut, Active, OptedOut),
        (Blocked, Active, Blocked),
        (Bounced, Active, Bounced),
        (Bounced, Pending, Bounced),
        (Active, Bounced, Bounced),
        (Bounced, OptedOut, OptedOut),
        (OptedOut, Bounced, OptedOut),
        (OptedOut, Blocked, Blocked),
        (Blocked, OptedOut, Blocked),
        (Pending, Active, Active),
        (Active, Pending, Pending),
    ] {
        cases.push((status(stored), status(file), Standing { status: kept, ..Standing::fine() }));
    }
    for (stored, file, kept, last_bounce_at) in [
        (BouncedTemporary, Delivered, BouncedTemporary, seen_at()),
        (BouncedPermanent, Delivered, BouncedPermanent, seen_at()),
        (BouncedPermanent, BouncedTemporary, BouncedPermanent, seen_at()),
        (BouncedTemporary, BouncedPermanent, BouncedPermanent, later()),
        (Complained, EmailStatus::Active, Complained, never()),
        (Unsubscribed, EmailStatus::Active, Unsubscribed, never()),
        (Unsubscribed, Complained, Complained, never()),
        (Complained, BouncedPermanent, Complained, never()),
        (Delivered, BouncedPermanent, BouncedPermanent, later()),
        (Sent, Delivered, Delivered, never()),
        (Delivered, Sent, Sent, never()),
    ] {
        cases.push((email(stored), email(file), Standing { email_status: kept, last_bounce_at, ..Standing::fine() }));
    }
    cases
}

#[tokio::test]
async fn an_import_tightens_and_never_loosens() {
    on_every_database(async |records: Records| {
        let first = store(&records);
        let second = PeopleStore::new(records.clone(), later());
        let (stored, (files, expected)): (Vec<_>, (Vec<_>, Vec<_>)) =
            cases().into_iter().map(|(stored, file, expected)| (stored, (file, expected))).unzip();
        let owners = (0..stored.len()).map(|n| NewUser::new(owner(n), "Ada", address("ada@example.com"))).collect();
        first.put_users(owners).await.expect("users are put");
        put_contacts(&first, owned(stored)).await;
        put_contacts(&second, owned(files)).await;
        let found = rows(&records, STANDING, &[]).await;
        assert_eq!(found.len(), expected.len());
        for ((row, expected), case) in found.iter().zip(expected).zip(0..) {
            assert_eq!(Standing::of(row), expected, "case {case}");
        }
    })
    .await;
}

fn owner(number: usize) -> String {
    format!("owner-{number:03}")
}

/// Each case is a contact of an owner of its own.
fn owned(contacts: Vec<NewContact>) -> Vec<NewContact> {
    contacts.into_iter().zip(0..).map(|(contact, n)| NewContact { owner: owner(n), ..contact }).collect()
}
