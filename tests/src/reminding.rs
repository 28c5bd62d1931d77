//! The reminders' job in one process: hours that pass, planned and worked at their own time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use invitation_worker::InvitationWorker;
use reminders::Planner;
use shared::{
    clock::Clock,
    firing::{Firing, Trigger},
    queue::Queue,
    records::Records,
    reminders::ReminderDays,
    run::{batch::BatchMessage, doubt::WhenInDoubt, job::Job as _, ledger::Ledger},
    sqs::{Deadline, Outcome},
};

use crate::{
    cycle::{handle, ledger_of_completed, worker_with},
    queues::ScriptedQueue,
    runs::scheduled_at,
    scripted_mailer::ScriptedMailer,
};

/// The moment so many days and hours after the cycle's letters went out.
pub fn after(days: i64, hours: i64) -> DateTime<Utc> {
    scheduled_at() + TimeDelta::days(days) + TimeDelta::hours(hours)
}

/// The schedule's firing at a moment.
pub fn firing(at: DateTime<Utc>) -> Firing {
    Firing::new(at, Trigger::Schedule)
}

/// After how many days reminders are due where a test does not say otherwise.
pub const DAYS: ReminderDays = ReminderDays { first: 3, second: 7 };

/// A planner of reminders after [`DAYS`], whose clock stands at a moment.
pub fn planner(records: &Records, queue: Arc<dyn Queue>, at: DateTime<Utc>) -> Planner {
    Planner {
        records: records.clone(),
        queue,
        clock: Clock::standing_at(at),
        days: DAYS,
        when_in_doubt: WhenInDoubt::default(),
    }
}

/// A worker whose clock stands at a moment.
pub async fn worker(records: &Records, mailer: &Arc<ScriptedMailer>, at: DateTime<Utc>) -> InvitationWorker {
    worker_with(records, &[mailer], None, Clock::standing_at(at)).await
}

/// Plans what comes due at a moment; gives the run and its messages.
pub async fn plan(records: &Records, at: DateTime<Utc>) -> (i64, Vec<BatchMessage>) {
    plan_after(DAYS, records, at).await
}

/// Plans what comes due at a moment after so many days; gives the run and its messages.
async fn plan_after(days: ReminderDays, records: &Records, at: DateTime<Utc>) -> (i64, Vec<BatchMessage>) {
    let queue = Arc::new(ScriptedQueue::taking_all());
    let planner = Planner { days, ..planner(records, queue.clone(), at) };
    let fired = planner.fire(firing(at), Deadline::none()).await.expect("planned");
    assert!(fired.plan_complete);
    let messages = queue.taken().into_iter().map(|batch| BatchMessage { run: fired.run, batch });
    (fired.run, messages.collect())
}

/// Plans and works what comes due at a moment, all of it at that moment; gives the run and its ledger, which balances.
pub async fn through(records: &Records, at: DateTime<Utc>, mailer: &Arc<ScriptedMailer>) -> (i64, Ledger) {
    through_after(DAYS, records, at, mailer).await
}

/// The same for reminders that are due after so many days.
pub async fn through_after(
    days: ReminderDays,
    records: &Records,
    at: DateTime<Utc>,
    mailer: &Arc<ScriptedMailer>,
) -> (i64, Ledger) {
    let (run, messages) = plan_after(days, records, at).await;
    let worker = worker(records, mailer, at).await;
    for message in messages {
        assert_eq!(handle(&worker, message).await, Outcome::Done);
    }
    (run, ledger_of_completed(records, run).await)
}
