//! Teams beyond a page: handed to workers, measured once, judged once, whatever becomes of the messages.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{FutureExt, future::join_all};
use shared::{
    firing::{Firing, Trigger},
    hackathon::{PageMessage, PageWorker, PagedJob, health},
    queue::Queue,
    records::Records,
    run::{
        control::{self, Control},
        fuse::{self, Verdict},
        job::Fired,
    },
    sqs::{Deadline, Message, Outcome, RecordHandler as _},
};
use tests::{
    ask, cycle::ledger_of_completed, databases::TestDatabase, dice::Dice, hub_fake::HubFake, lambda_host::TRACE,
    monitoring, queues::Scripted, runs::find,
};

use crate::{
    looking::Looking,
    support::{looking_monitor, quarter, verdicts},
};

tests::contract!(
    seven_hundred_teams_are_measured_by_many_workers_and_judged_once,
    teams_of_one_page_are_handed_to_nobody,
    what_another_has_measured_meanwhile_stands,
    a_page_that_was_cut_off_is_finished_by_its_message_s_next_receiver,
    a_page_that_was_cut_off_is_finished_by_the_planner_that_the_keeper_starts_again,
    a_worker_that_dies_before_it_judges_leaves_that_to_the_next,
    what_every_message_was_lost_of_is_measured_by_the_planner_that_is_started_again,
    what_the_queue_does_not_take_the_planner_measures_itself,
    a_worker_that_is_quicker_than_its_planner_hinders_nobody,
    a_planner_that_dies_while_it_hands_out_is_followed_by_one_that_does_it_again,
    a_page_of_a_run_that_is_held_back_judged_or_closed_is_nothing,
    a_pause_in_the_middle_of_a_page_lets_nothing_more_be_kept,
    what_workers_do_is_progress_to_the_keeper,
    an_execution_is_noted_by_whoever_ends_the_run,
);

const TEAMS: usize = 700;

const MEASURED: &str = "SELECT COUNT(*) FROM measurements";

/// Where pages' messages go.
type Post = Scripted<PageMessage>;

async fn hub_with(teams: usize) -> HubFake {
    let slugs: Vec<String> = (1..=teams).map(|number| format!("team-{number:04}")).collect();
    HubFake::start(slugs.iter().map(|slug| (&**slug, &[][..]))).await
}

/// A monitor of so many teams.
struct House {
    hub: HubFake,
    post: Arc<Post>,
    looking: Looking,
    monitor: Arc<dyn PagedJob>,
}

impl House {
    async fn new(records: &Records, teams: usize, post: Post) -> Self {
        let (hub, looking, post) = (hub_with(teams).await, Looking::new(), Arc::new(post));
        let monitor = looking_monitor(records, &hub, &looking, Some(post.clone())).await;
        Self { hub, post, looking, monitor }
    }

    async fn fire(&self, trigger: Trigger) -> Fired {
        let fired =
            self.monitor.fire(Firing::new(quarter(0), trigger).traced(TRACE.parse().ok()), Deadline::none()).await;
        assert_eq!(self.hub.faults(), Vec::<String>::new());
        fired.expect("a run")
    }

    /// Fires it, and leaves the rest to workers; gives its run.
    async fn hand_out(&self) -> i64 {
        let fired = self.fire(Trigger::Schedule).await;
        assert!(!fired.plan_complete);
        fired.run
    }

    /// The messages that were taken, as they were sent.
    fn bodies(&self) -> Vec<String> {
        let body = |message| serde_json::to_string(message).expect("ids are JSON");
        self.post.messages().iter().map(body).collect()
    }

    fn worker(&self) -> PageWorker {
        PageWorker::new(vec![self.monitor.clone()])
    }

    async fn handle(&self, body: &str, deadline: Deadline) -> Outcome {
        self.worker().handle(&Message::saying(body), deadline).await.expect("handled")
    }

