//! The people of demonstrations and measurements.

use std::collections::BTreeSet;

use shared::records::Records;

use super::{
    databases::{number, on_every_database},
    import::{seen_at, store},
};
use crate::people::{
    bench::{self, Bench, Letters},
    demo::{Demo, Progress, make_up},
};

fn demo() -> Demo {
    Demo { users: 200, contacts_per_user: 20, cycle_at: seen_at() }
}

/// Each is a question whose answer is how many there are of an awkward case.
const AWKWARD: &[&str] = &[
    "SELECT COUNT(*) FROM contacts WHERE opted_out = 1",
    "SELECT COUNT(*) FROM contacts WHERE status = 'pending'",
    "SELECT COUNT(*) FROM contacts WHERE status = 'blocked'",
    "SELECT COUNT(*) FROM contacts WHERE active = 0",
    "SELECT COUNT(*) FROM contacts WHERE email_status = 'bounced_permanent'",
    "SELECT COUNT(*) FROM contacts WHERE email_status = 'bounced_temporary' AND bounce_count < 3",
    "SELECT COUNT(*) FROM contacts WHERE bounce_count >= 3",
    "SELECT COUNT(*) FROM contacts WHERE email_status = 'complained'",
    "SELECT COUNT(*) FROM contacts WHERE email_status = 'unsubscribed'",
    "SELECT COUNT(*) FROM contacts c JOIN suppressions s ON s.email = c.email",
    "SELECT COUNT(*) FROM contacts a JOIN contacts b ON b.email = a.email AND b.user_id > a.user_id",
    "SELECT COUNT(*) FROM contacts c JOIN users u ON u.email = c.email",
    "SELECT COUNT(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.user_id = u.id)",
    "SELECT COUNT(*) FROM users u WHERE (SELECT COUNT(*) FROM contacts c WHERE c.user_id = u.id) > 200",
    "SELECT COUNT(*) FROM contacts WHERE response_rate > 80",
    "SELECT COUNT(*) FROM contacts WHERE response_rate < 0",
    "SELECT COUNT(*) FROM contacts c JOIN users u ON u.id = c.user_id WHERE u.include_tags = 'friend;family' \
     AND c.tags LIKE '%family%'",
    "SELECT COUNT(*) FROM users WHERE exclude_tags <> ''",
    "SELECT COUNT(*) FROM users WHERE min_response_rate > 0",
    "SELECT COUNT(*) FROM users WHERE min_days_between_invitations > 0",
    "SELECT COUNT(*) FROM users WHERE max_contacts_per_cycle > 0",
    "SELECT COUNT(*) FROM users WHERE active = 0",
    "SELECT COUNT(*) FROM users WHERE send_day = 17",
    "SELECT COUNT(*) FROM users WHERE locale = 'en' AND email_template = 'fun'",
    "SELECT COUNT(*) FROM users WHERE custom_message LIKE '%<3 &%'",
    "SELECT COUNT(*) FROM users WHERE timezone <> ''",
    "SELECT COUNT(*) FROM contacts WHERE first_name LIKE '%👩‍🚀%' OR last_name = '王'",
];

#[tokio::test]
async fn a_small_demo_has_every_awkward_case_and_the_same_people_again() {
    on_every_database(async |records: Records| {
        let store = store(&records);
        let mut last = Progress::default();
        let first = make_up(&store, demo(), |progress| last = progress).await.expect("made up");
        assert_eq!((first.users.inserted, last.users), (200, 200));
        assert_eq!(first.contacts.inserted, last.contacts);
        assert_eq!((first.contacts.repeated, first.contacts.unknown_owners.len()), (0, 0));
        for question in AWKWARD {
            assert!(number(&records, question).await > 0, "{question}");
        }
        let again = make_up(&store, demo(), |_| ()).await.expect("made up");
        assert_eq!((again.users.unchanged, again.contacts.unchanged), (200, last.contacts));
    })
    .await;
}

#[tokio::test]
async fn both_databases_get_the_same_demo() {
    let seen = std::sync::Mutex::new(BTreeSet::new());
    on_every_database(async |records: Records| {
        let made = make_up(&store(&records), demo(), |_| ()).await.expect("made up");
        let opted_out = number(&records, "SELECT COUNT(*) FROM contacts WHERE opted_out = 1").await;
        let ids = number(&records, "SELECT MAX(id) FROM contacts WHERE bounce_count > 0").await;
        seen.lock().expect("no panic").insert((made.contacts.inserted, made.suppressed, opted_out, ids));
    })
    .await;
    assert_eq!(seen.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn bench_people_are_all_invited_and_may_be_added_to() {
    on_every_database(async |records: Records| {
        let bench = Bench { users: 700, contacts_per_user: 13, letters: Letters::Default };
        let mut told = 0;
        bench::add(&records, bench, |contacts| told = contacts).await.expect("added");
        assert_eq!(told, 9_100);
        let more = Bench { users: 100, letters: Letters::Mixed, ..bench };
        bench::add(&records, more, |_| ()).await.expect("added");
        let invited = "SELECT COUNT(*) FROM contacts c JOIN users u ON u.id = c.user_id WHERE u.active = 1 \
                       AND c.active = 1 AND c.opted_out = 0 AND c.status = 'active' AND c.email_status = 'active' \
                       AND c.bounce_count = 0";
        assert_eq!(number(&records, invited).await, 800 * 13);
        assert_eq!(number(&records, "SELECT COUNT(*) FROM users WHERE locale = 'en'").await, 20);
        assert_eq!(number(&records, "SELECT COUNT(*) FROM users WHERE email_template = 'fun'").await, 5);
    })
    .await;
}
