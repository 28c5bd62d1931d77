//! Reminders whose worker died: nothing is sent twice, nothing is lost, and what changed meanwhile is seen.

use std::sync::Arc;

use futures_util::FutureExt;
use invitation_worker::skips::NOBODY;
use shared::{
    clock::Clock,
    invitation::SendState,
    run::{
        batch::BatchMessage,
        control::{self, Control},
        history,
        redrive::{self, Wanted},
    },
    sqs::{Outcome, RecordHandler as _},
};
use tests::{
    ask::{execute, number, numbers, texts},
    attempts::let_leases_end,
    cycle::{self, as_sent, handle, ledger_of_completed, skips, waiting},
    databases::TestDatabase,
    people::add_user_with_contacts,
    reminding::{after, plan, through, worker},
    runs,
    scripted_mailer::ScriptedMailer,
};
use tokio::sync::Notify;

tests::contract!(
    after_a_crash_only_what_was_not_claimed_is_sent,
    who_answered_or_switched_off_meanwhile_is_skipped_instead_of_sent,
    a_reminder_whose_invitation_is_gone_is_withdrawn,
    a_reminder_in_doubt_is_listed_by_its_messages_name,
    a_first_in_doubt_holds_the_second_back_as_if_it_had_arrived,
    what_a_parked_batch_had_not_sent_is_sent_by_a_redrive_while_it_is_not_too_late,
    a_redrive_that_comes_too_late_is_superseded,
    a_parked_second_is_sent_by_a_redrive_and_by_no_later_hour,
    a_cancelled_runs_rest_is_skipped_and_the_second_comes_in_its_own_time,
    a_cancelled_second_is_sent_by_no_later_hour,
);

async fn invite(database: &TestDatabase, contacts: usize) -> (i64, Vec<i64>) {
    let people = add_user_with_contacts(database, contacts).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    people
}

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 2))
}

/// How a batch's reminders stand, by position.
async fn send_states(database: &TestDatabase, batch: i64) -> Vec<i64> {
    let sql = "SELECT send_state FROM reminders WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 ORDER BY id";
    numbers(database, sql, vec![batch.into(), batch.into()]).await
}

/// A worker that dies during its second call: two reminders are sent, two in doubt, and the rest planned.
async fn crash(database: &TestDatabase, message: BatchMessage, days: i64) -> Arc<ScriptedMailer> {
    let hangs = Arc::new(Notify::new());
    let says = hangs.clone();
    let mailer = ScriptedMailer::new("scripted", 2).during(move |call| {
        let says = says.clone();
        Box::pin(async move {
            if call == 1 {
                says.notify_one();
                std::future::pending::<()>().await;
            }
        })
    });
    let mailer = Arc::new(mailer);
    let dying = worker(database, &mailer, after(days, 0)).await;
    let task = tokio::spawn(async move { handle(&dying, message).await });
    hangs.notified().await;
    task.abort();
    task.await.expect_err("it was killed");
    let_leases_end(database).await;
    mailer
}

async fn after_a_crash_only_what_was_not_claimed_is_sent(database: &TestDatabase) {
    invite(database, 7).await;
    let (run, messages) = plan(database, after(3, 0)).await;
    let before = crash(database, messages[0], 3).await;
    assert_eq!(send_states(database, messages[0].batch).await, [2, 2, 4, 4, 0, 0, 0]);
    assert_eq!(numbers(database, "SELECT DISTINCT send_state FROM invitations", vec![]).await, [2], "untouched");
    let after_it = mailer();
    let next = worker(database, &after_it, after(3, 0)).await;
    assert_eq!(handle(&next, messages[0]).await, Outcome::Done);
    let mut all = [before.addresses(), after_it.addresses()].concat();
    all.sort_unstable();
    assert_eq!(all, texts(database, "SELECT email FROM contacts ORDER BY email", vec![]).await, "each once");
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.in_doubt), (7, 5, 2));
}

