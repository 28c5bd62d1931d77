//! Every subject is planned once, whoever plans and wherever a planner stops.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::Months;
use futures_util::future::join_all;
use shared::{
    firing::Firing,
    records::Records,
    run::{
        Run,
        control::{self, Control},
        job::Job as _,
        plan::PlanEnd,
    },
    sqs::Deadline,
};
use tests::{
    ask::{execute, number, texts},
    databases::TestDatabase,
    people::{add_contacts, add_user, add_user_with_contacts},
    polls::for_polls,
    queues::ScriptedQueue,
    runs::{find, firing, planner},
};

tests::contract!(
    planners_that_race_over_a_run_plan_each_user_once,
    a_planner_may_stop_anywhere_and_the_next_one_goes_on,
    a_planner_without_time_plans_nothing,
    a_queue_that_fails_loses_nothing,
    a_pause_stops_planning_and_resuming_goes_on,
    who_came_after_the_opening_is_not_planned,
    only_active_users_whose_day_has_come_are_planned,
    users_in_the_months_cycle_already_are_not_planned,
);

/// Users with one to three contacts each; gives how many contacts each has.
async fn crowd(records: &Records, users: usize) -> BTreeMap<i64, u32> {
    let mut crowd = BTreeMap::new();
    for number in 0..users {
        let (user, contacts) = add_user_with_contacts(records, 1 + number % 3).await;
        crowd.insert(user, u32::try_from(contacts.len()).expect("three at most"));
    }
    crowd
}

/// What the batches of a run hold, by user; fails when one is in two batches.
async fn planned_users(records: &Records, run: i64) -> BTreeMap<i64, u32> {
    let mut planned = BTreeMap::new();
    for subjects in texts(records, "SELECT subjects FROM batches WHERE run_id = ?", vec![run.into()]).await {
        for subject in subjects.split(',') {
            let (user, contacts) = subject.split_once(':').expect("id:count");
            let contacts = contacts.parse().expect("a count");
            assert_eq!(planned.insert(user.parse().expect("an id"), contacts), None, "planned twice: {user}");
        }
    }
    planned
}

async fn assert_planned(records: &Records, run: i64, crowd: &BTreeMap<i64, u32>) {
    assert_eq!(&planned_users(records, run).await, crowd);
    let contacts: u64 = crowd.values().copied().map(u64::from).sum();
    let run = find(records, run).await;
    assert_eq!((run.planned, run.plan_complete), (contacts, true));
    let sum =
        number(records, "SELECT COUNT(*) FROM batches WHERE run_id = ? AND queued = 0", vec![run.id.into()]).await;
    assert_eq!(sum, 0, "every batch is queued");
}

async fn planners_that_race_over_a_run_plan_each_user_once(database: &TestDatabase) {
    let crowd = crowd(database, 137).await;
    let other_process = database.another_handle().await;
    let queue = Arc::new(ScriptedQueue::taking_all());
    let run = planner(database, queue.clone(), 2).open(firing()).await.expect("a run").run().clone();
    let planners = (0..6).map(|number| {
        let records = if number % 2 == 0 { database.records() } else { &other_process };
        let (planner, run) = (planner(records, queue.clone(), 2), run.clone());
        tokio::spawn(async move { planner.go_on(&run, Deadline::none()).await })
    });
    for end in join_all(planners).await {
        assert_eq!(end.expect("no panic").expect("who is overtaken goes on"), PlanEnd::Complete);
    }
    assert_planned(database, run.id, &crowd).await;
    let mut taken = queue.taken();
    taken.dedup();
    assert_eq!(taken.len() as i64, number(database, "SELECT COUNT(*) FROM batches", vec![]).await);
}

async fn a_planner_may_stop_anywhere_and_the_next_one_goes_on(database: &TestDatabase) {
    let crowd = crowd(database, 45).await;
    for (month, polls) in (0..).zip([1, 2, 3, 5, 8, 12, 17, 23, 30, 40]) {
        let firing = Firing { scheduled_at: firing().scheduled_at + Months::new(month), ..firing() };
        let queue = Arc::new(ScriptedQueue::taking_all());
        let planner = planner(database, queue.clone(), 2);
        let run = planner.open(firing).await.expect("a run").run().clone();
        for _ in 0..3 {
            for_polls(planner.go_on(&find(database, run.id).await, Deadline::none()), polls).await;
        }
        let end = planner.go_on(&find(database, run.id).await, Deadline::none()).await;
        assert_eq!(end.expect("planned to the end"), PlanEnd::Complete);
        assert_planned(database, run.id, &crowd).await;
    }
}