    /// Every team has a measurement and a verdict, its own; the Hub was told of all in one call, and the ledger balances.
    async fn is_done(&self, records: &Records, run: i64, teams: usize) {
        let verdicts = verdicts(records, run).await;
        let judged: Vec<_> = verdicts.iter().map(|past| (past.team.clone(), past.verdict.score)).collect();
        let expected: Vec<_> = (1..).take(teams).map(|number| (format!("team-{number:04}"), Some(number))).collect();
        assert_eq!(judged, expected);
        assert_eq!(self.hub.told().iter().map(Vec::len).collect::<Vec<_>>(), [teams], "told once");
        assert_eq!(self.hub.faults(), Vec::<String>::new());
        assert_eq!(ask::number(records, MEASURED, vec![]).await, i64::try_from(teams).expect("few"));
        let ledger = ledger_of_completed(records, run).await;
        assert_eq!((ledger.planned, ledger.sent), (teams as u64, teams as u64));
    }
}

/// The message of a page, as it is sent.
fn message(run: i64, after: i64) -> String {
    format!(r#"{{"run":{run},"after":{after}}}"#)
}

async fn measured(records: &Records) -> i64 {
    ask::number(records, MEASURED, vec![]).await
}

async fn seven_hundred_teams_are_measured_by_many_workers_and_judged_once(database: &TestDatabase) {
    let house = House::new(database, TEAMS, Post::taking_all()).await;
    let run = house.hand_out().await;
    let sent = house.bodies();
    assert_eq!(sent, [message(run, 256), message(run, 512)]);
    assert_eq!(house.post.traces(), [Some(TRACE.to_owned())]);
    assert_eq!(measured(database).await, 256, "the first page is the planner's");

    // Each message four times, in any order, to as many processes at once.
    let (mut messages, mut dice) = (vec![sent; 4].concat(), Dice::thrown());
    let mut workers = Vec::new();
    while !messages.is_empty() {
        let body = messages.remove(dice.between(0, messages.len() as u64 - 1));
        let records = database.another_handle().await;
        let monitor = looking_monitor(&records, &house.hub, &house.looking, None).await;
        workers.push(tokio::spawn(async move {
            PageWorker::new(vec![monitor]).handle(&Message::saying(body), Deadline::none()).await
        }));
    }
    for outcome in join_all(workers).await {
        assert_eq!(outcome.expect("no panic").expect("handled"), Outcome::Done);
    }
    house.is_done(database, run, TEAMS).await;
}

async fn teams_of_one_page_are_handed_to_nobody(database: &TestDatabase) {
    let house = House::new(database, 256, Post::taking_all()).await;
    let fired = house.fire(Trigger::Schedule).await;
    assert!(fired.plan_complete && house.bodies().is_empty());
    house.is_done(database, fired.run, 256).await;
}

async fn what_another_has_measured_meanwhile_stands(database: &TestDatabase) {
    let house = House::new(database, 400, Post::taking_all()).await;
    let run = house.hand_out().await;
    let body = house.bodies().remove(0);
    house.looking.stuck_at(300);
    let (handled, ()) = tokio::join!(house.handle(&body, Deadline::none()), async {
        house.looking.is_there().await;
        let sql = "INSERT INTO measurements (run_id, position, measured) VALUES (?, 290, '9'), (?, 390, '9')";
        ask::execute(database, sql, vec![run.into(), run.into()]).await;
        house.looking.goes_on();
    });
    assert_eq!(handled, Outcome::Done);
    let points: Vec<_> = verdicts(database, run).await.into_iter().map(|past| past.verdict.score).collect();
    let expected = (1..=400).map(|number| Some(if [290, 390].contains(&number) { 9 } else { number }));
    assert_eq!(points, expected.collect::<Vec<_>>());
    assert_eq!(ledger_of_completed(database, run).await.sent, 400);
}

async fn a_page_that_was_cut_off_is_finished_by_its_message_s_next_receiver(database: &TestDatabase) {
    let house = House::new(database, 400, Post::taking_all()).await;
    let run = house.hand_out().await;
    let body = house.bodies().remove(0);
    let stopped = house.handle(&body, house.looking.stuck_at(300)).await;
    assert_eq!(stopped, Outcome::Retry { cause: "time was up before the page was".to_owned() });
    assert_eq!(measured(database).await, 299, "what was measured is kept");
    house.looking.goes_on();
    assert_eq!(house.handle(&body, Deadline::none()).await, Outcome::Done);
    house.is_done(database, run, 400).await;
    let looked_at = house.looking.looked_at();
    assert_eq!(looked_at.len(), 401, "only whom it was cut off at was looked at again");
    assert_eq!(looked_at[299..301], ["team-0300", "team-0300"]);
}

async fn a_page_that_was_cut_off_is_finished_by_the_planner_that_the_keeper_starts_again(database: &TestDatabase) {
    let house = House::new(database, 400, Post::taking_all()).await;
    let run = house.hand_out().await;
    let body = house.bodies().remove(0);
    // Killed: it has no time to keep anything.
    house.looking.stuck_at(350);
    let worker = house.worker();
    let message = Message::saying(body);
    tokio::select! {
        ended = worker.handle(&message, Deadline::none()) => panic!("it hangs: {ended:?}"),
        () = house.looking.is_there() => {}
    }
    let kept = measured(database).await;
    assert!((256 + 64..350).contains(&kept), "a portion, and no more than it measured: {kept}");
    house.looking.goes_on();
    assert!(house.fire(Trigger::Resume).await.plan_complete);
    house.is_done(database, run, 400).await;
    assert_eq!(house.bodies().len(), 1, "what was handed out once is not again");
}

async fn a_worker_that_dies_before_it_judges_leaves_that_to_the_next(database: &TestDatabase) {
    for (number, by_message) in [(0, true), (1, false)] {
        let house = House::new(database, 300, Post::taking_all()).await;
        let firing = |trigger| Firing::new(quarter(number), trigger);
        let fired = house.monitor.fire(firing(Trigger::Schedule), Deadline::none()).await.expect("a run");
        let body = house.bodies().remove(0);
        let stopped = house.handle(&body, house.looking.until(300)).await;
        assert!(matches!(stopped, Outcome::Retry { .. }), "{stopped:?}");
        let of_run = "SELECT COUNT(*) FROM measurements WHERE run_id = ?";
        assert_eq!(ask::number(database, of_run, vec![fired.run.into()]).await, 300);
        assert!(verdicts(database, fired.run).await.is_empty());
        house.looking.goes_on();
        match by_message {
            true => assert_eq!(house.handle(&body, Deadline::none()).await, Outcome::Done),
            false => drop(house.monitor.fire(firing(Trigger::Resume), Deadline::none()).await.expect("a run")),
        }
        assert_eq!(verdicts(database, fired.run).await.len(), 300);
        assert_eq!(house.hub.told().len(), 1);
        assert_eq!(house.looking.looked_at().len(), 300, "nobody is measured again");
        assert_eq!(ledger_of_completed(database, fired.run).await.sent, 300);
    }
}

async fn what_every_message_was_lost_of_is_measured_by_the_planner_that_is_started_again(database: &TestDatabase) {
    let house = House::new(database, TEAMS, Post::taking_all()).await;
    let run = house.hand_out().await;
    assert!(house.fire(Trigger::Resume).await.plan_complete);
    house.is_done(database, run, TEAMS).await;
    assert_eq!((house.looking.looked_at().len(), house.bodies().len()), (TEAMS, 2));
    for body in house.bodies() {
        assert_eq!(house.handle(&body, Deadline::none()).await, Outcome::Done, "one that comes after all");
    }
    house.is_done(database, run, TEAMS).await;
}

async fn what_the_queue_does_not_take_the_planner_measures_itself(database: &TestDatabase) {
    let house = House::new(database, TEAMS, Post::answering(|_, _| Box::pin(async { Ok(vec![0]) }))).await;
    let run = house.hand_out().await;
    assert_eq!(house.bodies(), [message(run, 512)]);
    assert_eq!(measured(database).await, 512);
    assert_eq!(house.handle(&house.bodies()[0], Deadline::none()).await, Outcome::Done);
    house.is_done(database, run, TEAMS).await;

    let another = TestDatabase::sqlite().await;
    let house =
        House::new(&another, TEAMS, Post::answering(|_, _| Box::pin(async { anyhow::bail!("the queue is away") })))
            .await;
    let fired = house.fire(Trigger::Schedule).await;
    assert!(fired.plan_complete, "a queue that is away hinders nobody");
    house.is_done(&another, fired.run, TEAMS).await;
}

/// A queue whose worker is done with a message before it has said that it took it.
struct Instant {
    worker: Mutex<Option<Arc<PageWorker>>>,
    sent: Mutex<Vec<String>>,
}

#[async_trait]
impl Queue for Instant {
    async fn send(&self, bodies: Vec<String>, _: Option<&str>) -> anyhow::Result<Vec<usize>> {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("it is set");
        for body in &bodies {
            assert_eq!(worker.handle(&Message::saying(body), Deadline::none()).await?, Outcome::Done);
        }
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).extend(bodies);
        Ok(Vec::new())
    }
}