async fn who_answered_or_switched_off_meanwhile_is_skipped_instead_of_sent(database: &TestDatabase) {
    let (user, contacts) = invite(database, 8).await;
    let (run, messages) = plan(database, after(3, 0)).await;
    crash(database, messages[0], 3).await;
    let to = |contact: usize| vec![contacts[contact].into()];
    execute(database, "UPDATE invitations SET status = 4 WHERE contact_id = ?", to(4)).await;
    execute(database, "UPDATE contacts SET opted_out = 1 WHERE id = ?", to(5)).await;
    execute(database, "UPDATE contacts SET opted_out = 1 WHERE id = ?", to(2)).await;
    execute(database, "DELETE FROM contacts WHERE id = ?", to(6)).await;
    let later = mailer();
    let next = worker(database, &later, after(3, 0)).await;
    assert_eq!(handle(&next, messages[0]).await, Outcome::Done);
    assert_eq!(later.addresses(), [format!("contact7@of{user}.example")]);
    let row = |reason: &str, contact: usize| (user, reason.to_owned(), 1, contacts[contact].to_string());
    assert_eq!(skips(database, run).await, [row("gone", 6), row("opted_out", 5), row("submitted", 4)]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.in_doubt), (8, 3, 2));
}

async fn a_reminder_whose_invitation_is_gone_is_withdrawn(database: &TestDatabase) {
    let (_, contacts) = invite(database, 7).await;
    let (run, messages) = plan(database, after(3, 0)).await;
    crash(database, messages[0], 3).await;
    execute(database, "DELETE FROM invitations WHERE contact_id = ?", vec![contacts[4].into()]).await;
    let next = worker(database, &mailer(), after(3, 0)).await;
    assert_eq!(handle(&next, messages[0]).await, Outcome::Done);
    assert_eq!(skips(database, run).await, [(NOBODY, "gone".to_owned(), 1, String::new())]);
    let ledger = ledger_of_completed(database, run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.in_doubt, ledger.skipped["gone"]), (7, 4, 2, 1));
}

async fn a_reminder_in_doubt_is_listed_by_its_messages_name(database: &TestDatabase) {
    invite(database, 5).await;
    let in_doubt = |run, most| database.read(move |tx| history::letters_in(tx, run, SendState::InDoubt, most).boxed());
    for (days, name) in [(3, "first"), (7, "second")] {
        let (run, messages) = plan(database, after(days, 0)).await;
        crash(database, messages[0], days).await;
        let sql = "SELECT invitation_id FROM reminders WHERE send_state = 4 AND id > ? * 65536 ORDER BY id";
        let doubtful = numbers(database, sql, vec![messages[0].batch.into()]).await;
        let called: Vec<String> = doubtful.iter().map(|id| format!("{id}/{name}")).collect();
        assert_eq!((called.len(), in_doubt(run, 9).await.expect("a list")), (2, called.clone()));
        assert_eq!(in_doubt(run, 1).await.expect("a list"), called[..1]);
    }
}

async fn a_first_in_doubt_holds_the_second_back_as_if_it_had_arrived(database: &TestDatabase) {
    invite(database, 4).await;
    let (run, messages) = plan(database, after(5, 0)).await;
    crash(database, messages[0], 5).await;
    let mailer = mailer();
    let next = worker(database, &mailer, after(5, 0)).await;
    assert_eq!(handle(&next, messages[0]).await, Outcome::Done);
    assert_eq!(ledger_of_completed(database, run).await.in_doubt, 2);
    let (_, ledger) = through(database, after(7, 0), &mailer).await;
    assert_eq!((ledger.planned, ledger.skipped["too_soon_after_first"]), (4, 4));
    let (_, ledger) = through(database, after(8, 0), &mailer).await;
    assert_eq!((ledger.planned, ledger.sent), (4, 4));
}

/// A completed run of one batch of what came due after so many days, of which nobody had sent any when it was parked.
async fn parked(database: &TestDatabase, days: i64, prepared: bool) -> i64 {
    let (run, messages) = plan(database, after(days, 0)).await;
    let worker = worker(database, &mailer(), after(days, 0)).await;
    if prepared {
        let no_time = shared::sqs::Deadline::within(std::time::Duration::ZERO);
        worker.handle(&as_sent(messages[0]), no_time).await.expect("prepared and handed back");
    }
    runs::park(database, messages[0], "timed out").await;
    assert_eq!(ledger_of_completed(database, run).await.failed, 3);
    run
}