async fn a_planner_without_time_plans_nothing(database: &TestDatabase) {
    crowd(database, 3).await;
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 2);
    let run = planner.open(firing()).await.expect("a run").run().clone();
    let end = planner.go_on(&run, Deadline::within(std::time::Duration::ZERO)).await.expect("no error");
    assert_eq!(end, PlanEnd::OutOfTime);
    assert!(planned_users(database, run.id).await.is_empty());
}

async fn a_queue_that_fails_loses_nothing(database: &TestDatabase) {
    let crowd = crowd(database, 45).await;
    let opening = planner(database, Arc::new(ScriptedQueue::taking_all()), 1);
    let run = opening.open(firing()).await.expect("a run").run().clone();
    let failing = ScriptedQueue::answering(|_, _| Box::pin(async { anyhow::bail!("the queue is away") }));
    planner(database, Arc::new(failing), 1).go_on(&run, Deadline::none()).await.expect_err("the queue is away");
    let queue = Arc::new(ScriptedQueue::taking_all());
    let end = planner(database, queue.clone(), 1).go_on(&find(database, run.id).await, Deadline::none()).await;
    assert_eq!(end.expect("planned to the end"), PlanEnd::Complete);
    assert_planned(database, run.id, &crowd).await;
    assert_eq!(queue.taken().len(), crowd.len());
}

async fn a_pause_stops_planning_and_resuming_goes_on(database: &TestDatabase) {
    let crowd = crowd(database, 45).await;
    let (records, paused) = (database.records().clone(), Arc::new(AtomicBool::new(false)));
    let pausing = ScriptedQueue::answering(move |_, messages| {
        let (records, first) = (records.clone(), !paused.swap(true, Ordering::Relaxed));
        Box::pin(async move {
            if first {
                control::set(&records, messages[0].run, Control::Pause).await?;
            }
            Ok(Vec::new())
        })
    });
    let planner = planner(database, Arc::new(pausing), 2);
    let run = planner.open(firing()).await.expect("a run").run().clone();
    let plan = async |run: &Run| planner.go_on(run, Deadline::none()).await.expect("no error");
    assert_eq!(plan(&run).await, PlanEnd::Stopped);
    let first_page = planned_users(database, run.id).await.len();
    assert_eq!(first_page, 20, "ten batches of two");
    assert_eq!(plan(&find(database, run.id).await).await, PlanEnd::Stopped, "a paused run stays as it is");
    assert_eq!(planned_users(database, run.id).await.len(), first_page);
    control::set(database, run.id, Control::Run).await.expect("resumed");
    assert_eq!(plan(&find(database, run.id).await).await, PlanEnd::Complete);
    assert_planned(database, run.id, &crowd).await;
}

async fn who_came_after_the_opening_is_not_planned(database: &TestDatabase) {
    let crowd = crowd(database, 5).await;
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 2);
    let run = planner.open(firing()).await.expect("a run").run().clone();
    add_user_with_contacts(database, 3).await;
    let (&old_user, _) = crowd.first_key_value().expect("five users");
    add_contacts(database, old_user, 2).await;
    planner.go_on(&run, Deadline::none()).await.expect("planned");
    assert_planned(database, run.id, &crowd).await;
}

async fn only_active_users_whose_day_has_come_are_planned(database: &TestDatabase) {
    let mut due = BTreeMap::new();
    for (change, is_due) in [
        ("UPDATE users SET send_day = 5 WHERE id = ?", true),
        ("UPDATE users SET send_day = 1 WHERE id = ?", true),
        ("UPDATE users SET send_day = 6 WHERE id = ?", false),
        ("UPDATE users SET active = 0 WHERE id = ?", false),
        ("UPDATE users SET email_verified = 1 WHERE id = ?", true),
    ] {
        let (user, _) = add_user_with_contacts(database, 2).await;
        execute(database, change, vec![user.into()]).await;
        if is_due {
            due.insert(user, 2);
        }
    }
    add_user(database).await;
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 2);
    let fired = planner.fire(firing(), Deadline::none()).await.expect("planned");
    assert_planned(database, fired.run, &due).await;
}

async fn users_in_the_months_cycle_already_are_not_planned(database: &TestDatabase) {
    let mut crowd = crowd(database, 4).await;
    let (member, _) = crowd.pop_first().expect("four users");
    let (of_october, _) = crowd.first_key_value().expect("three users");
    for (month, user) in [(202_611_i64, member), (202_610, *of_october)] {
        let sql = "INSERT INTO cycle_members (month, user_id, batch_id, joined_at) VALUES (?, ?, 999, {now})";
        execute(database, sql, vec![month.into(), user.into()]).await;
    }
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 2);
    let fired = planner.fire(firing(), Deadline::none()).await.expect("planned");
    assert_planned(database, fired.run, &crowd).await;
}
