//! One run for each job and key, whoever fires and however often.

use std::sync::Arc;

use futures_util::future::join_all;
use shared::{
    clock::Clock,
    firing::Firing,
    run::{self, Opened, State, doubt::WhenInDoubt, job::Job as _},
    sqs::Deadline,
};
use tests::{
    ask::number,
    databases::TestDatabase,
    people::add_user_with_contacts,
    queues::ScriptedQueue,
    runs::{JOB, find, firing, opening, planner, scheduled_at},
};

tests::contract!(
    ten_firings_at_once_are_one_run_with_one_owner,
    keys_and_jobs_are_runs_of_their_own,
    a_firing_keeps_the_parameters_of_the_one_that_opened_the_run,
    a_firing_on_a_closed_run_reports_its_ledger,
    a_cycle_in_which_nobody_is_due_is_closed_at_once,
    a_second_firing_plans_what_the_first_left,
    a_run_keeps_the_policy_about_doubts_with_which_it_was_opened,
);

async fn ten_firings_at_once_are_one_run_with_one_owner(database: &TestDatabase) {
    let other_process = database.another_handle().await;
    for key in ["2026-11/05", "2026-11/06", "2026-11/07"] {
        let firings = (0..10).map(|number| {
            let records = if number % 2 == 0 { database.records().clone() } else { other_process.clone() };
            tokio::spawn(async move { run::open(&records, &Clock::system(), JOB, opening(key, "{}")).await })
        });
        let opened: Vec<Opened> = join_all(firings)
            .await
            .into_iter()
            .map(|opened| opened.expect("no panic").expect("every firing finds the run"))
            .collect();
        assert_eq!(opened.iter().filter(|opened| matches!(opened, Opened::New(_))).count(), 1);
        assert_eq!(opened.iter().filter(|opened| matches!(opened, Opened::Joined(_))).count(), 9);
        assert!(opened.iter().all(|one| one.run().id == opened[0].run().id));
    }
    assert_eq!(number(database, "SELECT COUNT(*) FROM runs", vec![]).await, 3);
}

async fn keys_and_jobs_are_runs_of_their_own(database: &TestDatabase) {
    let mut runs = Vec::new();
    for (job, key) in [("a", "1"), ("a", "2"), ("b", "1"), ("A", "1"), ("a", "1")] {
        let opened = run::open(database, &Clock::system(), job, opening(key, "{}")).await;
        runs.push(opened.expect("opened").run().id);
    }
    assert_eq!(runs[0], runs[4]);
    runs.pop();
    runs.sort_unstable();
    runs.dedup();
    assert_eq!(runs.len(), 4);
}

async fn a_firing_keeps_the_parameters_of_the_one_that_opened_the_run(database: &TestDatabase) {
    for parameters in ["first", "second"] {
        let key = "2026-11/05".to_owned();
        let opened = run::open(database, &Clock::system(), JOB, opening(key, parameters)).await;
        let run = opened.expect("opened").run().clone();
        assert_eq!((run.parameters.as_str(), run.trigger.as_str()), ("first", "schedule"));
        assert_eq!(run.scheduled_at, scheduled_at());
    }
}

async fn a_firing_on_a_closed_run_reports_its_ledger(database: &TestDatabase) {
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 10);
    let first = planner.fire(firing(), Deadline::none()).await.expect("a firing");
    let again = planner.fire(firing(), Deadline::none()).await.expect("a firing");
    assert_eq!((again.met, again.run), ("closed", first.run));
    let ledger = again.ledger.expect("a closed run has a ledger");
    assert_eq!((ledger.planned, ledger.accounted()), (0, 0));
}

async fn a_cycle_in_which_nobody_is_due_is_closed_at_once(database: &TestDatabase) {
    let (user, _) = add_user_with_contacts(database, 2).await;
    tests::ask::execute(database, "UPDATE users SET send_day = 6 WHERE id = ?", vec![user.into()]).await;
    let planner = planner(database, Arc::new(ScriptedQueue::taking_all()), 10);
    let fired = planner.fire(firing(), Deadline::none()).await.expect("a firing");
    let run = find(database, fired.run).await;
    assert_eq!((run.state, run.planned, run.key.as_str()), (State::Completed, 0, "2026-11/05"));
}

async fn a_second_firing_plans_what_the_first_left(database: &TestDatabase) {
    add_user_with_contacts(database, 2).await;
    let queue = Arc::new(ScriptedQueue::taking_all());
    let planner = planner(database, queue.clone(), 10);
    let opened = planner.open(firing()).await.expect("opened and then left");
    assert!(matches!(opened, Opened::New(_)));
    let late = Firing { scheduled_at: scheduled_at() + chrono::TimeDelta::seconds(50), ..firing() };
    let fired = planner.fire(late, Deadline::none()).await.expect("a firing");
    assert_eq!((fired.met, fired.run, fired.plan_complete), ("joined", opened.run().id, true));
    assert_eq!((find(database, fired.run).await.planned, queue.taken().len()), (2, 1));
}

async fn a_run_keeps_the_policy_about_doubts_with_which_it_was_opened(database: &TestDatabase) {
    add_user_with_contacts(database, 2).await;
    let queue = Arc::new(ScriptedQueue::taking_all());
    for when_in_doubt in [WhenInDoubt::OnceMore, WhenInDoubt::NeverAgain] {
        let planner = monthly_invitations::Planner { when_in_doubt, ..planner(database, queue.clone(), 10) };
        let fired = planner.fire(firing(), Deadline::none()).await.expect("fired");
        assert_eq!(find(database, fired.run).await.when_in_doubt, WhenInDoubt::OnceMore);
    }
}
