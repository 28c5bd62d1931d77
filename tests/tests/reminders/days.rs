//! The third and the seventh day: what is sent, and what an outage does to it.

use std::{sync::Arc, time::Duration};

use invitation_worker::InvitationWorker;
use shared::{
    links::LinkKeys,
    reminders::ReminderDays,
    run::{batch::BatchMessage, ledger::Ledger},
    sqs::{Deadline, Outcome, RecordHandler as _},
};
use tests::{
    ask::{execute, number, numbers, texts},
    attempts::refused_for_good,
    cycle::{self, handle, ledger_of_completed, skips},
    databases::TestDatabase,
    people::add_user_with_contacts,
    reminding::{after, plan, through, through_after, worker},
    runs,
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    a_first_reminder_goes_out_on_the_third_day_and_a_second_on_the_seventh,
    every_reminder_leads_back_to_its_invitation_and_is_a_message_of_its_own,
    an_hour_that_was_missed_is_made_good_by_the_next,
    after_an_outage_over_both_days_only_the_second_goes_out,
    fewer_days_leave_out_nobody_who_was_invited_in_between,
    more_days_have_nobody_looked_at_twice,
    a_second_waits_three_days_after_a_late_first,
    who_has_waited_is_reminded_though_another_came_due_after_the_plan,
    a_first_that_waits_too_long_in_a_paused_run_is_superseded_and_the_second_is_sent,
    a_first_that_is_prepared_and_not_sent_holds_the_second_back_for_an_hour,
    who_answers_between_two_reminders_gets_no_second,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 3))
}

/// A cycle in which so many contacts of one user were invited.
async fn invite(database: &TestDatabase, contacts: usize) -> (i64, Vec<i64>) {
    let people = add_user_with_contacts(database, contacts).await;
    let (_, ledger) = cycle::through(database, runs::firing(), &mailer()).await;
    assert_eq!(ledger.sent, contacts as u64);
    people
}

fn sides(ledger: &Ledger) -> (u64, u64, u64) {
    (ledger.planned, ledger.sent, ledger.skipped_total())
}

