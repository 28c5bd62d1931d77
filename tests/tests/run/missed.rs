//! What becomes of firings that come late.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shared::{
    clock::Clock,
    firing::{Firing, Trigger},
    run::{
        State,
        control::{self, Control, Wish},
        job::{Fired, Job as _},
        missed,
    },
    sqs::Deadline,
};
use tests::{
    ask::{execute, texts},
    cleaning,
    databases::TestDatabase,
    people::add_user_with_contacts,
    queues::ScriptedQueue,
    runs::{find, planner, scheduled_at},
};

tests::contract!(
    a_firing_within_its_deadline_begins_at_once,
    a_firing_past_its_deadline_waits_until_a_person_approves_it,
    a_person_who_asks_for_the_run_approves_it,
    a_run_that_waits_for_approval_is_neither_paused_nor_resumed_but_can_be_cancelled,
    a_later_evening_of_the_month_makes_up_for_an_earlier_one_and_of_another_month_does_not,
    a_later_night_makes_up_for_an_earlier_one_unless_it_was_cancelled,
    a_late_firing_joins_the_run_that_it_has_already,
    a_deadline_binds_nobody_but_the_schedule,
    of_missed_evenings_the_last_of_a_month_is_fired_and_beside_it_what_is_on_time,
    of_missed_nights_the_last_is_fired,
    what_was_missed_counts_from_the_first_keeping_or_the_last_run_by_schedule,
    an_evening_that_a_person_holds_back_is_left_alone_by_later_ones_and_taken_by_a_person,
);

const ALERTS: &str = "SELECT state FROM alerts WHERE cause = 'run-late'";
const STARTED: &str = "SELECT kind FROM outbox WHERE kind = 'job-started'";

/// The schedule's firing of the evening so many days after the first, as it comes so much later.
async fn fire(database: &TestDatabase, days: i64, late: TimeDelta, trigger: Trigger) -> Fired {
    let at = scheduled_at() + TimeDelta::days(days);
    let clock = Clock::standing_at(at + late);
    let planner =
        monthly_invitations::Planner { clock, ..planner(database, Arc::new(ScriptedQueue::taking_all()), 10) };
    planner.fire(Firing::new(at, trigger), Deadline::none()).await.expect("a firing")
}

async fn a_firing_within_its_deadline_begins_at_once(database: &TestDatabase) {
    add_user_with_contacts(database, 2).await;
    let fired = fire(database, 0, TimeDelta::hours(6), Trigger::Schedule).await;
    assert_eq!((fired.met, fired.plan_complete), ("opened", true));
}

async fn a_firing_past_its_deadline_waits_until_a_person_approves_it(database: &TestDatabase) {
    add_user_with_contacts(database, 2).await;
    let late = TimeDelta::hours(6) + TimeDelta::seconds(1);
    for _ in 0..2 {
        let fired = fire(database, 0, late, Trigger::Schedule).await;
        assert_eq!((fired.met, fired.plan_complete), ("waits for approval", false));
        assert_eq!(find(database, fired.run).await.planned, 0);
        assert_eq!(texts(database, ALERTS, vec![]).await, ["raised"]);
        assert!(texts(database, STARTED, vec![]).await.is_empty(), "it has not started");
    }
    let run = fire(database, 0, late, Trigger::Resume).await.run;
    assert_eq!(find(database, run).await.planned, 0, "the keeper approves nothing");
    let approved_at = Clock::standing_at(scheduled_at() + TimeDelta::hours(20));
    assert!(matches!(control::approve(database, &approved_at, run).await.expect("asked"), Wish::Noted));
    assert!(matches!(control::approve(database, &approved_at, run).await.expect("asked"), Wish::NeedsNoApproval));
    assert_eq!(find(database, run).await.started_at, approved_at.now());
    assert_eq!(texts(database, ALERTS, vec![]).await, ["cleared"]);
    assert_eq!(texts(database, STARTED, vec![]).await.len(), 1);
    let fired = fire(database, 0, late, Trigger::Resume).await;
    assert_eq!((fired.met, fired.plan_complete, find(database, run).await.planned), ("joined", true, 2));
}

