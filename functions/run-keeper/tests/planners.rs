//! What the keeper does about runs that stand still, and how it asks for a planner.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use run_keeper::{Keeper, Kept, PlannerDoor, RequestRun};
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    firing::{Firing, Trigger},
    news::{News, Notice, RecordsNews},
    objects::FolderObjects,
    run::{
        Run,
        batch::BatchMessage,
        control,
        job::Job as _,
        redrive::{self, Wanted},
    },
    sqs::{Deadline, Outcome},
};
use tests::{
    ask::{execute, number, texts},
    cycle::{handle, ledger_of_completed, plan, worker},
    databases::TestDatabase,
    people::add_user_with_contacts,
    polls::for_polls,
    queues::ScriptedQueue,
    runs,
    scripted_mailer::ScriptedMailer,
};

/// A door that notes for which runs it was used, or is shut.
#[derive(Default)]
struct NotedDoor {
    runs: Mutex<Vec<i64>>,
    shut: Mutex<bool>,
}

#[async_trait]
impl PlannerDoor for NotedDoor {
    async fn resume(&self, run: &Run) -> anyhow::Result<()> {
        anyhow::ensure!(!*self.shut.lock().expect("no test panics here"), "the bus is away");
        self.runs.lock().expect("no test panics here").push(run.id);
        Ok(())
    }
}

struct House {
    database: TestDatabase,
    door: Arc<NotedDoor>,
    keeper: Keeper,
    _home: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let (database, home) = (TestDatabase::sqlite().await, tempfile::tempdir().expect("a folder"));
        let (door, clock) = (Arc::new(NotedDoor::default()), Clock::standing_at(runs::scheduled_at()));
        let keeper = Keeper {
            records: database.records().clone(),
            queue: Arc::new(ScriptedQueue::taking_all()),
            objects: Arc::new(FolderObjects::new(home.path().join("objects")).expect("writable")),
            news: Arc::new(RecordsNews::new(database.records().clone(), clock.clone())),
            door: door.clone(),
            clock,
            zone: chrono_tz::Europe::Paris,
            longest_run: Duration::from_secs(3_600),
        };
        Self { database, door, keeper, _home: home }
    }

    /// What a keeping does two minutes later.
    async fn keep(&self) -> Kept {
        self.keep_after(2).await
    }

    async fn keep_after(&self, minutes: u64) -> Kept {
        self.database.shift_lease_clock(Duration::from_secs(60 * minutes + 1));
        self.keeper.keep(&Deadline::none()).await.expect("kept")
    }

    fn asked(&self) -> usize {
        self.door.runs.lock().expect("no test panics here").len()
    }

    async fn alerts(&self) -> Vec<String> {
        texts(&self.database, "SELECT body FROM news WHERE kind = 'alert' ORDER BY id", vec![]).await
    }
}

#[tokio::test]
async fn a_planner_that_came_no_further_is_asked_for_once_and_then_people_are() {
    let house = House::new().await;
    runs::open_run(&house.database).await;
    assert_eq!(house.keep().await.resumed_planners, 1);
    let kept = house.keep().await;
    assert_eq!((kept.resumed_planners, kept.refused_planners), (0, 0), "its start may wait in Lambda's queue");
    let kept = house.keep_after(10).await;
    assert_eq!((kept.resumed_planners, kept.refused_planners), (0, 1));
    let kept = house.keep_after(10).await;
    assert_eq!((kept.resumed_planners, kept.refused_planners, house.asked()), (0, 0, 1));
    let alerts = house.alerts().await;
    assert!(alerts.len() == 1 && alerts[0].contains("waits for a person"), "{alerts:?}");
}

#[tokio::test]
async fn a_planner_that_could_not_be_asked_for_is_asked_for_by_the_next_keeping() {
    let house = House::new().await;
    runs::open_run(&house.database).await;
    *house.door.shut.lock().expect("no test panics here") = true;
    for _ in 0..3 {
        let kept = house.keep().await;
        assert_eq!((kept.resumed_planners, kept.refused_planners), (0, 0));
    }
    *house.door.shut.lock().expect("no test panics here") = false;
    assert_eq!((house.keep().await.resumed_planners, house.asked()), (1, 1));
}

#[tokio::test]
async fn a_run_that_waits_for_approval_is_neither_begun_nor_stuck_and_begins_once_it_has_it() {
    let house = House::new().await;
    let mut planner = runs::planner(&house.database, Arc::new(ScriptedQueue::taking_all()), 1);
    planner.clock = Clock::standing_at(runs::scheduled_at() + TimeDelta::hours(7));
    let run = planner.fire(runs::firing(), Deadline::none()).await.expect("a firing").run;
    house.keeper.clock.advance(TimeDelta::days(3));
    for _ in 0..2 {
        let kept = house.keep_after(10).await;
        assert_eq!((kept.stuck_runs, kept.resumed_planners, kept.refused_planners, kept.closed_runs), (0, 0, 0, 0));
    }
    let alerts = house.alerts().await;
    assert!(alerts.len() == 1 && alerts[0].contains(&format!("almanac approve {run}")), "{alerts:?}");
    control::approve(&house.database, &house.keeper.clock, run).await.expect("approved");
    let kept = house.keep_after(0).await;
    assert_eq!((kept.stuck_runs, kept.resumed_planners, house.asked()), (0, 1, 1));
}

