//! Adding, repeating, repeated lines, unknown owners, order.

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;
use shared::{
    email_address::EmailAddress,
    people::{EmailTemplate, Locale},
    records::Records,
};

use super::databases::{number, on_every_database, rows};
use crate::people::{CHUNK, NewContact, NewUser, PeopleStore, Tags, Written};

pub(super) fn seen_at() -> DateTime<Utc> {
    "2026-10-20T08:30:00.123456Z".parse().expect("a time")
}

pub(super) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn user(number: usize) -> NewUser {
    NewUser::new(format!("u{number}"), format!("User {number}"), address(&format!("u{number}@example.org")))
}

fn contact(owner: usize, number: usize) -> NewContact {
    NewContact::new(format!("u{owner}"), address(&format!("c{number}@example.org")))
}

pub(super) fn store(records: &Records) -> PeopleStore {
    PeopleStore::new(records.clone(), seen_at())
}

async fn put_users(store: &PeopleStore, users: Vec<NewUser>) -> Written {
    store.put_users(users).await.expect("users are put")
}

pub(super) async fn put_contacts(store: &PeopleStore, contacts: Vec<NewContact>) -> Written {
    store.put_contacts(contacts).await.expect("contacts are put")
}

#[tokio::test]
async fn the_same_people_again_change_nothing_whenever_they_come() {
    on_every_database(async |records: Records| {
        let users: Vec<NewUser> = (0..CHUNK + 90)
            .map(|n| NewUser {
                locale: Locale::English,
                timezone: (n % 2 == 0).then_some(Tz::America__New_York),
                email_template: EmailTemplate::Fun,
                custom_message: "« à bientôt » <3 & \"merci\"\n🎈".to_owned(),
                max_contacts_per_cycle: Some(7),
                include_tags: Tags::join(["ami", "famille"]).expect("short"),
                min_response_rate: Some(12.3),
                min_days_between_invitations: Some(30),
                active: n % 3 > 0,
                ..user(n)
            })
            .collect();
        let contacts: Vec<NewContact> = (0..2 * CHUNK + 77)
            .map(|n| NewContact {
                first_name: "Zoë 小明".to_owned(),
                tags: Tags::join(["ami", "travail"]).expect("short"),
                bounce_count: u32::try_from(n % 3).expect("small"),
                opted_out: n % 5 == 0,
                response_rate: Some(33.3),
                last_sent_at: Some("2026-09-05T16:00:00.123456789Z".parse().expect("a time")),
                ..contact(n % 40, n)
            })
            .collect();
        let all = |written: &Written| (written.inserted, written.changed, written.unchanged, written.repeated);
        let now = store(&records);
        let (first, second) = (users.len() as u64, contacts.len() as u64);
        assert_eq!(all(&put_users(&now, users.clone()).await), (first, 0, 0, 0));
        assert_eq!(all(&put_contacts(&now, contacts.clone()).await), (second, 0, 0, 0));
        let later = PeopleStore::new(records.clone(), seen_at() + Days::new(9));
        assert_eq!(all(&put_users(&later, users).await), (0, 0, first, 0));
        assert_eq!(all(&put_contacts(&later, contacts).await), (0, 0, second, 0));
        assert_eq!(number(&records, "SELECT COUNT(*) FROM users").await, i64::try_from(first).expect("small"));
        assert_eq!(number(&records, "SELECT COUNT(*) FROM contacts").await, i64::try_from(second).expect("small"));
    })
    .await;
}

#[tokio::test]
async fn a_users_settings_take_the_new_value_and_the_id_stays() {
    on_every_database(async |records: Records| {
        let store = store(&records);
        put_users(&store, vec![user(1), user(2)]).await;
        let ids = "SELECT id FROM users WHERE external_id = 'u2'";
        let before = number(&records, ids).await;
        let changed =
            NewUser { active: false, send_day: 17, timezone: Some(Tz::Asia__Tokyo), first_reminder: false, ..user(2) };
        let written = put_users(&store, vec![user(1), changed, user(3)]).await;
        assert_eq!((written.inserted, written.changed, written.unchanged), (1, 1, 1));
        let row = &rows(
            &records,
            "SELECT active, send_day, timezone, first_reminder FROM users WHERE external_id = ?",
            &["u2"],
        )
        .await[0];
        assert_eq!((row.int(0).ok(), row.int(1).ok(), row.int(3).ok()), (Some(0), Some(17), Some(0)));
        assert_eq!(row.text(2).expect("a text"), "Asia/Tokyo");
        assert_eq!(number(&records, ids).await, before);
    })
    .await;
}