async fn a_worker_that_is_quicker_than_its_planner_hinders_nobody(database: &TestDatabase) {
    let house = House::new(database, TEAMS, Post::taking_all()).await;
    let queue = Arc::new(Instant { worker: Mutex::default(), sent: Mutex::default() });
    let monitor = looking_monitor(database, &house.hub, &house.looking, Some(queue.clone())).await;
    *queue.worker.lock().expect("no panic") = Some(Arc::new(house.worker()));
    let fired = monitoring::fire(&*monitor, &house.hub, quarter(0)).await;
    house.is_done(database, fired.run, TEAMS).await;
    assert_eq!(queue.sent.lock().expect("no panic").len(), 2, "each page was handed out once");
}

/// A queue that takes messages and never says so.
struct Silent(Arc<Post>);

#[async_trait]
impl Queue for Silent {
    async fn send(&self, bodies: Vec<String>, trace: Option<&str>) -> anyhow::Result<Vec<usize>> {
        self.0.send(bodies, trace).await?;
        std::future::pending().await
    }
}

async fn a_planner_that_dies_while_it_hands_out_is_followed_by_one_that_does_it_again(database: &TestDatabase) {
    let house = House::new(database, TEAMS, Post::taking_all()).await;
    let dying = looking_monitor(database, &house.hub, &house.looking, Some(Arc::new(Silent(house.post.clone())))).await;
    let all_sent = async {
        while house.bodies().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        fired = dying.fire(Firing::new(quarter(0), Trigger::Schedule), Deadline::none()) => panic!("{fired:?}"),
        () = all_sent => {}
    }
    let fired = house.fire(Trigger::Resume).await;
    assert!(!fired.plan_complete);
    assert_eq!(house.bodies().len(), 4, "the messages are there twice");
    for body in house.bodies() {
        assert_eq!(house.handle(&body, Deadline::none()).await, Outcome::Done);
    }
    house.is_done(database, fired.run, TEAMS).await;
    assert_eq!(house.looking.looked_at().len(), TEAMS);
}