/// Does a run's parked batches again at a moment; gives the ledger and what was sent.
async fn redriven(database: &TestDatabase, run: i64, days: i64) -> (shared::run::ledger::Ledger, usize) {
    let clock = Clock::standing_at(after(days, 0));
    let opened = redrive::open(database, &clock, run, &Wanted::default()).await.expect("opened");
    let mut child = opened.run().clone();
    while !child.plan_complete {
        child = redrive::advance(database, &clock, &child).await.expect("moved");
    }
    let mailer = mailer();
    let worker = worker(database, &mailer, after(days, 0)).await;
    for message in waiting(database, child.id).await {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    (ledger_of_completed(database, child.id).await, mailer.addresses().len())
}

async fn what_a_parked_batch_had_not_sent_is_sent_by_a_redrive_while_it_is_not_too_late(database: &TestDatabase) {
    for prepared in [true, false] {
        invite(database, 3).await;
        let run = parked(database, 3, prepared).await;
        let (ledger, sent) = redriven(database, run, 4).await;
        assert_eq!((ledger.planned, ledger.sent, sent), (3, 3, 3), "prepared: {prepared}");
        cycle::forget_everything(database).await;
    }
}

async fn a_redrive_that_comes_too_late_is_superseded(database: &TestDatabase) {
    invite(database, 3).await;
    let run = parked(database, 3, true).await;
    let mailer = mailer();
    let (_, ledger) = through(database, after(7, 0), &mailer).await;
    assert_eq!((ledger.planned, ledger.sent), (3, 3), "a first that failed holds nothing back");
    let (ledger, sent) = redriven(database, run, 8).await;
    assert_eq!((ledger.planned, ledger.skipped["superseded"], sent), (3, 3, 0));
}

async fn a_parked_second_is_sent_by_a_redrive_and_by_no_later_hour(database: &TestDatabase) {
    for prepared in [true, false] {
        invite(database, 3).await;
        let mailer = mailer();
        through(database, after(3, 0), &mailer).await;
        let run = parked(database, 7, prepared).await;
        let (_, ledger) = through(database, after(8, 0), &mailer).await;
        assert_eq!(ledger.planned, 0, "it had its hour");
        let (ledger, sent) = redriven(database, run, 9).await;
        assert_eq!((ledger.planned, ledger.sent, sent), (3, 3, 3), "prepared: {prepared}");
        let (_, ledger) = through(database, after(10, 0), &mailer).await;
        assert_eq!((ledger.planned, mailer.addresses().len()), (0, 3), "the firsts");
        cycle::forget_everything(database).await;
    }
}

async fn a_cancelled_runs_rest_is_skipped_and_the_second_comes_in_its_own_time(database: &TestDatabase) {
    invite(database, 7).await;
    let (run, messages) = plan(database, after(3, 0)).await;
    crash(database, messages[0], 3).await;
    control::set(database, run, Control::Cancel).await.expect("noted");
    let mailer = mailer();
    let next = worker(database, &mailer, after(3, 0)).await;
    assert_eq!(handle(&next, messages[0]).await, Outcome::Done);
    assert_eq!(send_states(database, messages[0].batch).await, [2, 2, 4, 4, 5, 5, 5]);
    assert_eq!(number(database, "SELECT COUNT(*) FROM invitations WHERE status = 7", vec![]).await, 0);
    let (_, ledger) = through(database, after(7, 0), &mailer).await;
    assert_eq!((ledger.planned, ledger.sent), (7, 7));
}

async fn a_cancelled_second_is_sent_by_no_later_hour(database: &TestDatabase) {
    invite(database, 5).await;
    let mailer = mailer();
    through(database, after(3, 0), &mailer).await;
    let (run, messages) = plan(database, after(7, 0)).await;
    crash(database, messages[0], 7).await;
    control::set(database, run, Control::Cancel).await.expect("noted");
    let next = worker(database, &mailer, after(7, 0)).await;
    assert_eq!(handle(&next, messages[0]).await, Outcome::Done);
    assert_eq!(send_states(database, messages[0].batch).await, [2, 2, 4, 4, 5]);
    for at in [after(7, 1), after(11, 0), after(30, 0)] {
        let (_, ledger) = through(database, at, &mailer).await;
        assert_eq!(ledger.planned, 0, "{at}");
    }
}
