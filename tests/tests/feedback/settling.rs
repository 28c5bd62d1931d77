//! What feedback does to the letter that it is about.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use shared::{
    claims::{Claim, Claimed},
    clock::Clock,
    feedback::{Feedback, Kind, LetterName, Recorded, Source},
    invitation::InvitationId,
    letters::{LetterId, LetterKind, ReminderKind},
    process::Holder,
    records::Records,
    run::{
        ledger::{self, Ledger},
        redrive::{self, Wanted},
    },
    sqs::{Deadline, RecordHandler as _},
};
use tests::{
    ask::{all, execute, number, numbers, texts},
    attempts::{
        self, all_accepted, ask_for, let_leases_end, listed, make, outcome, range, refused_for_good, refused_for_now,
        settle, unknown,
    },
    cycle::{as_sent, handle, plan, waiting, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    provider_feedback::{at, said, take},
    runs::{add_open_batch, add_planned_batch, end, find, firing, open_run, park, scheduled_at, send_states},
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    evidence_that_comes_before_the_reply_settles_its_letter_and_the_reply_changes_nothing,
    evidence_that_comes_before_the_reply_outlives_the_lease,
    whatever_shows_that_a_letter_was_taken_ends_its_doubt,
    a_letter_in_doubt_that_was_rejected_has_failed,
    a_letter_that_was_rejected_has_failed_although_its_provider_had_taken_it,
    a_refusal_that_was_none_is_corrected,
    a_letter_that_waited_for_another_try_and_had_arrived_is_not_tried_again,
    what_a_clock_says_that_is_wrong_moves_no_letter_out_of_its_time,
    a_mail_is_believed_about_the_letters_of_its_own_contact_alone,
    letters_that_evidence_has_shown_count_as_accepted_by_their_attempt,
    an_invitation_only_moves_forward,
    feedback_that_comes_twice_is_kept_once_with_its_first_time,
    feedback_of_an_attempt_that_was_never_made_moves_nothing,
    a_closed_run_s_live_counts_move_and_its_closing_ledger_stays,
    a_letter_that_a_redrive_took_along_is_found_and_not_sent_again,
    a_reminder_s_feedback_settles_the_reminder_and_leaves_the_invitation_s_own_sending_alone,
);

const STATUSES: &str = "SELECT status FROM invitations ORDER BY id";

async fn batch_of(records: &Records, letters: u32) -> (i64, i64) {
    let run = open_run(records).await.id;
    (run, add_open_batch(records, run, letters).await)
}

const NEWS: Recorded = Recorded::News { settled: false };
const SETTLED: Recorded = Recorded::News { settled: true };

async fn evidence_that_comes_before_the_reply_settles_its_letter_and_the_reply_changes_nothing(
    database: &TestDatabase,
) {
    let (_, batch) = batch_of(database, 4).await;
    let claim = range(batch, 0, 0, 3);
    make(database, &claim).await;
    assert_eq!(take(database, said(Kind::Delivered, &claim, 1, 2)).await, NEWS);
    assert_eq!(take(database, said(Kind::Rejected, &claim, 2, 2)).await, NEWS);
    assert_eq!(take(database, said(Kind::Opened, &claim, 3, 9)).await, NEWS);
    assert_eq!(send_states(database, batch).await, [0, 2, 3, 2]);
    settle(database, &claim, all_accepted(&claim)).await;
    assert_eq!(send_states(database, batch).await, [2, 2, 3, 2]);
    assert_eq!(numbers(database, STATUSES, vec![]).await, [1, 1, 6, 2]);
    let taken = "SELECT id % 65536 FROM invitations WHERE sent_at = ? ORDER BY id";
    assert_eq!(numbers(database, taken, vec![scheduled_at().into()]).await, [0, 1, 3], "when the call was made");
    let opened = "SELECT id % 65536 FROM invitations WHERE opened_at = ?";
    assert_eq!(numbers(database, opened, vec![at(9).into()]).await, [3]);
}

async fn evidence_that_comes_before_the_reply_outlives_the_lease(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 3).await;
    let claim = listed(batch, 0, &[0, 2]);
    make(database, &claim).await;
    take(database, said(Kind::Sent, &claim, 2, 1)).await;
    assert_eq!(let_leases_end(database).await, 1);
    assert_eq!(send_states(database, batch).await, [4, 0, 2]);
}