async fn a_first_reminder_goes_out_on_the_third_day_and_a_second_on_the_seventh(database: &TestDatabase) {
    invite(database, 5).await;
    let mailer = mailer();
    for (days, hours, expected) in
        [(0, 1, 0), (2, 23, 0), (3, 0, 5), (3, 1, 0), (6, 23, 0), (7, 0, 5), (7, 1, 0), (30, 0, 0)]
    {
        let (_, ledger) = through(database, after(days, hours), &mailer).await;
        assert_eq!(sides(&ledger), (expected, expected, 0), "day {days}, hour {hours}");
    }
    let kinds = numbers(database, "SELECT kind FROM reminders WHERE send_state = 2 ORDER BY kind", vec![]).await;
    assert_eq!(kinds, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
}

async fn every_reminder_leads_back_to_its_invitation_and_is_a_message_of_its_own(database: &TestDatabase) {
    let (_, contacts) = invite(database, 2).await;
    let keys = LinkKeys::of(database).await.expect("keys");
    for (day, suffix) in [(3, "first"), (7, "second")] {
        let mailer = mailer();
        through(database, after(day, 0), &mailer).await;
        let letters: Vec<_> = mailer.asked().into_iter().flat_map(|call| call.letters).collect();
        assert_eq!(letters.len(), 2);
        for letter in letters {
            let (invitation, kind) = letter.message.split_once('/').expect("an invitation and a kind");
            let invitation: i64 = invitation.parse().expect("an id");
            assert_eq!(kind, suffix);
            let sql = "SELECT contact_id FROM invitations WHERE id = ? AND to_email = ?";
            let contact = number(database, sql, vec![invitation.into(), letter.to.as_str().to_owned().into()]).await;
            assert!(contacts.contains(&contact));
            let link = &letter.values[3];
            assert!(link.contains(&format!("/i/{invitation}.")), "the invitation's own link: {link}");
            let said = letter.unsubscribe_url().rsplit('/').next().expect("a tag").to_owned();
            assert_eq!(keys.read_unsubscribe(&said), Ok(contact));
        }
    }
}

async fn an_hour_that_was_missed_is_made_good_by_the_next(database: &TestDatabase) {
    invite(database, 3).await;
    let mailer = mailer();
    through(database, after(2, 22), &mailer).await;
    let (_, ledger) = through(database, after(3, 5), &mailer).await;
    assert_eq!(sides(&ledger), (3, 3, 0));
    let (_, ledger) = through(database, after(3, 6), &mailer).await;
    assert_eq!(ledger.planned, 0);
}

async fn after_an_outage_over_both_days_only_the_second_goes_out(database: &TestDatabase) {
    invite(database, 4).await;
    let mailer = mailer();
    through(database, after(2, 0), &mailer).await;
    let (_, ledger) = through(database, after(8, 2), &mailer).await;
    assert_eq!(sides(&ledger), (8, 4, 4), "both were due, of each invitation");
    assert_eq!(ledger.skipped["superseded"], 4);
    assert_eq!(texts(database, "SELECT DISTINCT letters FROM batches ORDER BY letters", vec![]).await.len(), 3);
    assert!(mailer.asked().iter().flat_map(|call| &call.letters).all(|letter| letter.message.ends_with("/second")));
    let (_, ledger) = through(database, after(8, 3), &mailer).await;
    assert_eq!(ledger.planned, 0);
}

async fn fewer_days_leave_out_nobody_who_was_invited_in_between(database: &TestDatabase) {
    invite(database, 3).await;
    let mailer = mailer();
    through(database, after(2, 0), &mailer).await;
    let fewer = ReminderDays { first: 1, second: 5 };
    let (_, ledger) = through_after(fewer, database, after(2, 1), &mailer).await;
    assert_eq!(sides(&ledger), (3, 3, 0), "the day on which it would have come due had passed before");
    let (_, ledger) = through_after(fewer, database, after(5, 1), &mailer).await;
    assert_eq!(sides(&ledger), (3, 3, 0));
    let (_, ledger) = through(database, after(7, 0), &mailer).await;
    assert_eq!(ledger.planned, 0);
}

async fn more_days_have_nobody_looked_at_twice(database: &TestDatabase) {
    invite(database, 3).await;
    let mailer = mailer();
    let (_, ledger) = through(database, after(3, 0), &mailer).await;
    assert_eq!(sides(&ledger), (3, 3, 0));
    let more = ReminderDays { first: 5, second: 9 };
    for (days, hours, sent) in [(3, 1, 0), (5, 1, 0), (7, 1, 0), (9, 0, 3), (9, 1, 0)] {
        let (_, ledger) = through_after(more, database, after(days, hours), &mailer).await;
        assert_eq!(sides(&ledger), (sent, sent, 0), "day {days}, hour {hours}");
    }
}

async fn a_second_waits_three_days_after_a_late_first(database: &TestDatabase) {
    let (user, contacts) = invite(database, 2).await;
    let mailer = mailer();
    let (_, ledger) = through(database, after(5, 6), &mailer).await;
    assert_eq!(sides(&ledger), (2, 2, 0), "two days late");
    let (run, ledger) = through(database, after(7, 0), &mailer).await;
    assert_eq!(sides(&ledger), (2, 0, 2));
    let ids = format!("{},{}", contacts[0], contacts[1]);
    assert_eq!(skips(database, run).await, [(user, "too_soon_after_first".to_owned(), 2, ids)]);
    for (days, hours, sent) in [(7, 1, 0), (8, 5, 0), (8, 6, 2), (8, 7, 0)] {
        let (_, ledger) = through(database, after(days, hours), &mailer).await;
        assert_eq!(sides(&ledger), (sent, sent, 0), "day {days}, hour {hours}");
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM waiting_reminders", vec![]).await, 0);
}

async fn who_has_waited_is_reminded_though_another_came_due_after_the_plan(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 3).await;
    let to = |n: usize| format!("contact{n}@of{user}.example");
    let refusing = ScriptedMailer::new("scripted", 3).answering(&to(0), [refused_for_good()]);
    cycle::through(database, runs::firing(), &Arc::new(refusing)).await;
    through(database, after(5, 6), &mailer()).await;
    let (_, ledger) = through(database, after(8, 5), &mailer()).await;
    assert_eq!(sides(&ledger), (2, 0, 2), "they wait for an hour");
    let (run, messages) = plan(database, after(8, 6)).await;
    let late = "UPDATE invitations SET send_state = 2, sent_at = ? WHERE contact_id = ?";
    execute(database, late, vec![after(1, 6).into(), contacts[0].into()]).await;
    let mailer = mailer();
    let worker = worker(database, &mailer, after(8, 6)).await;
    assert_eq!(handle(&worker, messages[0]).await, Outcome::Done);
    assert_eq!(sides(&ledger_of_completed(database, run).await), (2, 2, 0));
    assert_eq!(mailer.addresses(), [to(1), to(2)]);
}

async fn a_first_that_waits_too_long_in_a_paused_run_is_superseded_and_the_second_is_sent(database: &TestDatabase) {
    invite(database, 3).await;
    let (paused, messages) = plan(database, after(3, 0)).await;
    let mailer = mailer();
    let (_, ledger) = through(database, after(7, 1), &mailer).await;
    assert_eq!(sides(&ledger), (3, 3, 0), "the seconds do not wait for ever");
    let late = worker(database, &mailer, after(7, 2)).await;
    assert_eq!(handle(&late, messages[0]).await, Outcome::Done);
    let ledger = ledger_of_completed(database, paused).await;
    assert_eq!((ledger.planned, ledger.skipped["superseded"], mailer.addresses().len()), (3, 3, 3));
}

async fn a_first_that_is_prepared_and_not_sent_holds_the_second_back_for_an_hour(database: &TestDatabase) {
    invite(database, 2).await;
    let (first, messages) = plan(database, after(3, 0)).await;
    let mailer = mailer();
    let prepares = worker(database, &mailer, after(3, 0)).await;
    hand_back(&prepares, messages[0]).await;
    let (_, ledger) = through(database, after(7, 1), &mailer).await;
    assert_eq!((ledger.planned, ledger.skipped["too_soon_after_first"]), (2, 2));
    // The first comes to nothing, and the next hour sends the second.
    let late = worker(database, &mailer, after(7, 1)).await;
    execute(database, "UPDATE batches SET queued = 0", vec![]).await;
    for message in cycle::waiting(database, first).await {
        assert_eq!(handle(&late, message).await, Outcome::Done);
    }
    assert_eq!(ledger_of_completed(database, first).await.skipped["superseded"], 2);
    let (_, ledger) = through(database, after(7, 2), &mailer).await;
    assert_eq!(sides(&ledger), (2, 2, 0));
}

/// Has a worker prepare a batch and leave it.
async fn hand_back(worker: &InvitationWorker, message: BatchMessage) {
    let no_time = Deadline::within(Duration::ZERO);
    let handled = worker.handle(&cycle::as_sent(message), no_time).await;
    assert!(matches!(handled, Ok(Outcome::Later { .. })), "{handled:?}");
}

async fn who_answers_between_two_reminders_gets_no_second(database: &TestDatabase) {
    let (_, contacts) = invite(database, 3).await;
    let mailer = mailer();
    through(database, after(3, 0), &mailer).await;
    let answered = "UPDATE invitations SET status = 4 WHERE contact_id = ?";
    execute(database, answered, vec![contacts[1].into()]).await;
    let (_, ledger) = through(database, after(7, 0), &mailer).await;
    assert_eq!((ledger.sent, ledger.skipped["submitted"]), (2, 1));
}
