//! A month's cycle in one process: planned, worked and closed, with a scripted mailer.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use invitation_worker::{InvitationWorker, WorkerOptions};
use shared::{
    clock::Clock,
    firing::Firing,
    links::LinkKeys,
    mail::{Mailer, quota::Quota, template::Templates},
    process::Holder,
    records::{Records, Result},
    run::{State, batch::BatchMessage, job::Job as _, ledger::Ledger, plan::dispatch},
    sqs::{Deadline, Message, Outcome, RecordHandler},
};

use crate::{
    ask,
    attempts::LEASE,
    queues::ScriptedQueue,
    runs::{find, planner, scheduled_at},
    scripted_mailer::ScriptedMailer,
};

/// A worker that sends through these mailers, in their order, as fast as they take it.
pub async fn worker(records: &Records, mailers: &[&Arc<ScriptedMailer>]) -> InvitationWorker {
    paced_worker(records, mailers, None).await
}

/// A worker that keeps to a quota.
pub async fn paced_worker(
    records: &Records,
    mailers: &[&Arc<ScriptedMailer>],
    quota: Option<Quota>,
) -> InvitationWorker {
    worker_with(records, mailers, quota, Clock::standing_at(scheduled_at())).await
}

/// A worker that may keep to a quota, by a clock of a test's own.
pub async fn worker_with(
    records: &Records,
    mailers: &[&Arc<ScriptedMailer>],
    quota: Option<Quota>,
    clock: Clock,
) -> InvitationWorker {
    let mailers = mailers.iter().map(|&mailer| -> Arc<dyn Mailer> { mailer.clone() }).collect();
    worker_through(records, mailers, quota, clock).await
}

/// The same, through whatever mailers.
pub async fn worker_through(
    records: &Records,
    mailers: Vec<Arc<dyn Mailer>>,
    quota: Option<Quota>,
    clock: Clock,
) -> InvitationWorker {
    let keys = LinkKeys::of(records).await.expect("keys");
    let options = WorkerOptions {
        app_base_url: "https://almanac.example".to_owned(),
        unsubscribe_base_url: "https://almanac.example".to_owned(),
        expiration_days: 60,
        rows_per_insert: 100,
        letters_per_call: 50,
        lease: LEASE,
        quota,
    };
    let holder = Holder::unwatched();
    InvitationWorker::new(records.clone(), mailers, Templates::embedded(), keys, clock, holder, options)
        .expect("there is a mailer")
}

/// Plans the cycle of a firing in batches of `batch_size` users; gives the run and its messages.
pub async fn plan(records: &Records, firing: Firing, batch_size: usize) -> (i64, Vec<BatchMessage>) {
    let queue = Arc::new(ScriptedQueue::taking_all());
    let fired = planner(records, queue.clone(), batch_size).fire(firing, Deadline::none()).await.expect("planned");
    let messages = queue.taken().into_iter().map(|batch| BatchMessage { run: fired.run, batch });
    (fired.run, messages.collect())
}

/// Hands a message to a worker.
pub async fn handle(worker: &InvitationWorker, message: BatchMessage) -> Outcome {
    worker.handle(&as_sent(message), Deadline::none()).await.expect("handled")
}

/// The message as a worker receives it.
pub fn as_sent(message: BatchMessage) -> Message {
    Message::saying(serde_json::to_string(&message).expect("ids are JSON"))
}

/// The messages of a run's batches that wait for one.
pub async fn waiting(records: &Records, run: i64) -> Vec<BatchMessage> {
    // What was handed back in this very millisecond waits until the next.
    records.shift_lease_clock(Duration::from_millis(2));
    let queue = ScriptedQueue::taking_all();
    dispatch(records, &queue, run).await.expect("sent");
    queue.taken().into_iter().map(|batch| BatchMessage { run, batch }).collect()
}

/// Plans and works a whole cycle with one worker; gives its run and its ledger, which balances.
pub async fn through(records: &Records, firing: Firing, mailer: &Arc<ScriptedMailer>) -> (i64, Ledger) {
    let (run, messages) = plan(records, firing, 4).await;
    let worker = worker(records, &[mailer]).await;
    for message in messages {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    (run, ledger_of_completed(records, run).await)
}

/// Empties the records, so that a test can begin anew with them.
pub async fn forget_everything(records: &Records) {
    for table in [
        "waiting_reminders",
        "reminders",
        "sends",
        "skips",
        "invitations",
        "cycle_members",
        "batches",
        "outbox",
        "runs",
        "contacts",
        "users",
    ] {
        ask::execute(records, format!("DELETE FROM {table}"), vec![]).await;
    }
}

/// The ledger of a run that has completed, which means that it balances.
pub async fn ledger_of_completed(records: &Records, run: i64) -> Ledger {
    let run = find(records, run).await;
    assert_eq!((run.state, run.error.as_str()), (State::Completed, ""));
    let ledger = run.closing_ledger().expect("a closed run has a ledger");
    assert!(ledger.is_balanced());
    ledger
}

/// The skips of a run as they are stored: user, reason, how many contacts, which.
pub async fn skips(records: &Records, run: i64) -> Vec<(i64, String, i64, String)> {
    let sql = "SELECT user_id, reason, contacts, contact_ids FROM skips WHERE run_id = ? ORDER BY user_id, reason";
    let read = |row: &shared::records::Row| -> Result<_> { Ok((row.int(0)?, row.text(1)?, row.int(2)?, row.text(3)?)) };
    ask::all(records, sql, vec![run.into()], read).await
}

/// How many calls there were, and how many letters wait for another try while none is under way.
const CALLS_AND_WAITING: &str = "SELECT (SELECT COUNT(*) FROM sends), (SELECT COUNT(*) FROM invitations i WHERE i.send_state = 0 \
     AND NOT EXISTS (SELECT 1 FROM sends WHERE state = 0) \
     AND EXISTS (SELECT 1 FROM sends WHERE batch_id * 65536 + last_position >= i.id))";

/// How far the clock goes at a step.
const STEP: Duration = Duration::from_millis(100);

/// How many steps it goes from one call to the next: as long as the longest wait, and less than any time-out.
const STEPS_PER_CALL: usize = 160;

/// Does `work` with tokio's clock paused, and lets it pass only while letters wait for another try: so retries wait as
/// long as they must, in no time, and nothing that takes real time sees it pass. Only for a test on one thread.
pub async fn in_no_time<T>(records: &Records, work: impl Future<Output = T>) -> T {
    // Connections are there before the clock stands still, because opening one has a time-out.
    futures_util::future::join_all((0..4).map(|_| records.read(|tx| async { tx.rows("SELECT 1", &[]).await }.boxed())))
        .await;
    tokio::time::pause();
    // While this waits, tokio does not move its clock by itself.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let hold = tokio::task::spawn_blocking(move || released.recv().ok());
    let mut work = pin!(work);
    let (mut calls_before, mut steps) = (0, 0);
    let done = loop {
        let look = ask::all(records, CALLS_AND_WAITING, vec![], |row| Ok((row.int(0)?, row.int(1)?)));
        tokio::select! {
            biased;
            done = &mut work => break done,
            seen = look => {
                let (calls, waiting) = seen[0];
                if calls != calls_before {
                    (calls_before, steps) = (calls, 0);
                }
                if waiting > 0 && steps < STEPS_PER_CALL {
                    steps += 1;
                    tokio::time::advance(STEP).await;
                }
            }
        }
    };
    drop(release);
    hold.await.expect("it only waited");
    tokio::time::resume();
    done
}
