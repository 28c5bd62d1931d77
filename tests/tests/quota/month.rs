//! A month's letters through workers that keep to a quota, and a provider that enforces one.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use shared::{
    clock::Clock,
    mail::Mailer,
    records::never,
    run::{batch::BatchMessage, ledger::Ledger},
    sqs::Outcome,
};
use tests::{
    ask::{number, numbers, texts},
    cycle::{handle, ledger_of_completed, plan, waiting, worker_through},
    databases::TestDatabase,
    letters,
    people::add_user_with_contacts,
    runs::{firing, scheduled_at},
    ses_fake::{Account, Behaviour, SesFake},
};

use crate::limits::{fake_with, quota, ses};

tests::contract!(
    whoever_the_provider_throttles_is_written_to_later_and_once,
    when_the_day_s_quota_is_used_up_the_rest_waits_for_the_next,
);

const WORKERS: usize = 3;

/// Hands each message to a worker of its own, all at once.
async fn work(database: &TestDatabase, fake: &SesFake, messages: Vec<BatchMessage>) -> Vec<Outcome> {
    let work = messages.into_iter().map(|message| async move {
        let mailer: Arc<dyn Mailer> =
            letters::mailer(&format!("ses+http://{}", fake.address())).await.expect("a mailer");
        let clock = Clock::standing_at(scheduled_at());
        let worker = worker_through(database, vec![mailer], Some(quota(database, None, ses(fake))), clock).await;
        handle(&worker, message).await
    });
    join_all(work).await
}

async fn cycle_of(database: &TestDatabase, contacts: usize) -> (i64, Vec<BatchMessage>) {
    for _ in 0..WORKERS {
        add_user_with_contacts(database, contacts).await;
    }
    plan(database, firing(), 1).await
}

/// Lets time pass and has what waits sent, until the run is closed.
async fn finish(database: &TestDatabase, fake: &SesFake, run: i64) -> Ledger {
    for _ in 0..20 {
        database.shift_lease_clock(Duration::from_mins(15));
        match waiting(database, run).await {
            messages if messages.is_empty() => break,
            messages => work(database, fake, messages).await,
        };
    }
    ledger_of_completed(database, run).await
}

async fn whoever_the_provider_throttles_is_written_to_later_and_once(database: &TestDatabase) {
    let (run, messages) = cycle_of(database, 40).await;
    // Others send with the same account now and then, so that it is at its limit without our knowing.
    let others = |call| match call {
        1 | 2 => Behaviour::Refuse(429, "TooManyRequestsException"),
        _ => Behaviour::Accept,
    };
    let fake = SesFake::with_script(others).await.expect("a server");
    fake.set_account(Some(Account { per_second: 50.0, per_day: -1.0, sent: 0.0, enabled: true }));
    work(database, &fake, messages).await;
    let held = "SELECT COUNT(*) FROM send_log WHERE held_until > ?";
    assert_eq!(number(database, held, vec![never().into()]).await, 1, "the other workers were told");
    let ledger = finish(database, &fake, run).await;
    assert_eq!((ledger.planned, ledger.sent, ledger.failed, ledger.in_doubt), (120, 120, 0, 0));
    assert_eq!((fake.tally().received(), fake.tally().distinct()), (120, 120));
}

async fn when_the_day_s_quota_is_used_up_the_rest_waits_for_the_next(database: &TestDatabase) {
    let (run, mut messages) = cycle_of(database, 40).await;
    let account = Account { per_second: 1_000.0, per_day: 100.0, sent: 30.0, enabled: true };
    let fake = fake_with(account).await;
    // One looks up the quota for all.
    let mut outcomes = work(database, &fake, vec![messages.remove(0)]).await;
    outcomes.extend(work(database, &fake, messages).await);
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Outcome::Later { .. })), "{outcomes:?}");
    assert_eq!((fake.tally().received(), fake.throttled()), (70, 0), "no call was made in vain");
    let claimed = numbers(database, "SELECT letters FROM sends", vec![]).await;
    assert_eq!(claimed.iter().sum::<i64>(), 70, "nor a claim");
    let causes = texts(database, "SELECT DISTINCT cause FROM batches WHERE state = 'open'", vec![]).await;
    assert_eq!(causes, ["the sending quota leaves no room now"]);
    // There is more now; a day later it would be the same.
    fake.set_account(Some(Account { per_day: 200.0, ..account }));
    let ledger = finish(database, &fake, run).await;
    assert_eq!((ledger.sent, fake.tally().distinct(), fake.throttled()), (120, 120, 0));
}