async fn a_page_of_a_run_that_is_held_back_judged_or_closed_is_nothing(database: &TestDatabase) {
    let house = House::new(database, 300, Post::taking_all()).await;
    let run = house.hand_out().await;
    let body = house.bodies().remove(0);
    let nothing_happens = async |what: &str| {
        let before = find(database, run).await;
        assert_eq!(house.handle(&body, Deadline::none()).await, Outcome::Done, "{what}");
        assert_eq!(house.looking.looked_at().len(), 256, "{what}");
        let after = find(database, run).await;
        assert_eq!((after.checkpoint, after.state), (before.checkpoint, before.state), "{what}");
    };
    control::set(database, run, Control::Pause).await.expect("paused");
    nothing_happens("paused").await;
    control::set(database, run, Control::Run).await.expect("resumed");
    let at = |checkpoint: i64| {
        let values = vec![checkpoint.into(), run.into()];
        ask::execute(database, "UPDATE runs SET checkpoint = ? WHERE id = ?", values)
    };
    let handed_out = find(database, run).await.checkpoint;
    at(1 << 52).await;
    nothing_happens("judged").await;
    at(handed_out).await;
    control::set(database, run, Control::Cancel).await.expect("cancelled");
    nothing_happens("cancelled").await;
    shared::run::close::try_close(database, house.monitor.clock(), run).await.expect("closing").expect("closed");
    nothing_happens("closed").await;
    let ledger = find(database, run).await.closing_ledger().expect("a ledger");
    assert_eq!((ledger.is_balanced(), ledger.skipped.get("cancelled")), (true, Some(&300)));
    assert!(house.hub.told().is_empty());
}

