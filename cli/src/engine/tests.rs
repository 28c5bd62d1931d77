//! What the engine of one machine promises while something is wrong with what it stands on.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use monthly_invitations::Planner;
use run_keeper::PlannerDoor as _;
use shared::{
    clock::Clock,
    config::Values,
    queue::Queue as _,
    records::Records,
    run::{Opened, Run, batch::BatchMessage, job::Job as _},
};
use tempfile::TempDir;
use tests::{
    ask::{execute, number, texts},
    cycle::worker,
    people::add_user_with_contacts,
    queues::ScriptedQueue,
    runs::{find, firing},
    scripted_mailer::ScriptedMailer,
};
use tokio::sync::Notify;

use super::{Engine, Jobs, PlanHere, Watch};
use crate::stack::Stack;

/// An engine on a home of its own, with one job.
struct House {
    engine: Engine,
    planner: Planner,
    _home: TempDir,
}

impl House {
    async fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let place = home.path().display().to_string();
        let values = Values::gather([("ALMANAC_HOME", place.as_str()), ("EMAIL_TRANSPORTS", "null:")], None);
        let stack = Stack::open(values).await.expect("records");
        let clock = Clock::system();
        let engine = stack.engine(clock.clone()).await.expect("an engine");
        let planner = stack.invitations(&clock).expect("settings");
        let planner = Planner { queue: engine.queue.clone(), batch_size: 1, ..planner };
        let mut house = Self { engine, planner, _home: home };
        house.use_planner();
        house
    }

    /// Has the engine use the planner as it is now.
    fn use_planner(&mut self) {
        self.engine.jobs = Jobs(vec![Arc::new(self.planner.clone())]);
    }

    /// Has the worker send through this mailer.
    async fn send_through(&mut self, mailer: ScriptedMailer) {
        self.engine.worker = Arc::new(worker(&self.engine.records, &[&Arc::new(mailer)]).await);
    }

    /// Opens a cycle of so many batches: a user each, with one contact.
    async fn open(&mut self, batches: usize) -> Run {
        for _ in 0..batches {
            add_user_with_contacts(&self.engine.records, 1).await;
        }
        match self.planner.open(firing()).await.expect("a run") {
            Opened::New(run) => run,
            other => panic!("there was none before: {other:?}"),
        }
    }

    async fn change(&self, sql: &'static str) {
        execute(&self.engine.records, sql, vec![]).await;
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        texts(&self.engine.records, sql, vec![]).await
    }
}

/// Looks away, and never asks to stop.
struct Nobody;

#[async_trait]
impl Watch for Nobody {
    async fn progress(&self, _: &Records, _: &Run) {}

    async fn stopped(&self) {
        std::future::pending().await
    }
}

#[tokio::test]
async fn no_planner_is_started_again_by_a_process_that_is_being_ended() {
    let mut house = House::new().await;
    let run = house.open(1).await;
    let (jobs, stop) = (house.engine.jobs.clone(), house.engine.stop.subscribe());
    let door = PlanHere { jobs, stop };
    house.engine.stop.send_replace(true);
    door.resume(&run).await.expect_err("it was not started, so the start does not count");
    house.engine.stop.send_replace(false);
    door.resume(&run).await.expect("started");
    assert!(find(&house.engine.records, run.id).await.plan_complete);
}

#[tokio::test]
async fn an_engine_that_fails_finishes_the_calls_under_way_first() {
    let mut house = House::new().await;
    // More messages than one call of the queue takes.
    let run = house.open(11).await;
    let calling = Arc::new(Notify::new());
    let (begun, stop) = (calling.clone(), house.engine.stop.clone());
    let until_the_stop = move |_| {
        let (begun, mut stop) = (begun.clone(), stop.subscribe());
        async move {
            begun.notify_one();
            stop.wait_for(|stop| *stop).await.ok();
        }
        .boxed()
    };
    house.send_through(ScriptedMailer::new("scripted", 1).during(until_the_stop)).await;
    let queue = house.engine.queue.clone();
    let failing_once_a_call_is_under_way = move |call: usize, messages: Vec<BatchMessage>| {
        let (calling, queue) = (calling.clone(), queue.clone());
        async move {
            if call > 0 {
                calling.notified().await;
                anyhow::bail!("as the test says");
            }
            let bodies = messages.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
            queue.send(bodies, None).await
        }
        .boxed()
    };
    house.planner.queue = Arc::new(ScriptedQueue::answering(failing_once_a_call_is_under_way));
    house.use_planner();

    let error = house.engine.work_until_closed(&run, &Nobody).await.expect_err("the queue fails");
    assert_eq!(format!("{error:#}"), "planning: as the test says");
    let records = &house.engine.records;
    assert!(number(records, "SELECT COUNT(*) FROM sends", vec![]).await > 0);
    assert_eq!(number(records, "SELECT COUNT(*) FROM sends WHERE state <> 1", vec![]).await, 0, "all accepted");
}

#[tokio::test]
async fn a_step_of_a_keeping_that_fails_and_a_letter_that_cannot_be_recorded_keep_no_others_from_their_turn() {
    let mut house = House::new().await;
    for body in ["first", "second", "third"] {
        let sql = "INSERT INTO queue_messages (queue, body, sent_at, visible_at, receive_count, dead) \
                   VALUES ('invitations', ?, {now}, {now}, 5, 1)";
        execute(&house.engine.records, sql, vec![body.into()]).await;
    }
    house
        .change(
            "CREATE TRIGGER refuse BEFORE INSERT ON dead_letters WHEN NEW.body = 'first' \
             BEGIN SELECT RAISE(ABORT, 'as the test says'); END",
        )
        .await;
    house.engine.locks = house.engine.locks.join("gone");
    house.engine.keep().await;
    assert_eq!(house.texts("SELECT body FROM dead_letters ORDER BY id").await, ["second", "third"]);
    assert_eq!(house.texts("SELECT body FROM queue_messages WHERE dead = 1").await, ["first"], "it waits");
}

#[tokio::test]
async fn messages_that_failed_are_given_back_although_those_that_are_done_cannot_be_deleted() {
    let house = House::new().await;
    let Engine { queue, holder, .. } = &house.engine;
    // Of a batch that there is not, which is done, and of none.
    queue.send(vec![r#"{"run":1,"batch":1}"#.to_owned(), "garbled".to_owned()], None).await.expect("sent");
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON queue_messages \
                  BEGIN SELECT RAISE(ABORT, 'as the test says'); END";
    house.change(refuse).await;
    let received = queue.receive(holder, 10, std::time::Duration::from_secs(60)).await.expect("received");
    assert_eq!(received.len(), 2);
    house.engine.pump(Arc::default()).deliver(received).await;
    assert_eq!(house.texts("SELECT body FROM queue_messages WHERE holder = ''").await, ["garbled"]);
    assert_eq!(house.texts("SELECT body FROM queue_messages WHERE holder <> ''").await.len(), 1, "not deleted");
}