async fn a_person_who_asks_for_the_run_approves_it(database: &TestDatabase) {
    add_user_with_contacts(database, 2).await;
    let waits = fire(database, 0, TimeDelta::hours(7), Trigger::Schedule).await;
    let fired = fire(database, 0, TimeDelta::hours(8), Trigger::Manual).await;
    assert_eq!((fired.run, fired.met, fired.plan_complete), (waits.run, "joined", true));
    assert_eq!(texts(database, ALERTS, vec![]).await, ["cleared"]);
}

async fn a_run_that_waits_for_approval_is_neither_paused_nor_resumed_but_can_be_cancelled(database: &TestDatabase) {
    let run = fire(database, 0, TimeDelta::hours(7), Trigger::Schedule).await.run;
    for wish in [Control::Pause, Control::Run] {
        assert!(matches!(control::set(database, run, wish).await.expect("asked"), Wish::WaitsForApproval));
        assert_eq!(find(database, run).await.control, Control::Approval);
    }
    assert!(matches!(control::set(database, run, Control::Cancel).await.expect("asked"), Wish::Noted));
    let clock = Clock::standing_at(scheduled_at());
    let closed = shared::run::close::try_close(database, &clock, run).await.expect("tried").expect("closed");
    assert_eq!(closed.state, State::Cancelled);
    assert_eq!(texts(database, ALERTS, vec![]).await, ["cleared"]);
    assert!(matches!(control::approve(database, &clock, run).await.expect("asked"), Wish::AlreadyClosed(_)));
    assert!(matches!(control::approve(database, &clock, 4_711).await.expect("asked"), Wish::Unknown));
}

async fn a_later_evening_of_the_month_makes_up_for_an_earlier_one_and_of_another_month_does_not(
    database: &TestDatabase,
) {
    let next_month = fire(database, 30, TimeDelta::zero(), Trigger::Schedule).await;
    assert_eq!(next_month.key, "2026-12/05");
    let sixth = fire(database, 1, TimeDelta::zero(), Trigger::Schedule).await;
    let fifth = fire(database, 0, TimeDelta::hours(30), Trigger::Schedule).await;
    assert_eq!((fifth.met, fifth.run, fifth.key.as_str()), ("made up for", sixth.run, "2026-11/06"));
    let seventh = fire(database, 2, TimeDelta::hours(7), Trigger::Schedule).await;
    assert_eq!((seventh.met, seventh.key.as_str()), ("waits for approval", "2026-11/07"));
}

async fn a_later_night_makes_up_for_an_earlier_one_unless_it_was_cancelled(database: &TestDatabase) {
    let archive = tempfile::tempdir().expect("a folder");
    let (monday, tuesday) = (scheduled_at(), scheduled_at() + TimeDelta::days(1));
    let late = cleaning::cleanup(database, &archive, tuesday + TimeDelta::hours(1));
    let made_up = late.fire(cleaning::firing(tuesday), Deadline::none()).await.expect("cleaned");
    let missed = late.fire(cleaning::firing(monday), Deadline::none()).await.expect("fired");
    assert_eq!((missed.met, missed.run), ("made up for", made_up.run));
    let sql = "UPDATE runs SET state = 'cancelled' WHERE id = ?";
    execute(database, sql, vec![made_up.run.into()]).await;
    let missed = late.fire(cleaning::firing(monday), Deadline::none()).await.expect("cleaned");
    assert_eq!((missed.met, missed.plan_complete), ("opened", true), "however late: it writes to nobody");
}

async fn a_late_firing_joins_the_run_that_it_has_already(database: &TestDatabase) {
    let fifth = fire(database, 0, TimeDelta::zero(), Trigger::Schedule).await;
    fire(database, 1, TimeDelta::zero(), Trigger::Schedule).await;
    let again = fire(database, 0, TimeDelta::hours(30), Trigger::Schedule).await;
    assert_eq!((again.met, again.run), ("closed", fifth.run));
}

