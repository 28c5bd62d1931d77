//! One invitation per contact and month, whatever else happens to users, contacts and runs.

use std::sync::Arc;

use chrono::TimeDelta;
use shared::{firing::Firing, records::Value, sqs::Outcome};
use tests::{
    ask::{execute, number},
    cycle::{handle, ledger_of_completed, plan, skips, through, worker},
    databases::TestDatabase,
    people::{add_contacts, add_user_with_contacts},
    runs::firing,
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    a_contact_invited_this_month_by_another_way_is_not_invited_again,
    a_user_in_two_runs_of_one_month_is_taken_by_one,
    two_runs_of_one_month_worked_at_once_invite_nobody_twice,
    the_next_month_is_a_cycle_of_its_own,
    a_contact_deleted_after_the_plan_is_gone,
    a_user_switched_off_after_the_plan_invites_nobody,
    a_user_deleted_after_the_plan_is_gone_with_every_contact,
    a_contact_added_after_the_opening_is_left_for_the_next_cycle,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 3))
}

/// The firing of the evening after.
fn next_day() -> Firing {
    Firing { scheduled_at: firing().scheduled_at + TimeDelta::days(1), ..firing() }
}

async fn a_contact_invited_this_month_by_another_way_is_not_invited_again(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 4).await;
    let (other, _) = add_user_with_contacts(database, 2).await;
    let sql = "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, send_state, expires_at) \
               VALUES (1, 202611, ?, ?, '', ?, 2, {now})";
    let token = Value::Bytes(vec![1; 32].into());
    execute(database, sql, vec![user.into(), contacts[1].into(), token]).await;
    let mailer = mailer();
    let (run, ledger) = through(database, firing(), &mailer).await;
    assert_eq!(skips(database, run).await, [(user, "already_invited".to_owned(), 1, contacts[1].to_string())]);
    assert_eq!((ledger.planned, ledger.sent, mailer.addresses().len()), (6, 5, 5), "the user {other} is unharmed");
}

async fn a_user_in_two_runs_of_one_month_is_taken_by_one(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 3).await;
    let (first, of_first) = plan(database, firing(), 10).await;
    let (second, of_second) = plan(database, next_day(), 10).await;
    assert_ne!(first, second);
    let mailer = mailer();
    let worker = worker(database, &[&mailer]).await;
    for message in of_first.into_iter().chain(of_second) {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    assert_eq!(ledger_of_completed(database, first).await.sent, 3);
    let ledger = ledger_of_completed(database, second).await;
    assert_eq!((ledger.sent, ledger.skipped["already_in_cycle"]), (0, 3));
    let ids: Vec<_> = contacts.iter().map(i64::to_string).collect();
    assert_eq!(skips(database, second).await, [(user, "already_in_cycle".to_owned(), 3, ids.join(","))]);
    assert_eq!(mailer.addresses().len(), 3);
}

async fn two_runs_of_one_month_worked_at_once_invite_nobody_twice(database: &TestDatabase) {
    for _ in 0..10 {
        add_user_with_contacts(database, 3).await;
    }
    let (first, of_first) = plan(database, firing(), 3).await;
    let (second, of_second) = plan(database, next_day(), 4).await;
    let mailer = mailer();
    let worker = Arc::new(worker(database, &[&mailer]).await);
    let work = |message| {
        let worker = worker.clone();
        tokio::spawn(async move { handle(&worker, message).await })
    };
    let tasks: Vec<_> = of_first.into_iter().chain(of_second).map(work).collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic"), Outcome::Done);
    }
    let mut addresses = mailer.addresses();
    assert_eq!(addresses.len(), 30);
    addresses.dedup();
    assert_eq!(addresses.len(), 30);
    let sent = [ledger_of_completed(database, first).await.sent, ledger_of_completed(database, second).await.sent];
    assert_eq!(sent.iter().sum::<u64>(), 30, "{sent:?}");
}

async fn the_next_month_is_a_cycle_of_its_own(database: &TestDatabase) {
    add_user_with_contacts(database, 3).await;
    let mailer = mailer();
    through(database, firing(), &mailer).await;
    let december = Firing { scheduled_at: firing().scheduled_at + TimeDelta::days(30), ..firing() };
    let (_, ledger) = through(database, december, &mailer).await;
    assert_eq!((ledger.sent, mailer.addresses().len()), (3, 6));
    let (_, ledger) = through(database, next_day(), &mailer).await;
    assert_eq!(ledger.planned, 0, "a second firing of the month finds its users in the cycle");
}

async fn a_contact_deleted_after_the_plan_is_gone(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 4).await;
    let (run, messages) = plan(database, firing(), 10).await;
    execute(database, "DELETE FROM contacts WHERE id = ?", vec![contacts[2].into()]).await;
    let mailer = mailer();
    assert_eq!(handle(&worker(database, &[&mailer]).await, messages[0]).await, Outcome::Done);
    assert_eq!(skips(database, run).await, [(user, "gone".to_owned(), 1, String::new())]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.planned, ledger.sent), (4, 3));
}

async fn a_user_switched_off_after_the_plan_invites_nobody(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 2).await;
    let (run, messages) = plan(database, firing(), 10).await;
    execute(database, "UPDATE users SET active = 0 WHERE id = ?", vec![user.into()]).await;
    let mailer = mailer();
    assert_eq!(handle(&worker(database, &[&mailer]).await, messages[0]).await, Outcome::Done);
    let ids = format!("{},{}", contacts[0], contacts[1]);
    assert_eq!(skips(database, run).await, [(user, "user_inactive".to_owned(), 2, ids)]);
    assert_eq!(ledger_of_completed(database, run).await.skipped_total(), 2);
    assert_eq!(number(database, "SELECT COUNT(*) FROM cycle_members", vec![]).await, 0, "the user may come back");
}

async fn a_user_deleted_after_the_plan_is_gone_with_every_contact(database: &TestDatabase) {
    let (user, _) = add_user_with_contacts(database, 2).await;
    let (run, messages) = plan(database, firing(), 10).await;
    execute(database, "DELETE FROM users WHERE id = ?", vec![user.into()]).await;
    let mailer = mailer();
    assert_eq!(handle(&worker(database, &[&mailer]).await, messages[0]).await, Outcome::Done);
    assert_eq!(ledger_of_completed(database, run).await.skipped["gone"], 2);
    assert!(mailer.asked().is_empty());
}

async fn a_contact_added_after_the_opening_is_left_for_the_next_cycle(database: &TestDatabase) {
    let (user, _) = add_user_with_contacts(database, 2).await;
    let (run, messages) = plan(database, firing(), 10).await;
    add_contacts(database, user, 2).await;
    let mailer = mailer();
    assert_eq!(handle(&worker(database, &[&mailer]).await, messages[0]).await, Outcome::Done);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.planned, ledger.sent, mailer.addresses().len()), (2, 2, 2));
}