async fn whatever_shows_that_a_letter_was_taken_ends_its_doubt(database: &TestDatabase) {
    let shows: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| !kind.is_failure()).collect();
    let letters = u32::try_from(shows.len()).expect("few");
    let (_, batch) = batch_of(database, letters).await;
    let claim = range(batch, 0, 0, letters - 1);
    make(database, &claim).await;
    let_leases_end(database).await;
    for (kind, position) in shows.into_iter().zip(0..) {
        assert_eq!(take(database, said(kind, &claim, position, 5)).await, SETTLED, "{kind:?}");
        assert_eq!(send_states(database, batch).await[position as usize], 2, "{kind:?}");
    }
}

async fn a_letter_in_doubt_that_was_rejected_has_failed(database: &TestDatabase) {
    let (run, batch) = batch_of(database, 3).await;
    let claim = range(batch, 0, 0, 2);
    make(database, &claim).await;
    settle(database, &claim, outcome((0..3).map(|position| (position, unknown())))).await;
    for (kind, position) in [(Kind::Rejected, 0), (Kind::Unrenderable, 1), (Kind::Unrenderable, 2)] {
        assert_eq!(take(database, said(kind, &claim, position, 1)).await, SETTLED);
    }
    assert_eq!(send_states(database, batch).await, [3; 3]);
    let told = texts(database, "SELECT cause FROM alerts ORDER BY cause", vec![]).await;
    assert_eq!(told, ["letters-not-rendered", "letters-rejected"], "once a run and cause");
    assert_eq!(numbers(database, "SELECT DISTINCT run_id FROM alerts", vec![]).await, [run]);
}

async fn a_letter_that_was_rejected_has_failed_although_its_provider_had_taken_it(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 2).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    settle(database, &claim, all_accepted(&claim)).await;
    take(database, said(Kind::Sent, &claim, 0, 1)).await;
    take(database, said(Kind::Unrenderable, &claim, 0, 1)).await;
    assert_eq!(send_states(database, batch).await, [3, 2]);
    let unsent = "SELECT id % 65536 FROM invitations WHERE sent_at = ?";
    assert_eq!(numbers(database, unsent, vec![shared::records::never().into()]).await, [0]);
}

async fn a_refusal_that_was_none_is_corrected(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 1).await;
    let claim = range(batch, 0, 0, 0);
    make(database, &claim).await;
    settle(database, &claim, outcome([(0, refused_for_good())])).await;
    take(database, said(Kind::Delivered, &claim, 0, 2)).await;
    assert_eq!(send_states(database, batch).await, [2]);
}

async fn an_invitation_only_moves_forward(database: &TestDatabase) {
    // Queued, sent, opened, started, submitted, expired, bounced, cancelled, each of which is then bounced and opened.
    let (_, batch) = batch_of(database, 8).await;
    let claim = range(batch, 0, 0, 7);
    make(database, &claim).await;
    execute(database, "UPDATE invitations SET status = id % 65536", vec![]).await;
    for position in 0..8 {
        take(database, said(Kind::BouncedForGood, &claim, position, 3)).await;
    }
    assert_eq!(numbers(database, STATUSES, vec![]).await, [6, 6, 2, 3, 4, 5, 6, 7]);
    for position in 0..8 {
        take(database, said(Kind::Clicked, &claim, position, 4)).await;
    }
    assert_eq!(numbers(database, STATUSES, vec![]).await, [2, 2, 2, 3, 4, 5, 2, 7]);
}

async fn feedback_that_comes_twice_is_kept_once_with_its_first_time(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 1).await;
    let claim = range(batch, 0, 0, 0);
    make(database, &claim).await;
    assert_eq!(take(database, said(Kind::Opened, &claim, 0, 30)).await, NEWS);
    for seconds in [30, 40, 20, 30] {
        assert_eq!(take(database, said(Kind::Opened, &claim, 0, seconds)).await, Recorded::Known);
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM feedback", vec![]).await, 1);
    let first = "SELECT COUNT(*) FROM feedback f JOIN invitations i ON i.id = f.invitation_id \
                 WHERE f.happened_at = ? AND i.opened_at = f.happened_at";
    assert_eq!(number(database, first, vec![at(20).into()]).await, 1);
}

async fn feedback_of_an_attempt_that_was_never_made_moves_nothing(database: &TestDatabase) {
    let (run, batch) = batch_of(database, 4).await;
    let neighbour = add_open_batch(database, run, 4).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    let imagined = range(batch, 0, 0, 1);
    assert_ne!(imagined.nonce, claim.nonce);
    let of_neighbour = LetterName { invitation: InvitationId::new(neighbour, 0), kind: LetterKind::Invitation };
    let mut elsewhere = said(Kind::Delivered, &claim, 0, 2);
    elsewhere.about = elsewhere.about.map(|(attempt, _)| (attempt, of_neighbour));
    let mut of_nobody = said(Kind::Delivered, &claim, 0, 2);
    of_nobody.about = None;
    for said in [
        said(Kind::Delivered, &imagined, 0, 2),
        said(Kind::Delivered, &range(batch, 7, 0, 1), 0, 2),
        said(Kind::Delivered, &claim, 2, 2),
        elsewhere,
        of_nobody,
    ] {
        assert_eq!(take(database, said).await, Recorded::OfNoLetter);
    }
    assert_eq!(send_states(database, batch).await, [0; 4]);
    assert_eq!(send_states(database, neighbour).await, [0; 4]);
    assert_eq!(number(database, "SELECT COUNT(*) FROM feedback", vec![]).await, 0);
}

