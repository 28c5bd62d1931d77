//! Who is reminded, through the database: each rule with a user of its own.

use std::{collections::BTreeMap, sync::Arc};

use tests::{
    ask::{execute, numbers},
    cycle::{self, handle, ledger_of_completed, skips},
    databases::TestDatabase,
    people::add_user_with_contacts,
    reminding::{after, plan, through, worker},
    runs,
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    each_rule_skips_its_reminder_and_no_other,
    a_first_that_was_switched_off_counts_as_handled,
    what_is_gone_after_the_plan_is_counted,
    only_letters_that_were_accepted_are_reminded_of,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 7))
}

/// What has changed of a user, a contact and an invitation on the third day, and what becomes of the reminder.
const RULES: [(&str, &str, &str, Option<&str>); 20] = [
    ("", "", "", None),
    ("", "", "status = 2", None),
    ("", "", "status = 3", None),
    ("", "", "status = 4", Some("submitted")),
    ("", "", "status = 5", Some("expired")),
    ("", "", "status = 6", Some("bounced")),
    ("", "", "status = 7", Some("invitation_cancelled")),
    ("active = 0", "", "", Some("user_inactive")),
    ("first_reminder = 0", "", "", Some("switched_off")),
    ("second_reminder = 0", "", "", None),
    ("reminder_channel = 'sms'", "", "", Some("channel_unavailable")),
    ("reminder_channel = 'push'", "", "", Some("channel_unavailable")),
    ("", "opted_out = 1", "", Some("opted_out")),
    ("", "active = 0", "", Some("contact_inactive")),
    ("", "status = 'blocked'", "", Some("status_not_active")),
    ("", "email_status = 'complained'", "", Some("undeliverable")),
    ("", "bounce_count = 3", "", Some("too_many_bounces")),
    // A user's wishes about invitations have had their say.
    ("exclude_tags = 'work', min_response_rate = 90", "tags = 'work', response_rate = 1", "", None),
    // The first reason that holds is the one that is told.
    ("first_reminder = 0", "opted_out = 1", "status = 4", Some("submitted")),
    ("first_reminder = 0, reminder_channel = 'sms'", "", "", Some("switched_off")),
];

async fn change(database: &TestDatabase, table: &str, key: &str, id: i64, change: &str) {
    if !change.is_empty() {
        execute(database, format!("UPDATE {table} SET {change} WHERE {key} = ?"), vec![id.into()]).await;
    }
}

async fn each_rule_skips_its_reminder_and_no_other(database: &TestDatabase) {
    let mut people = Vec::new();
    for _ in RULES {
        people.push(add_user_with_contacts(database, 1).await);
    }
    cycle::through(database, runs::firing(), &mailer()).await;
    let (mut expected, mut reminded) = (Vec::new(), Vec::new());
    for ((user, contacts), (of_user, of_contact, of_invitation, reason)) in people.into_iter().zip(RULES) {
        change(database, "users", "id", user, of_user).await;
        change(database, "contacts", "id", contacts[0], of_contact).await;
        change(database, "invitations", "contact_id", contacts[0], of_invitation).await;
        match reason {
            Some(reason) => expected.push((user, reason.to_owned(), 1, contacts[0].to_string())),
            None => reminded.push(contacts[0]),
        }
    }
    let (suppressed, gone) = (reminded[0], reminded[1]);
    let sql = "INSERT INTO suppressions (email, reason, suppressed_at) \
               SELECT email, 'test', {now} FROM contacts WHERE id = ?";
    execute(database, sql, vec![suppressed.into()]).await;
    execute(database, "DELETE FROM contacts WHERE id = ?", vec![gone.into()]).await;
    let mailer = mailer();
    let (run, ledger) = through(database, after(3, 0), &mailer).await;

    let sql = "SELECT i.contact_id FROM reminders r JOIN invitations i ON i.id = r.invitation_id ORDER BY i.contact_id";
    assert_eq!(numbers(database, sql, vec![]).await, reminded[2..]);
    let mut skipped = skips(database, run).await;
    skipped.retain(|(.., ids)| ![suppressed, gone].map(|id| id.to_string()).contains(ids));
    assert_eq!(skipped, expected);
    let mut by_reason = BTreeMap::from([("suppressed".to_owned(), 1), ("gone".to_owned(), 1)]);
    for (_, reason, ..) in expected {
        *by_reason.entry(reason).or_default() += 1;
    }
    assert_eq!((ledger.planned, ledger.skipped), (RULES.len() as u64, by_reason));
}

async fn a_first_that_was_switched_off_counts_as_handled(database: &TestDatabase) {
    let (user, _) = add_user_with_contacts(database, 2).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    execute(database, "UPDATE users SET first_reminder = 0 WHERE id = ?", vec![user.into()]).await;
    let mailer = mailer();
    let (_, ledger) = through(database, after(3, 0), &mailer).await;
    assert_eq!((ledger.sent, ledger.skipped["switched_off"]), (0, 2));
    let (_, ledger) = through(database, after(7, 0), &mailer).await;
    assert_eq!((ledger.planned, ledger.sent), (2, 2));
}

async fn what_is_gone_after_the_plan_is_counted(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 3).await;
    let (other, _) = add_user_with_contacts(database, 2).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    let (run, messages) = plan(database, after(3, 0)).await;
    execute(database, "DELETE FROM invitations WHERE contact_id = ?", vec![contacts[0].into()]).await;
    execute(database, "DELETE FROM users WHERE id = ?", vec![other.into()]).await;
    let mailer = mailer();
    let worker = worker(database, &mailer, after(3, 0)).await;
    for message in messages {
        handle(&worker, message).await;
    }
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.skipped["gone"]), (5, 2, 3), "the user {user} is unharmed");
}

async fn only_letters_that_were_accepted_are_reminded_of(database: &TestDatabase) {
    let (user, _) = add_user_with_contacts(database, 6).await;
    let to = |n: usize| format!("contact{n}@of{user}.example");
    let first = ScriptedMailer::new("scripted", 6)
        .answering(&to(1), [tests::attempts::refused_for_good()])
        .answering(&to(3), [tests::attempts::unknown()]);
    let (_, ledger) = cycle::through(database, runs::firing(), &Arc::new(first)).await;
    assert_eq!((ledger.sent, ledger.failed, ledger.in_doubt), (4, 1, 1));
    let mailer = mailer();
    let (_, ledger) = through(database, after(3, 0), &mailer).await;
    assert_eq!((ledger.planned, ledger.sent), (4, 4));
    assert_eq!(mailer.addresses(), [to(0), to(2), to(4), to(5)]);
}