async fn a_deadline_binds_nobody_but_the_schedule(database: &TestDatabase) {
    let fired = fire(database, 0, TimeDelta::days(20), Trigger::Manual).await;
    assert_eq!((fired.met, fired.plan_complete), ("opened", true));
}

async fn an_evening_that_a_person_holds_back_is_left_alone_by_later_ones_and_taken_by_a_person(
    database: &TestDatabase,
) {
    add_user_with_contacts(database, 2).await;
    let (sixth, _) = add_user_with_contacts(database, 1).await;
    execute(database, "UPDATE users SET send_day = 6 WHERE id = ?", vec![sixth.into()]).await;
    let fifth = fire(database, 0, TimeDelta::hours(7), Trigger::Schedule).await;
    let planned =
        async |days, trigger| find(database, fire(database, days, TimeDelta::zero(), trigger).await.run).await.planned;
    assert_eq!(planned(1, Trigger::Schedule).await, 1, "the fifth waits for approval");
    control::set(database, fifth.run, Control::Cancel).await.expect("cancelled");
    assert_eq!(planned(2, Trigger::Schedule).await, 1, "the fifth is being cancelled");
    let clock = Clock::standing_at(scheduled_at());
    shared::run::close::try_close(database, &clock, fifth.run).await.expect("tried").expect("closed");
    assert_eq!(planned(3, Trigger::Schedule).await, 1, "the fifth is cancelled");
    assert_eq!(planned(4, Trigger::Manual).await, 3, "a person decides anew");
    assert_eq!(planned(30, Trigger::Schedule).await, 2, "another month");
}

async fn of_missed_evenings_the_last_of_a_month_is_fired_and_beside_it_what_is_on_time(database: &TestDatabase) {
    let at = |days: i64| scheduled_at() + TimeDelta::days(days);
    let to_fire = |due: &[i64], now: DateTime<Utc>| {
        let queue = Arc::new(ScriptedQueue::taking_all());
        let planner = monthly_invitations::Planner { clock: Clock::standing_at(now), ..planner(database, queue, 10) };
        missed::to_fire(&planner, due.iter().map(|days| at(*days)))
    };
    let a_minute = TimeDelta::minutes(1);
    assert!(to_fire(&[], at(0)).is_empty());
    assert_eq!(to_fire(&[0], at(0)), [at(0)]);
    assert_eq!(to_fire(&[0, 1], at(1) + a_minute), [at(0), at(1)], "the fifth is asked about");
    assert_eq!(to_fire(&[0, 1, 2], at(2) + a_minute), [at(1), at(2)]);
    assert_eq!(to_fire(&[0, 1, 30, 31], at(31) + TimeDelta::hours(1)), [at(1), at(31)], "of each month");
}

async fn of_missed_nights_the_last_is_fired(database: &TestDatabase) {
    let archive = tempfile::tempdir().expect("a folder");
    let nights: Vec<_> = (0..400).map(|day| scheduled_at() + TimeDelta::days(day)).collect();
    let last = *nights.last().expect("there are some");
    let job = cleaning::cleanup(database, &archive, last);
    assert_eq!(missed::to_fire(&job, nights), [last]);
}

async fn what_was_missed_counts_from_the_first_keeping_or_the_last_run_by_schedule(database: &TestDatabase) {
    let until = async |days: i64| {
        let now = scheduled_at() + TimeDelta::days(days);
        let asked = database.transaction(move |tx| missed::fired_until(tx, monthly_invitations::JOB, now).boxed());
        (asked.await.expect("asked") - scheduled_at()).num_days()
    };
    assert_eq!(until(0).await, 0, "nothing was missed before");
    assert_eq!(until(2).await, 0);
    fire(database, 3, TimeDelta::zero(), Trigger::Schedule).await;
    fire(database, 5, TimeDelta::zero(), Trigger::Manual).await;
    assert_eq!(until(9).await, 3, "a person's run is no firing of the schedule");
}