async fn count(records: &Records, run: i64, planned: u64) -> Ledger {
    records.read(move |tx| ledger::count(tx, run, planned).boxed()).await.expect("counted")
}

async fn a_closed_run_s_live_counts_move_and_its_closing_ledger_stays(database: &TestDatabase) {
    let (run, batch) = batch_of(database, 4).await;
    let claim = range(batch, 0, 0, 3);
    make(database, &claim).await;
    let_leases_end(database).await;
    end(database, run, &[batch]).await;
    take(database, said(Kind::Delivered, &claim, 0, 2)).await;
    take(database, said(Kind::Rejected, &claim, 1, 2)).await;
    let live = count(database, run, 4).await;
    assert_eq!((live.sent, live.failed, live.in_doubt, live.is_balanced()), (1, 1, 2, true));
    let closing = find(database, run).await.closing_ledger().expect("it is closed");
    assert_eq!((closing.sent, closing.failed, closing.in_doubt), (0, 0, 4));
}

async fn a_letter_that_a_redrive_took_along_is_found_and_not_sent_again(database: &TestDatabase) {
    add_user_with_contacts(database, 3).await;
    let (run, messages) = plan(database, firing(), 10).await;
    let mailer = Arc::new(ScriptedMailer::new("scripted", 50));
    let worker = worker(database, &[&mailer]).await;
    let message = messages[0];
    worker.handle(&as_sent(message), Deadline::within(Duration::ZERO)).await.expect("prepared and handed back");
    let claim = range(message.batch, 0, 0, 2);
    make(database, &claim).await;
    settle(database, &claim, outcome((0..3).map(|position| (position, refused_for_now())))).await;
    park(database, message, "timed out").await;
    let clock = Clock::standing_at(scheduled_at());
    let child = redrive::open(database, &clock, run, &Wanted::default()).await.expect("opened").run().clone();
    let child = redrive::advance(database, &clock, &child).await.expect("moved");
    assert!(child.plan_complete);

    // The provider had taken one of them all the same.
    assert_eq!(take(database, said(Kind::Delivered, &claim, 1, 2)).await, NEWS);
    for message in waiting(database, child.id).await {
        handle(&worker, message).await;
    }
    assert_eq!(mailer.addresses().len(), 2);
    let states = "SELECT send_state FROM invitations ORDER BY id";
    assert_eq!(numbers(database, states, vec![]).await, [2, 2, 2]);
}

/// A batch of first reminders of these invitations, prepared; and the claim that covers them all, made.
async fn reminders_of(records: &Records, run: i64, invitations: &[InvitationId]) -> Claim {
    let batch = add_planned_batch(records, run, 2).await;
    let open = "UPDATE batches SET state = 'open', letters = 'first' WHERE id = ?";
    execute(records, open, vec![batch.into()]).await;
    for (position, invitation) in (0..).zip(invitations) {
        let sql = "INSERT INTO reminders (id, invitation_id, kind) VALUES (?, ?, 1)";
        execute(records, sql, vec![LetterId::new(batch, position).0.into(), invitation.0.into()]).await;
    }
    let claim = Claim { kind: LetterKind::Reminder(ReminderKind::First), ..range(batch, 0, 0, 1) };
    make(records, &claim).await;
    claim
}

