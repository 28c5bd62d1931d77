//! Firings and planners: an hour fired twice, planners that race or are cut off, runs ahead of their time.

use std::sync::Arc;

use futures_util::future::join_all;
use shared::{
    firing::{Firing, Trigger},
    run::{batch::BatchMessage, job::Job as _, ledger::Ledger, plan::PlanEnd},
    sqs::{Deadline, Outcome},
};
use tests::{
    ask::{number, numbers},
    cycle::{self, handle, ledger_of_completed},
    databases::TestDatabase,
    people::add_user_with_contacts,
    polls::for_polls,
    queues::ScriptedQueue,
    reminding::{after, firing, plan, planner, through, worker},
    runs::{self, find},
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    an_hour_that_is_fired_twice_is_one_run_and_reminds_nobody_twice,
    planners_that_race_for_one_hour_plan_each_invitation_once,
    a_planner_that_is_cut_off_anywhere_is_gone_on_with,
    two_hours_that_look_at_the_same_invitations_remind_nobody_twice,
    a_run_ahead_of_its_time_swallows_nothing_of_what_comes_due_meanwhile,
    a_first_run_takes_what_has_come_due_in_four_days,
    a_first_run_reminds_of_nothing_that_came_due_before_that,
    the_hour_of_a_manual_run_counts_until_its_own_minute,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 5))
}

/// A cycle of so many users with three contacts each, in batches of four users.
async fn invite(database: &TestDatabase, users: usize) {
    for _ in 0..users {
        add_user_with_contacts(database, 3).await;
    }
    cycle::through(database, runs::firing(), &mailer()).await;
}

async fn an_hour_that_is_fired_twice_is_one_run_and_reminds_nobody_twice(database: &TestDatabase) {
    invite(database, 3).await;
    let mailer = mailer();
    let (run, ledger) = through(database, after(3, 0), &mailer).await;
    assert_eq!(ledger.sent, 9);
    for _ in 0..2 {
        let again = planner(database, Arc::new(ScriptedQueue::taking_all()), after(3, 0));
        let fired = again.fire(firing(after(3, 0)), Deadline::none()).await.expect("a firing");
        assert_eq!((fired.run, fired.met, fired.ledger.as_ref()), (run, "closed", Some(&ledger)));
    }
    assert_eq!((number(database, "SELECT COUNT(*) FROM runs", vec![]).await, mailer.addresses().len()), (2, 9));
}

async fn planners_that_race_for_one_hour_plan_each_invitation_once(database: &TestDatabase) {
    invite(database, 30).await;
    let queue = Arc::new(ScriptedQueue::taking_all());
    let planners = (0..6).map(|_| {
        let planner = planner(database, queue.clone(), after(3, 0));
        tokio::spawn(async move { planner.fire(firing(after(3, 0)), Deadline::none()).await.expect("a firing").run })
    });
    let runs: Vec<i64> = join_all(planners).await.into_iter().map(|run| run.expect("no panic")).collect();
    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
    let mailer = mailer();
    let worker = worker(database, &mailer, after(3, 0)).await;
    let batches = numbers(database, "SELECT id FROM batches WHERE run_id = ?", vec![runs[0].into()]).await;
    for batch in batches {
        assert_eq!(handle(&worker, BatchMessage { run: runs[0], batch }).await, Outcome::Done);
    }
    let ledger = ledger_of_completed(database, runs[0]).await;
    assert_eq!((ledger.planned, ledger.sent), (90, 90));
}