#[tokio::test]
async fn a_redrive_that_was_cut_off_goes_on_by_the_keeper_alone() {
    let mut house = House::new().await;
    let queue = Arc::new(ScriptedQueue::taking_all());
    house.keeper.queue = queue.clone();
    for _ in 0..3 {
        add_user_with_contacts(&house.database, 2).await;
    }
    let (run, messages) = plan(&house.database, runs::firing(), 1).await;
    let worker = worker(&house.database, &[&Arc::new(ScriptedMailer::new("scripted", 50))]).await;
    for message in messages {
        runs::park(&house.database, message, "timed out").await;
    }
    let opened = redrive::open(&house.database, &house.keeper.clock, run, &Wanted::default()).await.expect("opened");
    let child = opened.run().clone();
    let moving = redrive::advance(&house.database, &house.keeper.clock, &child);
    assert!(for_polls(moving, 2).await.is_none(), "cut off");

    let kept = house.keep().await;
    assert_eq!((kept.requeued_batches, kept.resumed_planners, house.asked()), (3, 0, 0));
    let child = runs::find(&house.database, child.id).await;
    assert_eq!((child.plan_complete, child.planned, queue.taken().len()), (true, 6, 3));
    for batch in queue.taken() {
        assert_eq!(handle(&worker, BatchMessage { run: child.id, batch }).await, Outcome::Done);
    }
    assert_eq!(ledger_of_completed(&house.database, child.id).await.sent, 6);
}

#[tokio::test]
async fn a_run_that_takes_longer_than_it_should_is_said_once() {
    let mut house = House::new().await;
    let run = runs::open_run(&house.database).await;
    house.keeper.clock = Clock::standing_at(run.started_at + chrono::TimeDelta::minutes(61));
    for _ in 0..3 {
        assert_eq!(house.keep().await.stuck_runs, 1);
    }
    let alerts = house.alerts().await;
    assert_eq!(alerts.iter().filter(|alert| alert.contains("run-stuck")).count(), 1, "{alerts:?}");
}

/// A queue that takes nothing.
fn refusing() -> Arc<ScriptedQueue> {
    Arc::new(ScriptedQueue::answering(|_, _| Box::pin(async { anyhow::bail!("the queue is away") })))
}

#[tokio::test]
async fn a_run_that_cannot_be_set_going_is_told_of_and_keeps_nothing_from_the_others() {
    let mut house = House::new().await;
    let stuck = runs::open_run(&house.database).await;
    runs::add_planned_batch(&house.database, stuck.id, 1).await;
    let over = runs::open_run(&house.database).await.id;
    runs::plan_by_hand(&house.database, over, 0, true).await;
    house.keeper.queue = refusing();
    house.keeper.clock = Clock::standing_at(stuck.started_at + chrono::TimeDelta::minutes(61));
    let kept = house.keep().await;
    assert_eq!((kept.requeued_batches, kept.stuck_runs, kept.closed_runs), (0, 1, 1));
    let alerts = house.alerts().await;
    assert!(alerts.iter().any(|alert| alert.contains("run-stuck")), "{alerts:?}");
}

/// News that never answer.
struct Silent;

#[async_trait]
impl News for Silent {
    async fn publish(&self, _: &[Notice]) -> Vec<anyhow::Result<()>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_keeping_that_waits_for_silent_news_writes_the_report_and_ends_in_its_time() {
    let mut house = House::new().await;
    let run = runs::open_run(&house.database).await.id;
    runs::plan_by_hand(&house.database, run, 0, true).await;
    house.keep().await;
    execute(&house.database, "UPDATE outbox SET state = 'due'", vec![]).await;
    house.keeper.news = Arc::new(Silent);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let written = async {
        let sql = "SELECT COUNT(*) FROM outbox WHERE kind = 'report' AND state = 'sent'";
        while number(&house.database, sql, vec![]).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(true).expect("somebody listens");
    };
    let deadline = Deadline::none().or_when(stopped);
    let (kept, ()) = tokio::join!(house.keeper.keep(&deadline), written);
    kept.expect("what is left is the next keeping's");
}

/// News that keep what is published.
#[derive(Default)]
struct Kiosk(Mutex<Vec<Notice>>);

#[async_trait]
impl News for Kiosk {
    async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>> {
        self.0.lock().expect("no test panics here").extend_from_slice(notices);
        notices.iter().map(|_| Ok(())).collect()
    }
}

#[tokio::test]
async fn a_planner_is_asked_for_in_the_words_that_the_bus_carries_and_the_planner_understands() {
    let database = TestDatabase::sqlite().await;
    let run = runs::open_run(&database).await;
    let kiosk = Arc::new(Kiosk::default());
    RequestRun(kiosk.clone()).resume(&run).await.expect("published");
    let notice = kiosk.0.lock().expect("no test panics here").remove(0);
    let detail: Value = serde_json::from_str(&notice.body).expect("JSON");
    let event = json!({"source": "almanac", "detail-type": notice.subject, "detail": detail});

    let schema = include_str!("../../../infra/events/run-requested.schema.json");
    let schema = jsonschema::draft202012::new(&serde_json::from_str(schema).expect("JSON")).expect("a schema");
    let faults: Vec<_> = schema.iter_errors(&event).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");

    let firing = Firing::from_event(&event, &run.job, run.started_at).expect("a firing");
    assert_eq!(firing, Firing::new(run.scheduled_at, Trigger::Resume));
}
