//! A planner that came no further since it was last started again is not started again by itself.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use shared::{
    clock::Clock,
    firing::{Firing, Trigger},
    records::Records,
    run::{
        Run,
        close::try_close,
        control::{self, Control},
        fuse::{self, Permit, Verdict},
        history,
        job::Job as _,
    },
    sqs::Deadline,
};
use tests::{
    ask::{execute, number, texts},
    databases::TestDatabase,
    people::add_user_with_contacts,
    queues::ScriptedQueue,
    runs::{find, firing, open_run, plan_by_hand, planner},
};

tests::contract!(
    a_planner_that_works_is_left_alone,
    a_planner_that_stands_still_is_started_again_by_one_keeper,
    a_planner_that_comes_further_is_started_again_as_often_as_it_stops,
    a_planner_that_came_no_further_is_refused_once_and_alerted,
    a_permit_that_could_not_be_used_does_not_count,
    a_planner_that_comes_further_after_all_needs_nobody,
    a_person_who_resumes_the_run_lets_its_planner_start_again,
    a_refused_run_that_is_closed_waits_for_nobody,
    a_planner_refuses_to_be_started_again_but_plans_for_a_person,
);

const SILENCE: Duration = Duration::from_secs(120);
const RAISED: &str = "SELECT cause FROM alerts WHERE state = 'raised'";
const SAID: &str = "SELECT COUNT(*) FROM outbox WHERE kind = 'alerts-triggered'";

async fn ask(records: &Records, run: i64) -> Verdict {
    fuse::ask(records, run, SILENCE).await.expect("asked")
}

async fn is_resumed(records: &Records, run: i64) -> Permit {
    match ask(records, run).await {
        Verdict::Resume(permit) => permit,
        other => panic!("{other:?}"),
    }
}

/// Lets the planner's silence pass.
fn wait(records: &Records) {
    records.shift_lease_clock(SILENCE + Duration::from_secs(1));
}

/// Lets a start that came to nothing be taken for vain.
fn wait_for_a_start(records: &Records) {
    records.shift_lease_clock(5 * SILENCE + Duration::from_secs(1));
}

async fn advance(records: &Records, run: i64) {
    let sql = "UPDATE runs SET checkpoint = checkpoint + 1, checkpoint_at = {now} WHERE id = ?";
    execute(records, sql, vec![run.into()]).await;
}

/// A run whose planner was started again in vain.
async fn refused_run(database: &TestDatabase) -> Run {
    let run = open_run(database).await.id;
    wait(database);
    is_resumed(database, run).await;
    wait(database);
    assert_eq!(ask(database, run).await, Verdict::Wait, "its start may wait in Lambda's queue");
    wait_for_a_start(database);
    assert_eq!(ask(database, run).await, Verdict::Refuse);
    find(database, run).await
}

async fn a_planner_that_works_is_left_alone(database: &TestDatabase) {
    let run = open_run(database).await.id;
    assert_eq!(ask(database, run).await, Verdict::Wait, "it was opened a moment ago");
    wait(database);
    advance(database, run).await;
    assert_eq!(ask(database, run).await, Verdict::Wait, "it came further a moment ago");
    plan_by_hand(database, run, 0, true).await;
    wait(database);
    assert_eq!(ask(database, run).await, Verdict::Wait, "it is done");
}

async fn a_planner_that_stands_still_is_started_again_by_one_keeper(database: &TestDatabase) {
    let other_process = database.another_handle().await;
    let run = open_run(database).await.id;
    for expected in ["resume", "refuse"] {
        wait_for_a_start(database);
        wait_for_a_start(&other_process);
        let keepers = (0..12).map(|number| {
            let records = if number % 2 == 0 { database.records().clone() } else { other_process.clone() };
            tokio::spawn(async move { ask(&records, run).await })
        });
        let verdicts = join_all(keepers).await.into_iter().map(|verdict| verdict.expect("no panic"));
        let told: Vec<_> = verdicts.filter(|verdict| *verdict != Verdict::Wait).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(matches!(told[0], Verdict::Resume(_)), expected == "resume");
    }
    assert_eq!(number(database, SAID, vec![]).await, 1);
}

async fn a_planner_that_comes_further_is_started_again_as_often_as_it_stops(database: &TestDatabase) {
    let run = open_run(database).await.id;
    for _ in 0..5 {
        wait(database);
        is_resumed(database, run).await;
        assert_eq!(ask(database, run).await, Verdict::Wait, "it was started a moment ago");
        advance(database, run).await;
    }
    assert!(texts(database, RAISED, vec![]).await.is_empty());
}

