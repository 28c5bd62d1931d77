//! Who is invited, through the database: each rule with a user of its own.

use std::{collections::BTreeMap, sync::Arc};

use shared::{links::LinkKeys, records::Value};
use tests::{
    ask::{execute, number, numbers, texts},
    cycle::{plan, skips, through, waiting, worker},
    databases::TestDatabase,
    people::{add_contacts, add_user, add_user_with_contacts},
    runs::firing,
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    each_rule_skips_its_contact_and_no_other,
    the_days_since_the_last_invitation_are_counted_from_whatever_was_later,
    the_limit_takes_the_best_of_those_who_pass,
    nobody_invites_more_than_two_hundred,
    the_contacts_of_one_user_that_are_skipped_are_all_listed_however_many,
    a_suppressed_address_is_skipped_for_every_user,
    two_users_may_both_invite_one_address,
    every_letter_leads_back_to_its_invitation_and_contact,
    people_who_are_not_due_are_left_alone,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 7))
}

/// A user's and a contact's change, and what becomes of the contact: a reason, or none when it is invited.
const RULES: [(&str, &str, Option<&str>); 32] = [
    ("", "", None),
    ("", "opted_out = 1", Some("opted_out")),
    ("", "active = 0", Some("contact_inactive")),
    ("", "status = 'pending'", Some("status_not_active")),
    ("", "status = 'opted_out'", Some("status_not_active")),
    ("", "status = 'bounced'", Some("status_not_active")),
    ("", "status = 'blocked'", Some("status_not_active")),
    ("", "email_status = 'sent'", None),
    ("", "email_status = 'delivered'", None),
    ("", "email_status = 'bounced_temporary'", None),
    ("", "email_status = 'bounced_permanent'", Some("undeliverable")),
    ("", "email_status = 'complained'", Some("undeliverable")),
    ("", "email_status = 'unsubscribed'", Some("undeliverable")),
    ("", "bounce_count = 2", None),
    ("", "bounce_count = 3", Some("too_many_bounces")),
    ("include_tags = 'friend;family'", "tags = 'choir;family'", None),
    ("include_tags = 'friend;family'", "tags = 'choir'", Some("tag_not_included")),
    ("include_tags = 'friend;family'", "tags = ''", Some("tag_not_included")),
    ("include_tags = 'friend'", "tags = 'friends'", Some("tag_not_included")),
    ("exclude_tags = 'work'", "tags = 'friend'", None),
    ("exclude_tags = 'work;ex'", "tags = 'friend;work'", Some("tag_excluded")),
    ("include_tags = 'friend', exclude_tags = 'work'", "tags = 'friend;work'", Some("tag_excluded")),
    ("min_response_rate = 50", "response_rate = 50", None),
    ("min_response_rate = 50", "response_rate = 49.5", Some("low_response_rate")),
    ("min_response_rate = 50", "response_rate = -1", None),
    ("min_response_rate = 0", "response_rate = 0", None),
    ("min_days_between_invitations = 0", "last_sent_at = {scheduled}", None),
    ("min_days_between_invitations = 30", "last_sent_at = {30 days}", None),
    ("min_days_between_invitations = 30", "last_sent_at = {29 days}", Some("too_recent")),
    ("min_days_between_invitations = 30", "last_sent_at = {never}", None),
    // The first reason that holds is the one that is told.
    ("exclude_tags = 'work'", "tags = 'work', opted_out = 1, active = 0", Some("opted_out")),
    ("", "email_status = 'complained', bounce_count = 9", Some("undeliverable")),
];

/// Applies a rule's change to a row. Moments stand for parameters, because the databases write them differently.
async fn change(database: &TestDatabase, table: &'static str, id: i64, change: &'static str) {
    if change.is_empty() {
        return;
    }
    let mut values: Vec<Value<'static>> = Vec::new();
    let mut sql = format!("UPDATE {table} SET {change} WHERE id = ?");
    for (word, days) in [("{scheduled}", Some(0)), ("{30 days}", Some(30)), ("{29 days}", Some(29)), ("{never}", None)]
    {
        if sql.contains(word) {
            sql = sql.replace(word, "?");
            let moment = days.map(|days| firing().scheduled_at - chrono::TimeDelta::days(days));
            values.push(moment.unwrap_or(shared::records::never()).into());
        }
    }
    values.push(id.into());
    execute(database, sql, values).await;
}

