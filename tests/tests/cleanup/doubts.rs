//! What a provider's silence says of letters in doubt.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shared::{
    claims::Claim,
    clock::Clock,
    feedback::{Feedback, Kind, LetterName, Recorded},
    invitation::InvitationId,
    letters::{LetterId, LetterKind, ReminderKind},
    records::Records,
    run::{
        close,
        ledger::{self, Ledger},
        redrive::{self, Wanted},
    },
    sqs::{Deadline, RecordHandler as _},
};
use tests::{
    ask::{execute, number, numbers, texts},
    attempts::{all_accepted, let_leases_end, listed, make, outcome, range, settle, unknown},
    cleaning::{clean, counts},
    cycle::{as_sent, handle, ledger_of_completed, plan, waiting, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    provider_feedback::{said, take},
    runs::{add_open_batch, end, find, firing, open_run, scheduled_at, send_states},
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    what_its_provider_never_spoke_of_and_spoke_of_all_around_was_not_taken,
    nothing_is_concluded_while_one_word_is_missing,
    only_what_is_said_of_every_letter_shows_that_a_provider_is_heard,
    nothing_is_concluded_where_its_provider_was_not_heard_at_that_time,
    nothing_is_concluded_too_early_or_of_an_open_run,
    a_letter_that_was_tried_twice_needs_silence_about_both,
    what_a_reply_left_open_is_concluded_letter_by_letter,
    a_word_that_comes_after_all_turns_it,
    a_reminder_s_silence_counts_like_an_invitation_s,
    what_was_not_taken_is_sent_by_a_redrive_and_once,
    a_batch_without_doubts_is_looked_at_once,
    of_a_batch_that_a_redrive_has_taken_from_nothing_is_concluded,
    an_alert_lasts_until_all_that_was_not_taken_is_taken_by_a_redrive,
);

/// A night so many hours after the calls.
fn hours_later(hours: i64) -> DateTime<Utc> {
    scheduled_at() + TimeDelta::hours(hours)
}

/// Cleans up so many hours after the calls; gives how many doubts it settled.
async fn settled_after(database: &TestDatabase, hours: i64) -> u64 {
    let archive = tempfile::tempdir().expect("a folder");
    let (_, done) = clean(database, &archive, hours_later(hours)).await;
    done.get("doubts_settled").copied().unwrap_or(0)
}

/// What a provider says of every letter of a call.
async fn spoken_of(database: &TestDatabase, claim: &Claim, kind: Kind) {
    for position in (0..1_000).filter(|&position| claim.positions.contains(position)) {
        take(database, said(kind, claim, position, 2)).await;
    }
}

/// A call that was taken whole, as its reply said.
async fn taken(database: &TestDatabase, claim: &Claim) {
    make(database, claim).await;
    settle(database, claim, all_accepted(claim)).await;
}

/// Adds a batch whose invitations can be answered for long.
async fn add_batch(database: &TestDatabase, run: i64, letters: u32) -> i64 {
    let batch = add_open_batch(database, run, letters).await;
    execute(database, "UPDATE invitations SET expires_at = ?", vec![hours_later(10_000).into()]).await;
    batch
}

/// The calls of an open run's batch of six letters: two that were taken, two whose worker died, two that were taken.
async fn three_calls(database: &TestDatabase) -> (i64, i64, [Claim; 3]) {
    let run = open_run(database).await.id;
    let batch = add_batch(database, run, 6).await;
    let calls = [range(batch, 0, 0, 1), range(batch, 1, 2, 3), range(batch, 3, 4, 5)];
    taken(database, &calls[0]).await;
    make(database, &calls[1]).await;
    assert_eq!(let_leases_end(database).await, 1);
    taken(database, &calls[2]).await;
    (run, batch, calls)
}

async fn live(records: &Records, run: i64) -> Ledger {
    records.read(move |tx| ledger::count(tx, run, 6).boxed()).await.expect("counted")
}

async fn what_its_provider_never_spoke_of_and_spoke_of_all_around_was_not_taken(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    spoken_of(database, &calls[0], Kind::Sent).await;
    spoken_of(database, &calls[2], Kind::Delivered).await;
    end(database, run, &[batch]).await;
    assert_eq!(send_states(database, batch).await, [2, 2, 4, 4, 2, 2]);

    assert_eq!(settled_after(database, 25).await, 2);
    assert_eq!(send_states(database, batch).await, [2, 2, 6, 6, 2, 2]);
    let now = live(database, run).await;
    assert_eq!((now.sent, now.failed, now.in_doubt, now.is_balanced()), (4, 2, 0, true));
    let told = "SELECT message FROM alerts WHERE cause = 'letters-not-taken' AND state = 'raised'";
    let told = texts(database, told, vec![]).await;
    assert!(told.len() == 1 && told[0].ends_with(&format!("almanac redrive {run}")), "{told:?}");
    assert_eq!(settled_after(database, 49).await, 0, "once");
}

async fn nothing_is_concluded_while_one_word_is_missing(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    spoken_of(database, &calls[0], Kind::Sent).await;
    take(database, said(Kind::Sent, &calls[2], 4, 2)).await;
    end(database, run, &[batch]).await;
    assert_eq!(settled_after(database, 25).await, 0);
    assert_eq!(send_states(database, batch).await, [2, 2, 4, 4, 2, 2]);
    take(database, said(Kind::Sent, &calls[2], 5, 2)).await;
    assert_eq!(settled_after(database, 49).await, 2, "it was late, and the next night makes it good");
}

async fn only_what_is_said_of_every_letter_shows_that_a_provider_is_heard(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    end(database, run, &[batch]).await;
    for (nights, kind) in (1..).zip([Kind::Delayed, Kind::Opened, Kind::BouncedForGood, Kind::Complained]) {
        spoken_of(database, &calls[0], kind).await;
        spoken_of(database, &calls[2], kind).await;
        assert_eq!(settled_after(database, 24 * nights + 1).await, 0, "{kind:?}");
    }
    spoken_of(database, &calls[0], Kind::Rejected).await;
    spoken_of(database, &calls[2], Kind::Unrenderable).await;
    assert_eq!(settled_after(database, 24 * 9).await, 2);
}

async fn nothing_is_concluded_where_its_provider_was_not_heard_at_that_time(database: &TestDatabase) {
    // Other calls of each evening, by whom and how many minutes later; and whether they tell.
    for (night, others, tell) in [
        (1, [("another", 0), ("another", 1)], false),
        (2, [("scripted", -61), ("scripted", 61)], false),
        (3, [("scripted", 1), ("scripted", 60)], false),
        (4, [("scripted", -60), ("scripted", -1)], false),
        (5, [("scripted", -1), ("another", 1)], false),
        (6, [("scripted", -60), ("scripted", 60)], true),
        (7, [("scripted", 0), ("another", 0)], true),
    ] {
        let at = scheduled_at() + TimeDelta::days(night);
        let run = open_run(database).await.id;
        let batch = add_batch(database, run, 3).await;
        make(database, &Claim { claimed_at: at, ..range(batch, 0, 0, 0) }).await;
        let_leases_end(database).await;
        for (number, (provider, minutes)) in (2..).zip(others) {
            let claimed_at = at + TimeDelta::minutes(minutes);
            let witness = Claim { provider, claimed_at, ..range(batch, number, number - 1, number - 1) };
            taken(database, &witness).await;
            spoken_of(database, &witness, Kind::Delivered).await;
        }
        end(database, run, &[batch]).await;
        assert_eq!(settled_after(database, 24 * (night + 1) + 2).await, u64::from(tell), "{others:?}");
        execute(database, "UPDATE batches SET heard_out = 1", vec![]).await;
    }
}

async fn of_a_batch_that_a_redrive_has_taken_from_nothing_is_concluded(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    spoken_of(database, &calls[0], Kind::Sent).await;
    spoken_of(database, &calls[2], Kind::Sent).await;
    end(database, run, &[batch]).await;
    execute(database, "UPDATE batches SET redriven_as = 77", vec![]).await;
    assert_eq!(settled_after(database, 25).await, 0, "no other redrive could send it");
    assert_eq!(send_states(database, batch).await, [2, 2, 4, 4, 2, 2]);
}

async fn an_alert_lasts_until_all_that_was_not_taken_is_taken_by_a_redrive(database: &TestDatabase) {
    let (run, first, calls) = three_calls(database).await;
    let second = add_batch(database, run, 1).await;
    make(database, &range(second, 0, 0, 0)).await;
    let_leases_end(database).await;
    spoken_of(database, &calls[0], Kind::Sent).await;
    spoken_of(database, &calls[2], Kind::Sent).await;
    end(database, run, &[first, second]).await;
    assert_eq!(settled_after(database, 25).await, 3);
    let raised = || number(database, "SELECT COUNT(*) FROM alerts WHERE state = 'raised'", vec![]);
    let clock = Clock::standing_at(scheduled_at());
    for (batches, alerts) in [(vec![second], 1), (Vec::new(), 0)] {
        let wanted = Wanted { batches, ..Wanted::default() };
        redrive::open(database, &clock, run, &wanted).await.expect("opened");
        assert_eq!(raised().await, alerts);
    }
}

async fn nothing_is_concluded_too_early_or_of_an_open_run(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    spoken_of(database, &calls[0], Kind::Sent).await;
    spoken_of(database, &calls[2], Kind::Sent).await;
    assert_eq!(settled_after(database, 49).await, 0, "its run is open");
    end(database, run, &[batch]).await;
    assert_eq!(settled_after(database, 23).await, 0, "a word may be late");
    assert_eq!(settled_after(database, 73).await, 2);
}

async fn a_letter_that_was_tried_twice_needs_silence_about_both(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    spoken_of(database, &calls[0], Kind::Sent).await;
    spoken_of(database, &calls[2], Kind::Sent).await;
    // Long after everything else, where nobody was heard.
    let alone = scheduled_at() + TimeDelta::hours(2);
    let again = Claim { is_second_try: true, claimed_at: alone, ..listed(batch, 4, &[2]) };
    make(database, &again).await;
    settle(database, &again, outcome([(2, unknown())])).await;
    end(database, run, &[batch]).await;
    assert_eq!(settled_after(database, 27).await, 1);
    assert_eq!(send_states(database, batch).await, [2, 2, 4, 6, 2, 2]);
}

async fn what_a_reply_left_open_is_concluded_letter_by_letter(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let batch = add_batch(database, run, 5).await;
    let (whole, partly) = (range(batch, 0, 0, 1), range(batch, 1, 2, 4));
    taken(database, &whole).await;
    spoken_of(database, &whole, Kind::Sent).await;
    make(database, &partly).await;
    settle(database, &partly, outcome((2..).zip([tests::attempts::accepted(), unknown(), unknown()]))).await;
    take(database, said(Kind::Sent, &partly, 3, 2)).await;
    end(database, run, &[batch]).await;
    assert_eq!(settled_after(database, 25).await, 1);
    assert_eq!(send_states(database, batch).await, [2, 2, 2, 2, 6]);
}

async fn a_word_that_comes_after_all_turns_it(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    spoken_of(database, &calls[0], Kind::Sent).await;
    spoken_of(database, &calls[2], Kind::Sent).await;
    end(database, run, &[batch]).await;
    assert_eq!(settled_after(database, 25).await, 2);
    assert_eq!(take(database, said(Kind::Delivered, &calls[1], 2, 9)).await, Recorded::News { settled: false });
    assert_eq!(send_states(database, batch).await, [2, 2, 2, 6, 2, 2]);
    // Its worker had only stood still.
    settle(database, &calls[1], all_accepted(&calls[1])).await;
    assert_eq!(send_states(database, batch).await, [2; 6]);
}

async fn a_reminder_s_silence_counts_like_an_invitation_s(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let invited = add_batch(database, run, 4).await;
    let batch = add_batch(database, run, 0).await;
    execute(database, "UPDATE batches SET letters = 'first' WHERE id = ?", vec![batch.into()]).await;
    for position in 0..4 {
        // In another order than their invitations, so that no range of one is a range of the other.
        let invitation = InvitationId::new(invited, 3 - position).0;
        let sql = "INSERT INTO reminders (id, invitation_id, kind) VALUES (?, ?, 1)";
        execute(database, sql, vec![LetterId::new(batch, position).0.into(), invitation.into()]).await;
    }
    let all = range(invited, 0, 0, 3);
    taken(database, &all).await;
    let kind = LetterKind::Reminder(ReminderKind::First);
    let of = |number, first, last| Claim { kind, ..range(batch, number, first, last) };
    let (heard, silent) = (of(0, 0, 1), of(1, 2, 3));
    taken(database, &heard).await;
    make(database, &silent).await;
    let_leases_end(database).await;
    let reminder = |position: u32| {
        let letter = LetterName { invitation: InvitationId::new(invited, 3 - position), kind };
        Feedback { about: Some((heard.attempt().parse().expect("an id"), letter)), ..said(Kind::Sent, &heard, 0, 9) }
    };
    take(database, reminder(0)).await;
    end(database, run, &[invited, batch]).await;
    spoken_of(database, &all, Kind::Sent).await;
    assert_eq!(settled_after(database, 25).await, 0, "one of the two reminders was not spoken of");
    take(database, reminder(1)).await;
    assert_eq!(settled_after(database, 49).await, 2);
    let states = numbers(database, "SELECT send_state FROM reminders ORDER BY id", vec![]).await;
    assert_eq!(states, [2, 2, 6, 6]);
}

async fn what_was_not_taken_is_sent_by_a_redrive_and_once(database: &TestDatabase) {
    add_user_with_contacts(database, 5).await;
    let (run, messages) = plan(database, firing(), 10).await;
    let mailer = Arc::new(ScriptedMailer::new("scripted", 50));
    let worker = worker(database, &[&mailer]).await;
    let message = messages[0];
    worker.handle(&as_sent(message), Deadline::within(Duration::ZERO)).await.expect("prepared and handed back");
    let (heard, silent) = (range(message.batch, 0, 0, 1), range(message.batch, 1, 2, 4));
    taken(database, &heard).await;
    spoken_of(database, &heard, Kind::Sent).await;
    make(database, &silent).await;
    let_leases_end(database).await;
    end(database, run, &[message.batch]).await;
    assert_eq!(settled_after(database, 25).await, 3);

    let wanted = Wanted::default();
    let takes = redrive::preview(database, run, &wanted).await.expect("counted");
    assert_eq!((takes.batches, takes.planned, takes.not_taken), (0, 0, 3));
    let clock = Clock::standing_at(scheduled_at());
    let child = redrive::open(database, &clock, run, &wanted).await.expect("opened").run().clone();
    let mut child = redrive::advance(database, &clock, &child).await.expect("moved");
    while !child.plan_complete {
        child = redrive::advance(database, &clock, &child).await.expect("moved");
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM alerts WHERE state = 'raised'", vec![]).await, 0);
    // One of them had been taken all the same, and its provider says so now.
    take(database, said(Kind::Delivered, &silent, 3, 9)).await;
    for message in waiting(database, child.id).await {
        handle(&worker, message).await;
    }
    close::try_close(database, &clock, child.id).await.expect("tried");
    let ledger = ledger_of_completed(database, child.id).await;
    assert_eq!((ledger.planned, ledger.sent, mailer.addresses().len()), (3, 3, 2));
    assert_eq!(number(database, "SELECT COUNT(*) FROM invitations WHERE send_state = 2", vec![]).await, 5);
    assert_eq!(find(database, run).await.planned, 5);
    assert!(redrive::open(database, &clock, run, &wanted).await.is_err(), "nothing is left to take");
}

async fn a_batch_without_doubts_is_looked_at_once(database: &TestDatabase) {
    let (run, batch, calls) = three_calls(database).await;
    end(database, run, &[batch]).await;
    let archive = tempfile::tempdir().expect("a folder");
    let (_, done) = clean(database, &archive, hours_later(25)).await;
    assert_eq!(done, counts(&[]));
    let heard_out = || numbers(database, "SELECT heard_out FROM batches", vec![]);
    assert_eq!(heard_out().await, [0]);
    for call in &calls {
        spoken_of(database, call, Kind::Delivered).await;
    }
    clean(database, &archive, hours_later(49)).await;
    assert_eq!(heard_out().await, [1]);
}