async fn a_pause_in_the_middle_of_a_page_lets_nothing_more_be_kept(database: &TestDatabase) {
    let house = House::new(database, 400, Post::taking_all()).await;
    let run = house.hand_out().await;
    let body = house.bodies().remove(0);
    house.looking.stuck_at(300);
    let (handled, ()) = tokio::join!(house.handle(&body, Deadline::none()), async {
        house.looking.is_there().await;
        control::set(database, run, Control::Pause).await.expect("paused");
        house.looking.goes_on();
    });
    assert_eq!(handled, Outcome::Done);
    assert_eq!(measured(database).await, 256);
    assert!(house.looking.looked_at().len() < 400, "nor is the rest measured");
    control::set(database, run, Control::Run).await.expect("resumed");
    assert!(house.fire(Trigger::Resume).await.plan_complete, "its planner goes on");
    house.is_done(database, run, 400).await;
}

async fn what_workers_do_is_progress_to_the_keeper(database: &TestDatabase) {
    const SILENCE: Duration = Duration::from_secs(120);
    let house = House::new(database, TEAMS, Post::taking_all()).await;
    let run = house.hand_out().await;
    let ask = async || fuse::ask(database, run, SILENCE).await.expect("asked");
    let late = || database.shift_lease_clock(5 * SILENCE + Duration::from_secs(1));
    late();
    assert!(matches!(ask().await, Verdict::Resume(_)), "nobody has done anything for a while");
    late();
    let [first, second] = [0, 1].map(|index| house.bodies()[index].clone());
    let stopped = house.handle(&first, house.looking.until(400)).await;
    assert!(matches!(stopped, Outcome::Retry { .. }), "{stopped:?}");
    assert_eq!(ask().await, Verdict::Wait, "a worker did something a moment ago");
    late();
    assert!(matches!(ask().await, Verdict::Resume(_)), "and since the last start: it is worth another");
    house.looking.goes_on();
    for body in [first, second] {
        assert_eq!(house.handle(&body, Deadline::none()).await, Outcome::Done);
    }
    house.is_done(database, run, TEAMS).await;
}

async fn an_execution_is_noted_by_whoever_ends_the_run(database: &TestDatabase) {
    let house = House::new(database, TEAMS, Post::taking_all()).await;
    house.hand_out().await;
    let noted = async || {
        let all = database.read(|tx| health::all(tx).boxed()).await.expect("readable");
        all.get("cost-tracking").map_or((0, 0, 0), |health| (health.succeeded, health.failed, health.teams))
    };
    assert_eq!(noted().await, (0, 0, 0), "it is not over");
    let [first, second] = [0, 1].map(|index| house.bodies()[index].clone());
    house.handle(&first, Deadline::none()).await;
    assert_eq!(noted().await, (0, 0, 0));
    house.handle(&second, Deadline::none()).await;
    assert_eq!(noted().await, (1, 0, TEAMS as u64));
}

#[tokio::test]
async fn what_stands_for_no_page_of_a_monitor_that_is_on_is_passed_over_and_what_cannot_be_read_comes_again() {
    let database = TestDatabase::sqlite().await;
    let house = House::new(&database, 1, Post::taking_all()).await;
    let skipped = |reason: &str| Outcome::Skip { reason: reason.to_owned() };
    assert_eq!(house.handle(r#"{"run":7,"after":256}"#, Deadline::none()).await, skipped("there is no run 7"));
    let run = tests::runs::open_run(&database).await.id;
    let of_another = message(run, 256);
    let passed_over = house.handle(&of_another, Deadline::none()).await;
    assert_eq!(passed_over, skipped("test is switched off, or is no monitor of this function"));
    let off =
        PageWorker::new(Vec::new()).handle(&Message::saying(of_another), Deadline::none()).await.expect("handled");
    assert_eq!(off, skipped("every monitor of this function is switched off"));
    for body in ["", "{}", r#"{"run":1}"#, r#"{"run":1,"batch":2}"#, r#"{"run":"a@example.org","after":1}"#] {
        let error = house.worker().handle(&Message::saying(body), Deadline::none()).await.expect_err("unreadable");
        assert_eq!(error.to_string(), "the message is not {\"run\":…,\"after\":…}", "{body}");
    }
}
