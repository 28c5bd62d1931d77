//! Runs and batches for tests, with or without a planner.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use monthly_invitations::Planner;
use shared::{
    clock::Clock,
    firing::{Firing, Trigger},
    invitation::InvitationId,
    queue::Queue,
    random,
    records::{Records, Value, never},
    run::{
        self, Opened, Opening, Run,
        batch::{self, BatchMessage},
        close,
        control::Control,
        doubt::WhenInDoubt,
    },
};

use crate::ask;

/// The job of runs that no planner opens.
pub const JOB: &str = "test";

/// The moment for which tests' firings are scheduled: the evening of 5 November 2026 in Paris.
pub fn scheduled_at() -> DateTime<Utc> {
    "2026-11-05T17:00:00Z".parse().expect("a time")
}

/// The schedule's firing at [`scheduled_at`].
pub fn firing() -> Firing {
    Firing::new(scheduled_at(), Trigger::Schedule)
}

/// The invitations' schedule's event, of an evening that is not over: past its deadline its run would wait for a person.
pub fn of_an_evening_to_come(event: &str) -> serde_json::Value {
    let mut event: serde_json::Value = serde_json::from_str(event).expect("an event");
    event["scheduled_time"] = "2196-11-05T17:00:00Z".into();
    event
}

/// A planner of batches of `batch_size` users, whose clock stands at [`scheduled_at`].
pub fn planner(records: &Records, queue: Arc<dyn Queue>, batch_size: usize) -> Planner {
    let clock = Clock::standing_at(scheduled_at());
    Planner {
        records: records.clone(),
        queue,
        clock,
        zone: chrono_tz::Europe::Paris,
        batch_size,
        deadline: TimeDelta::hours(6),
        when_in_doubt: WhenInDoubt::default(),
    }
}

/// What a run is opened with by [`firing`], to begin at once.
pub fn opening(key: impl Into<String>, parameters: &str) -> Opening {
    Opening {
        key: key.into(),
        firing: firing(),
        parameters: parameters.to_owned(),
        control: Control::Run,
        when_in_doubt: WhenInDoubt::default(),
    }
}

/// Opens a run of [`JOB`] with a key of its own.
pub async fn open_run(records: &Records) -> Run {
    let clock = Clock::standing_at(scheduled_at());
    let opened = run::open(records, &clock, JOB, opening(random::token(), "{}")).await;
    match opened.expect("a run") {
        Opened::New(run) => run,
        other => panic!("a key of its own opens a run: {other:?}"),
    }
}

/// Adds to what a run has planned, and says whether the plan is complete.
pub async fn plan_by_hand(records: &Records, run: i64, planned: u64, complete: bool) {
    let sql = "UPDATE runs SET planned = planned + ?, plan_complete = ? WHERE id = ?";
    ask::execute(records, sql, vec![planned.into(), complete.into(), run.into()]).await;
}

/// Adds a batch that no worker has begun.
pub async fn add_planned_batch(records: &Records, run: i64, planned: u32) -> i64 {
    let sql = "INSERT INTO batches (run_id, subjects, planned, cause) VALUES (?, ?, ?, '')";
    let batch = ask::insert(records, sql, vec![run.into(), format!("1:{planned}").into(), planned.into()]).await;
    plan_by_hand(records, run, planned.into(), true).await;
    batch
}

/// Adds a batch that a worker has prepared: one planned invitation for each letter.
pub async fn add_open_batch(records: &Records, run: i64, letters: u32) -> i64 {
    let batch = add_planned_batch(records, run, letters).await;
    let sql = "UPDATE batches SET state = 'open', prepared_by = ? WHERE id = ?";
    ask::execute(records, sql, vec![random::token().into(), batch.into()]).await;
    records
        .transaction(move |tx| {
            async move {
                let row = |position: u32| -> [Value<'_>; 7] {
                    let id = InvitationId::new(batch, position).0;
                    let token = Value::Bytes(vec![7; 32].into());
                    [
                        id.into(),
                        202_611_i64.into(),
                        1_i64.into(),
                        id.into(),
                        "a@example.org".into(),
                        token,
                        never().into(),
                    ]
                };
                let values: Vec<_> = (0..letters).flat_map(row).collect();
                let head =
                    "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, expires_at) VALUES";
                tx.insert_rows(head, 7, "", &values).await
            }
            .boxed()
        })
        .await
        .expect("insertable invitations");
    batch
}

/// Parks a batch, as after its last try, and closes its run if nothing else of it was left.
pub async fn park(records: &Records, message: BatchMessage, cause: &'static str) {
    let parked = records.transaction(move |tx| async move { batch::park(tx, message.batch, cause).await }.boxed());
    assert!(parked.await.expect("parked"), "no call of it is under way");
    let clock = Clock::standing_at(scheduled_at());
    close::try_close(records, &clock, message.run).await.expect("closed, or waiting for others");
}

/// Ends batches that have nothing left to do but what is in doubt, and closes their run.
pub async fn end(records: &Records, run: i64, batches: &[i64]) {
    for &batch in batches {
        let finished = records.transaction(move |tx| batch::finish(tx, batch).boxed()).await.expect("tried");
        assert_eq!(finished, batch::Finished::Yes, "in doubt is an end");
    }
    close::try_close(records, &Clock::standing_at(scheduled_at()), run).await.expect("tried").expect("closed");
}

/// The run as it stands now.
pub async fn find(records: &Records, run: i64) -> Run {
    records.read(move |tx| Run::find(tx, run).boxed()).await.expect("readable").expect("the run is there")
}

/// How a batch's invitations stand, by position: see the migration for the numbers.
pub async fn send_states(records: &Records, batch: i64) -> Vec<i64> {
    let sql = "SELECT send_state FROM invitations WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 ORDER BY id";
    ask::numbers(records, sql, vec![batch.into(), batch.into()]).await
}

/// The word for where a batch stands.
pub async fn batch_state(records: &Records, batch: i64) -> String {
    ask::texts(records, "SELECT state FROM batches WHERE id = ?", vec![batch.into()]).await.remove(0)
}