async fn a_planner_that_came_no_further_is_refused_once_and_alerted(database: &TestDatabase) {
    let run = refused_run(database).await;
    assert!(run.waits_for_person());
    let asked = run.clone();
    let progress = database.read(move |tx| {
        let run = asked.clone();
        async move { history::progress(tx, &run).await }.boxed()
    });
    let progress = progress.await.expect("read");
    assert_eq!(progress.waits_for, Some(format!("waits for a person: almanac runs show {}", run.id)));
    for _ in 0..3 {
        wait(database);
        assert_eq!(ask(database, run.id).await, Verdict::Wait);
    }
    assert_eq!(texts(database, RAISED, vec![]).await, ["planner-refused"]);
    let said = texts(database, "SELECT kind FROM outbox WHERE kind LIKE 'alert%' ORDER BY id", vec![]).await;
    assert_eq!(said, ["alert", "alerts-triggered"]);
}

async fn a_permit_that_could_not_be_used_does_not_count(database: &TestDatabase) {
    let run = open_run(database).await.id;
    wait(database);
    for _ in 0..3 {
        let permit = is_resumed(database, run).await;
        fuse::give_back(database, &permit).await.expect("given back");
    }
    let late = is_resumed(database, run).await;
    wait(database);
    advance(database, run).await;
    wait(database);
    is_resumed(database, run).await;
    fuse::give_back(database, &late).await.expect("tried");
    assert_eq!(ask(database, run).await, Verdict::Wait, "another keeper's permit is not taken from it");
}

async fn a_planner_that_comes_further_after_all_needs_nobody(database: &TestDatabase) {
    let run = refused_run(database).await.id;
    advance(database, run).await;
    assert!(!find(database, run).await.waits_for_person());
    wait(database);
    is_resumed(database, run).await;
    assert!(texts(database, RAISED, vec![]).await.is_empty());
    assert_eq!(number(database, SAID, vec![]).await, 2);
}

async fn a_person_who_resumes_the_run_lets_its_planner_start_again(database: &TestDatabase) {
    let run = refused_run(database).await.id;
    control::set(database, run, Control::Run).await.expect("set");
    assert!(!find(database, run).await.waits_for_person());
    assert!(texts(database, RAISED, vec![]).await.is_empty());
    is_resumed(database, run).await;
    wait(database);
    assert_eq!(ask(database, run).await, Verdict::Wait, "its start may wait in Lambda's queue");
    wait_for_a_start(database);
    assert_eq!(ask(database, run).await, Verdict::Refuse, "once, and not for ever");
    assert_eq!(number(database, SAID, vec![]).await, 3);
}

async fn a_refused_run_that_is_closed_waits_for_nobody(database: &TestDatabase) {
    let run = refused_run(database).await.id;
    control::set(database, run, Control::Cancel).await.expect("set");
    try_close(database, &Clock::system(), run).await.expect("tried").expect("closed");
    assert!(!find(database, run).await.waits_for_person());
    assert!(texts(database, RAISED, vec![]).await.is_empty());
}

async fn a_planner_refuses_to_be_started_again_but_plans_for_a_person(database: &TestDatabase) {
    add_user_with_contacts(database, 2).await;
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 10);
    let run = planner.open(firing()).await.expect("opened and then left").run().id;
    let by = |trigger| Firing { trigger, ..firing() };
    wait(database);
    is_resumed(database, run).await;
    wait(database);
    assert_eq!(ask(database, run).await, Verdict::Wait, "its start may wait in Lambda's queue");
    wait_for_a_start(database);
    assert_eq!(ask(database, run).await, Verdict::Refuse);

    let refused = planner.fire(by(Trigger::Resume), Deadline::none()).await.expect("a firing");
    assert_eq!((refused.met, refused.plan_complete, find(database, run).await.planned), ("refused", false, 0));
    assert!(find(database, run).await.waits_for_person());

    let fired = planner.fire(by(Trigger::Manual), Deadline::none()).await.expect("a firing");
    assert_eq!((fired.met, fired.plan_complete, find(database, run).await.planned), ("joined", true, 2));
    assert!(texts(database, RAISED, vec![]).await.is_empty());
}