#[tokio::test]
async fn whoever_comes_twice_in_a_chunk_is_one_and_is_tightened_by_both() {
    on_every_database(async |records: Records| {
        let store = store(&records);
        let written = put_users(&store, vec![user(1), user(2), NewUser { send_day: 9, ..user(1) }]).await;
        assert_eq!((written.inserted, written.repeated), (2, 1));
        assert_eq!(number(&records, "SELECT send_day FROM users WHERE external_id = 'u1'").await, 9);
        let lines = || {
            vec![
                NewContact { opted_out: true, first_name: "Ada".to_owned(), ..contact(1, 1) },
                contact(2, 1),
                NewContact { bounce_count: 3, first_name: "Grace".to_owned(), ..contact(1, 1) },
            ]
        };
        for (inserted, unchanged) in [(2, 0), (0, 2)] {
            let written = put_contacts(&store, lines()).await;
            let expected = Written { inserted, unchanged, repeated: 1, ..Written::default() };
            assert_eq!(written, expected);
        }
        let row = &rows(&records, "SELECT first_name, opted_out, bounce_count FROM contacts ORDER BY id", &[]).await[0];
        assert_eq!(row.text(0).expect("a name"), "Grace");
        assert_eq!((row.int(1).ok(), row.int(2).ok()), (Some(1), Some(3)));
    })
    .await;
}

#[tokio::test]
async fn a_contact_of_nobody_is_named_by_its_place_and_the_others_are_taken() {
    on_every_database(async |records: Records| {
        let store = store(&records);
        put_users(&store, vec![user(0)]).await;
        let owner = |n: usize| if n.is_multiple_of(300) { 99 } else { 0 };
        let written = put_contacts(&store, (0..CHUNK + 200).map(|n| contact(owner(n), n)).collect()).await;
        let unknown: Vec<usize> = (0..CHUNK + 200).step_by(300).collect();
        assert_eq!(written.inserted, (CHUNK + 200 - unknown.len()) as u64);
        assert_eq!(written.unknown_owners, unknown);
    })
    .await;
}

#[tokio::test]
async fn ids_grow_in_the_order_in_which_people_came() {
    on_every_database(async |records: Records| {
        let store = store(&records);
        put_users(&store, (0..10).map(user).collect()).await;
        put_contacts(&store, (0..50).map(|n| contact(7 * n % 10, 7 * n)).collect()).await;
        // Some known, some new, in an order that is neither that of owners nor that of addresses.
        let order: Vec<usize> = (0..CHUNK + 300).map(|n| (n * 389) % 10_007).collect();
        put_contacts(&store, order.iter().map(|&n| contact(n % 10, n)).collect()).await;
        let stored = rows(&records, "SELECT email FROM contacts ORDER BY id", &[]).await;
        let stored: Vec<String> = stored.iter().map(|row| row.text(0).expect("an address")).collect();
        let known: Vec<usize> = (0..50).map(|n| 7 * n).collect();
        let new = order.iter().filter(|&n| !known.contains(n));
        let expected: Vec<String> = known.iter().chain(new).map(|n| format!("c{n}@example.org")).collect();
        assert_eq!(stored, expected);
    })
    .await;
}

#[tokio::test]
async fn two_imports_at_once_both_succeed_and_both_tighten() {
    on_every_database(async |records: Records| {
        let store = store(&records);
        put_users(&store, (0..10).map(user).collect()).await;
        let opted_out = (0..1_000).map(|n| NewContact { opted_out: true, ..contact(n % 10, n) }).collect();
        let bounced = (0..1_000).rev().map(|n| NewContact { bounce_count: 4, ..contact(n % 10, n) }).collect();
        tokio::join!(put_contacts(&store, opted_out), put_contacts(&store, bounced));
        let both = "SELECT COUNT(*) FROM contacts WHERE opted_out = 1 AND bounce_count = 4";
        assert_eq!(number(&records, both).await, 1_000);
    })
    .await;
}

#[tokio::test]
async fn the_suppression_list_keeps_the_first_reason_and_no_import_touches_it() {
    on_every_database(async |records: Records| {
        let store = store(&records);
        put_users(&store, vec![user(1)]).await;
        store.suppress(vec![address("c1@example.org")], "complaint").await.expect("suppressed");
        store.suppress(vec![address("c1@example.org"), address("c2@example.org")], "demo").await.expect("suppressed");
        put_contacts(&store, vec![contact(1, 1), contact(1, 2)]).await;
        let listed = rows(&records, "SELECT reason FROM suppressions ORDER BY email", &[]).await;
        let listed: Vec<String> = listed.iter().map(|row| row.text(0).expect("a reason")).collect();
        assert_eq!(listed, ["complaint", "demo"]);
    })
    .await;
}