async fn each_rule_skips_its_contact_and_no_other(database: &TestDatabase) {
    let mut expected = Vec::new();
    let mut invited = Vec::new();
    for (of_user, of_contact, reason) in RULES {
        let (user, contacts) = add_user_with_contacts(database, 1).await;
        change(database, "users", user, of_user).await;
        change(database, "contacts", contacts[0], of_contact).await;
        match reason {
            Some(reason) => expected.push((user, reason.to_owned(), 1, contacts[0].to_string())),
            None => invited.push(contacts[0]),
        }
    }
    let mailer = mailer();
    let (run, ledger) = through(database, firing(), &mailer).await;
    assert_eq!(skips(database, run).await, expected);
    assert_eq!(numbers(database, "SELECT contact_id FROM invitations ORDER BY contact_id", vec![]).await, invited);
    assert_eq!(mailer.addresses().len(), invited.len());
    assert_eq!((ledger.planned, ledger.sent), (RULES.len() as u64, invited.len() as u64));
    let mut by_reason = BTreeMap::new();
    for (_, reason, ..) in expected {
        *by_reason.entry(reason).or_default() += 1;
    }
    assert_eq!(ledger.skipped, by_reason);
}

/// Gives a contact an invitation of an earlier month.
async fn earlier_invitation(database: &TestDatabase, user: i64, contact: i64, month: i64, state: i64, days_ago: i64) {
    let at = firing().scheduled_at - chrono::TimeDelta::days(days_ago);
    let sent_at = if state == 2 { at } else { shared::records::never() };
    let sql = "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, send_state, sent_at, expires_at) \
               VALUES (?, ?, ?, ?, '', ?, ?, ?, {now})";
    let values: Vec<Value<'static>> = vec![
        (999 * 65_536 + contact).into(),
        month.into(),
        user.into(),
        contact.into(),
        Value::Bytes(vec![1; 32].into()),
        state.into(),
        sent_at.into(),
    ];
    execute(database, sql, values).await;
    let sql = "INSERT INTO cycle_members (month, user_id, batch_id, joined_at) VALUES (?, ?, 999, ?) {or ignore month}";
    execute(database, sql, vec![month.into(), user.into(), at.into()]).await;
}

async fn the_days_since_the_last_invitation_are_counted_from_whatever_was_later(database: &TestDatabase) {
    let user = add_user(database).await;
    change(database, "users", user, "min_days_between_invitations = 30").await;
    let contacts = add_contacts(database, user, 7).await;
    // Long ago, just now, in doubt just now, failed just now, before the imported one, and cancelled.
    earlier_invitation(database, user, contacts[0], 202_609, 2, 60).await;
    earlier_invitation(database, user, contacts[1], 202_610, 2, 29).await;
    earlier_invitation(database, user, contacts[2], 202_610, 4, 29).await;
    earlier_invitation(database, user, contacts[3], 202_610, 3, 29).await;
    earlier_invitation(database, user, contacts[4], 202_609, 2, 60).await;
    change(database, "contacts", contacts[4], "last_sent_at = {29 days}").await;
    earlier_invitation(database, user, contacts[5], 202_610, 5, 29).await;
    let mailer = mailer();
    let (run, ledger) = through(database, firing(), &mailer).await;
    let recent = format!("{},{},{}", contacts[1], contacts[2], contacts[4]);
    assert_eq!(skips(database, run).await, [(user, "too_recent".to_owned(), 3, recent)]);
    assert_eq!((ledger.planned, ledger.sent), (7, 4));
}

async fn the_limit_takes_the_best_of_those_who_pass(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 7).await;
    change(database, "users", user, "max_contacts_per_cycle = 4, exclude_tags = 'work'").await;
    for (contact, of_contact) in contacts.iter().zip([
        "response_rate = 100, tags = 'work'",
        "response_rate = -1",
        "response_rate = 20",
        "response_rate = 90",
        "response_rate = 20",
        "response_rate = -1",
        "response_rate = 0",
    ]) {
        change(database, "contacts", *contact, of_contact).await;
    }
    let (run, ledger) = through(database, firing(), &mailer()).await;
    let invited = numbers(database, "SELECT contact_id FROM invitations ORDER BY id", vec![]).await;
    assert_eq!(invited, [contacts[3], contacts[2], contacts[4], contacts[6]]);
    let over = format!("{},{}", contacts[1], contacts[5]);
    let expected =
        [(user, "over_limit".to_owned(), 2, over), (user, "tag_excluded".to_owned(), 1, contacts[0].to_string())];
    assert_eq!(skips(database, run).await, expected);
    assert_eq!((ledger.planned, ledger.sent), (7, 4));
    assert_eq!(numbers(database, "SELECT priority FROM invitations ORDER BY id", vec![]).await, [1, 0, 0, 0]);
}

