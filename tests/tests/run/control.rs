//! What a person wants of a run.

use shared::clock::Clock;
use shared::run::{
    State,
    close::try_close,
    control::{Control, Wish, set},
};
use tests::{
    ask::number,
    databases::TestDatabase,
    runs::{find, open_run, plan_by_hand},
};

tests::contract!(
    a_run_is_paused_and_resumed_as_often_as_wished,
    a_planner_of_a_run_that_goes_on_is_missed_at_once,
    a_cancelled_run_stays_cancelled,
    a_closed_run_takes_no_wishes,
    a_run_that_is_not_there_is_unknown,
);

async fn a_run_is_paused_and_resumed_as_often_as_wished(database: &TestDatabase) {
    let run = open_run(database).await.id;
    for wish in [Control::Pause, Control::Pause, Control::Run, Control::Run, Control::Pause] {
        assert!(matches!(set(database, run, wish).await.expect("set"), Wish::Noted));
        assert_eq!(find(database, run).await.control, wish);
    }
}

async fn a_planner_of_a_run_that_goes_on_is_missed_at_once(database: &TestDatabase) {
    let run = open_run(database).await.id;
    let silent = "SELECT COUNT(*) FROM runs WHERE checkpoint_at < {now+?}";
    let two_minutes_ago = -120_000_000_i64;
    for (wish, missed) in [(Control::Run, 0), (Control::Pause, 0), (Control::Run, 1)] {
        set(database, run, wish).await.expect("set");
        assert_eq!(number(database, silent, vec![two_minutes_ago.into()]).await, missed, "{wish:?}");
    }
}

async fn a_cancelled_run_stays_cancelled(database: &TestDatabase) {
    let run = open_run(database).await.id;
    for _ in 0..2 {
        assert!(matches!(set(database, run, Control::Cancel).await.expect("set"), Wish::Noted));
    }
    for wish in [Control::Run, Control::Pause] {
        assert!(matches!(set(database, run, wish).await.expect("asked"), Wish::AlreadyCancelled));
        assert_eq!(find(database, run).await.control, Control::Cancel);
    }
}

async fn a_closed_run_takes_no_wishes(database: &TestDatabase) {
    let run = open_run(database).await.id;
    plan_by_hand(database, run, 0, true).await;
    try_close(database, &Clock::system(), run).await.expect("tried").expect("closed");
    for wish in [Control::Run, Control::Pause, Control::Cancel] {
        let answer = set(database, run, wish).await.expect("asked");
        assert!(matches!(answer, Wish::AlreadyClosed(State::Completed)), "{answer:?}");
    }
    assert_eq!(find(database, run).await.control, Control::Run);
}

async fn a_run_that_is_not_there_is_unknown(database: &TestDatabase) {
    assert!(matches!(set(database, 4_711, Control::Pause).await.expect("asked"), Wish::Unknown));
}