async fn a_planner_that_is_cut_off_anywhere_is_gone_on_with(database: &TestDatabase) {
    invite(database, 9).await;
    let queue = || Arc::new(ScriptedQueue::taking_all());
    for (hours, polls) in (0..30).map(|step| (step, usize::try_from(2 * step).expect("small"))) {
        // Each hour looks at the same invitations, because no run before it was opened in time.
        let at = after(3, hours);
        let planner = planner(database, queue(), at - chrono::TimeDelta::days(2));
        for_polls(planner.fire(firing(at), Deadline::none()), polls).await;
        let run = planner.open(firing(at)).await.expect("a run").run().clone();
        let end = planner.go_on(&find(database, run.id).await, Deadline::none()).await.expect("planned");
        let run = find(database, run.id).await;
        assert_eq!((end, run.plan_complete, run.planned), (PlanEnd::Complete, true, 27), "{polls} polls");
    }
}

async fn two_hours_that_look_at_the_same_invitations_remind_nobody_twice(database: &TestDatabase) {
    invite(database, 4).await;
    let queue = Arc::new(ScriptedQueue::taking_all());
    let early = planner(database, queue.clone(), after(0, 1));
    let ahead = Firing::new(after(3, 5), Trigger::Manual);
    let ahead = early.fire(ahead, Deadline::none()).await.expect("planned").run;
    let of_ahead = queue.taken().into_iter().map(|batch| BatchMessage { run: ahead, batch });
    let (in_time, messages) = plan(database, after(3, 6)).await;
    let mailer = mailer();
    let worker = Arc::new(worker(database, &mailer, after(3, 6)).await);
    let tasks = of_ahead.chain(messages).map(|message| {
        let worker = worker.clone();
        tokio::spawn(async move { handle(&worker, message).await })
    });
    for outcome in join_all(tasks).await {
        assert_eq!(outcome.expect("no panic"), Outcome::Done);
    }
    let mut addresses = mailer.addresses();
    addresses.dedup();
    assert_eq!((mailer.addresses().len(), addresses.len()), (12, 12));
    let (one, other) = (ledger_of_completed(database, ahead).await, ledger_of_completed(database, in_time).await);
    assert_eq!((one.planned, other.planned, one.sent + other.sent), (12, 12, 12));
    let again = |ledger: &Ledger| ledger.skipped.get("already_reminded").copied().unwrap_or(0);
    assert_eq!(again(&one) + again(&other), 12);
}

async fn a_run_ahead_of_its_time_swallows_nothing_of_what_comes_due_meanwhile(database: &TestDatabase) {
    // A person asks today for the reminders of a day on which nobody has been invited yet.
    let early = planner(database, Arc::new(ScriptedQueue::taking_all()), after(-9, 0));
    let fired = early.fire(Firing::new(after(5, 0), Trigger::Manual), Deadline::none()).await.expect("planned");
    assert!(fired.plan_complete);
    invite(database, 2).await;
    // And then no hour fires for days.
    let mailer = mailer();
    let (_, ledger) = through(database, after(5, 1), &mailer).await;
    assert_eq!((ledger.planned, ledger.sent), (6, 6));
}

async fn a_first_run_takes_what_has_come_due_in_four_days(database: &TestDatabase) {
    invite(database, 2).await;
    let mailer = mailer();
    let (_, ledger) = through(database, after(6, 23), &mailer).await;
    assert_eq!((ledger.planned, ledger.sent), (6, 6));
}

async fn a_first_run_reminds_of_nothing_that_came_due_before_that(database: &TestDatabase) {
    invite(database, 2).await;
    let mailer = mailer();
    for at in [after(11, 1), after(11, 2), after(40, 0)] {
        let (_, ledger) = through(database, at, &mailer).await;
        assert_eq!(ledger.planned, 0, "{at}");
    }
}

async fn the_hour_of_a_manual_run_counts_until_its_own_minute(database: &TestDatabase) {
    invite(database, 2).await;
    let mailer = mailer();
    through(database, after(2, 23), &mailer).await;
    let (_, ledger) = through(database, after(3, 0) + chrono::TimeDelta::minutes(20), &mailer).await;
    assert_eq!(ledger.sent, 6);
    let (_, ledger) = through(database, after(3, 1), &mailer).await;
    assert_eq!(ledger.planned, 0);
}