async fn a_reminder_s_feedback_settles_the_reminder_and_leaves_the_invitation_s_own_sending_alone(
    database: &TestDatabase,
) {
    let (run, batch) = batch_of(database, 3).await;
    let invited = range(batch, 0, 0, 2);
    make(database, &invited).await;
    settle(database, &invited, all_accepted(&invited)).await;
    let invitations = [InvitationId::new(batch, 0), InvitationId::new(batch, 1)];
    let claim = reminders_of(database, run, &invitations).await;
    settle(database, &claim, outcome((0..2).map(|position| (position, unknown())))).await;
    let reminders = || numbers(database, "SELECT send_state FROM reminders ORDER BY id", vec![]);
    assert_eq!(reminders().await, [4, 4]);
    let of = |kind: Kind, reminder: ReminderKind, invitation: InvitationId| {
        let letter = LetterName { invitation, kind: LetterKind::Reminder(reminder) };
        Feedback { about: Some((claim.attempt().parse().expect("an id"), letter)), ..said(kind, &claim, 0, 9) }
    };
    // Not of another invitation, nor of a reminder that there is none of.
    for other in [
        of(Kind::BouncedForGood, ReminderKind::First, InvitationId::new(batch, 2)),
        of(Kind::BouncedForGood, ReminderKind::Second, invitations[0]),
    ] {
        assert_eq!(take(database, other).await, Recorded::OfNoLetter);
    }
    assert_eq!(take(database, of(Kind::Rejected, ReminderKind::First, invitations[0])).await, SETTLED);
    assert_eq!(take(database, of(Kind::BouncedForGood, ReminderKind::First, invitations[1])).await, SETTLED);
    assert_eq!(reminders().await, [3, 2]);
    assert_eq!(send_states(database, batch).await, [2; 3]);
    assert_eq!(numbers(database, STATUSES, vec![]).await, [1, 6, 1], "a reminder that came back tells of its address");
    let sent = "SELECT COUNT(*) FROM invitations WHERE sent_at = ?";
    assert_eq!(number(database, sent, vec![scheduled_at().into()]).await, 3);
    assert_eq!(number(database, "SELECT accepted FROM sends WHERE batch_id = ?", vec![claim.batch.into()]).await, 1);
}

async fn a_letter_that_waited_for_another_try_and_had_arrived_is_not_tried_again(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 3).await;
    let first = range(batch, 0, 0, 2);
    make(database, &first).await;
    settle(database, &first, outcome((0..3).map(|position| (position, refused_for_now())))).await;
    // Whoever has the batch remembers all three as still to be sent.
    take(database, said(Kind::Delivered, &first, 1, 2)).await;
    let claimed = ask_for(database, &range(batch, 1, 0, 2), &Holder::unwatched()).await;
    assert_eq!(claimed, Claimed::Fenced);
    assert_eq!(send_states(database, batch).await, [0, 2, 0]);
    let run = number(database, "SELECT run_id FROM batches", vec![]).await;
    assert_eq!(waiting(database, run).await.len(), 1, "a fresh message looks again");
}

async fn what_a_clock_says_that_is_wrong_moves_no_letter_out_of_its_time(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 2).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    for (position, at) in [(0, "1970-01-01T00:00:00Z"), (1, "9999-12-31T23:59:59Z")] {
        let happened_at = at.parse().expect("a moment");
        take(database, Feedback { happened_at, ..said(Kind::Opened, &claim, position, 0) }).await;
    }
    let times = "SELECT sent_at, opened_at FROM invitations ORDER BY id";
    let seen = all(database, times, vec![], |row| Ok((row.time(0)?, row.time(1)?))).await;
    let sent = scheduled_at();
    assert_eq!(seen, [(sent, sent), (sent, at(86_400))], "looked at no sooner than it was sent, and no later than now");
}

async fn a_mail_is_believed_about_the_letters_of_its_own_contact_alone(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 2).await;
    let claim = range(batch, 0, 0, 1);
    make(database, &claim).await;
    let contact = number(database, "SELECT contact_id FROM invitations ORDER BY id LIMIT 1", vec![]).await;
    let mail =
        |position| Feedback { source: Source::Mail { contact }, ..said(Kind::BouncedForGood, &claim, position, 3) };
    assert_eq!(take(database, mail(1)).await, Recorded::OfNoLetter, "another's letter of the same call");
    assert_eq!(number(database, "SELECT COUNT(*) FROM suppressions", vec![]).await, 0);
    assert_eq!(take(database, mail(0)).await, NEWS);
}

async fn letters_that_evidence_has_shown_count_as_accepted_by_their_attempt(database: &TestDatabase) {
    let (_, batch) = batch_of(database, 4).await;
    let claim = range(batch, 0, 0, 3);
    make(database, &claim).await;
    let accepted = || number(database, "SELECT accepted FROM sends", vec![]);
    take(database, said(Kind::Sent, &claim, 0, 1)).await;
    take(database, said(Kind::Delivered, &claim, 0, 2)).await;
    assert_eq!(accepted().await, 1, "once a letter");
    let answers = [attempts::accepted(), unknown(), unknown(), refused_for_good()];
    settle(database, &claim, outcome((0..).zip(answers))).await;
    assert_eq!(accepted().await, 1, "what the reply says is counted anew");
    take(database, said(Kind::Delivered, &claim, 1, 2)).await;
    take(database, said(Kind::Sent, &claim, 3, 2)).await;
    assert_eq!(accepted().await, 3);
}