async fn nobody_invites_more_than_two_hundred(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 205).await;
    change(database, "users", user, "max_contacts_per_cycle = 1000").await;
    let (run, ledger) = through(database, firing(), &mailer()).await;
    assert_eq!((ledger.sent, ledger.skipped["over_limit"]), (200, 5));
    let last: Vec<_> = contacts[200..].iter().map(i64::to_string).collect();
    assert_eq!(skips(database, run).await, [(user, "over_limit".to_owned(), 5, last.join(","))]);
}

async fn the_contacts_of_one_user_that_are_skipped_are_all_listed_however_many(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 12_000).await;
    execute(database, "UPDATE contacts SET opted_out = 1", vec![]).await;
    let (run, ledger) = through(database, firing(), &mailer()).await;
    assert_eq!((ledger.sent, ledger.skipped["opted_out"]), (0, 12_000));
    let ids: Vec<_> = contacts.iter().map(i64::to_string).collect();
    assert_eq!(skips(database, run).await, [(user, "opted_out".to_owned(), 12_000, ids.join(","))]);
}

async fn a_suppressed_address_is_skipped_for_every_user(database: &TestDatabase) {
    let mut expected = Vec::new();
    for _ in 0..2 {
        let (user, contacts) = add_user_with_contacts(database, 2).await;
        change(database, "contacts", contacts[1], "email = 'nobody@example.org'").await;
        expected.push((user, "suppressed".to_owned(), 1, contacts[1].to_string()));
    }
    let sql =
        "INSERT INTO suppressions (email, reason, suppressed_at) VALUES ('nobody@example.org', 'complained', {now})";
    execute(database, sql, vec![]).await;
    let mailer = mailer();
    let (run, _) = through(database, firing(), &mailer).await;
    assert_eq!(skips(database, run).await, expected);
    assert!(!mailer.addresses().contains(&"nobody@example.org".to_owned()));
}

async fn two_users_may_both_invite_one_address(database: &TestDatabase) {
    for _ in 0..2 {
        let (_, contacts) = add_user_with_contacts(database, 1).await;
        change(database, "contacts", contacts[0], "email = 'friend@example.org'").await;
    }
    let mailer = mailer();
    let (_, ledger) = through(database, firing(), &mailer).await;
    assert_eq!((ledger.sent, mailer.addresses()), (2, vec!["friend@example.org".to_owned(); 2]));
}

async fn every_letter_leads_back_to_its_invitation_and_contact(database: &TestDatabase) {
    for _ in 0..3 {
        add_user_with_contacts(database, 5).await;
    }
    let mailer = mailer();
    through(database, firing(), &mailer).await;
    let keys = LinkKeys::of(database).await.expect("keys");
    for letter in mailer.asked().into_iter().flat_map(|call| call.letters) {
        let id: i64 = letter.message.parse().expect("the invitation's id");
        let sql = "SELECT contact_id FROM invitations WHERE id = ? AND to_email = ?";
        let contact = number(database, sql, vec![id.into(), letter.to.as_str().to_owned().into()]).await;
        let (_, unsubscribe) = letter.unsubscribe_url().rsplit_once('/').expect("a URL");
        assert_eq!(keys.read_unsubscribe(unsubscribe), Ok(contact));
    }
    let attempts = mailer.asked().into_iter().map(|call| call.attempt);
    assert_eq!(attempts.collect::<std::collections::BTreeSet<_>>().len(), mailer.asked().len(), "attempts are unique");
}

async fn people_who_are_not_due_are_left_alone(database: &TestDatabase) {
    for of_user in ["send_day = 6", "active = 0"] {
        let (user, _) = add_user_with_contacts(database, 2).await;
        change(database, "users", user, of_user).await;
    }
    let (run, messages) = plan(database, firing(), 4).await;
    assert!(messages.is_empty() && waiting(database, run).await.is_empty());
    worker(database, &[&mailer()]).await;
    assert_eq!(texts(database, "SELECT to_email FROM invitations", vec![]).await, [""; 0]);
}
