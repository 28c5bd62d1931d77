//! Nights that come twice, are missed, are cut off, or run beside themselves.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use shared::{
    objects::FolderObjects,
    records::Records,
    run::{
        control::{self, Control},
        job::Job as _,
        plan::PlanEnd,
    },
    sqs::Deadline,
};
use tests::{
    ask::{execute, number, numbers},
    cleaning::{archived, clean, cleanup, cleanup_into, counts, done, firing},
    cycle::{self, ledger_of_completed},
    databases::TestDatabase,
    people::add_user_with_contacts,
    polls::for_polls,
    reminding, runs,
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    a_night_that_comes_twice_is_one_run_and_one_that_is_missed_is_made_good_by_the_next,
    a_clean_up_that_is_cut_off_anywhere_goes_on_and_counts_each_row_once,
    clean_ups_beside_each_other_do_and_count_everything_once,
    near_its_deadline_a_clean_up_stops_and_is_gone_on_with,
    a_clean_up_that_is_paused_stops_and_goes_on_when_it_is_resumed,
    what_a_person_asks_for_a_day_to_come_is_judged_as_of_now,
);

fn night(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A cycle of so many users with three contacts each, in batches of four users; bounces of all are to be forgiven.
async fn invite(records: &Records, users: usize) {
    for _ in 0..users {
        add_user_with_contacts(records, 3).await;
    }
    cycle::through(records, runs::firing(), &Arc::new(ScriptedMailer::new("scripted", 50))).await;
    execute(records, "UPDATE contacts SET email_status = 'bounced_temporary', bounce_count = 1", vec![]).await;
}

async fn a_night_that_comes_twice_is_one_run_and_one_that_is_missed_is_made_good_by_the_next(database: &TestDatabase) {
    invite(database, 1).await;
    let archive = folder();
    // 02:00 comes twice in Paris on 25 October 2026, and never on 28 March 2027.
    let (first, _) = clean(database, &archive, night("2026-10-25T00:00:00Z")).await;
    let (second, _) = clean(database, &archive, night("2026-10-25T01:00:00Z")).await;
    assert_eq!(first, second);
    let (_, made_good) = clean(database, &archive, night("2027-03-29T00:00:00Z")).await;
    assert_eq!(made_good, counts(&[("invitations_expired", 3), ("response_rates_changed", 3)]));
}

/// A moment at which everything of [`invite`] has expired, and one at which it is old enough to go.
fn expired() -> DateTime<Utc> {
    reminding::after(61, 0)
}

fn old() -> DateTime<Utc> {
    reminding::after(151, 0)
}

async fn a_clean_up_that_is_cut_off_anywhere_goes_on_and_counts_each_row_once(database: &TestDatabase) {
    invite(database, 9).await;
    let archive = folder();
    let mut polls = 1;
    for at in [expired(), old()] {
        let job = cleanup(database, &archive, at);
        let run = job.open(firing(at)).await.expect("a run").run().id;
        loop {
            let found = runs::find(database, run).await;
            if found.plan_complete {
                break;
            }
            // Longer each time, so that one of them comes to an end.
            for_polls(job.go_on(&found, Deadline::none()), polls).await;
            polls += 3;
        }
        job.fire(firing(at), Deadline::none()).await.expect("closed");
        ledger_of_completed(database, run).await;
    }
    let all = numbers(database, "SELECT rows_done FROM cleaned ORDER BY what", vec![]).await;
    assert_eq!(all, [27; 4], "forgiven, deleted, expired, and rates");
    let lines: usize = archived(&archive).iter().map(|(_, lines)| lines.len()).sum();
    assert_eq!(lines, 27, "what is archived again is the same file");
}

async fn clean_ups_beside_each_other_do_and_count_everything_once(database: &TestDatabase) {
    invite(database, 12).await;
    let archive = folder();
    for at in [expired(), old()] {
        let objects = Arc::new(FolderObjects::new(archive.path()).expect("writable"));
        let beside = (0..4).map(|_| {
            let job = cleanup_into(database, objects.clone(), at);
            tokio::spawn(async move { job.fire(firing(at), Deadline::none()).await.expect("cleaned").run })
        });
        let runs: Vec<i64> = join_all(beside).await.into_iter().map(|run| run.expect("no panic")).collect();
        assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
        ledger_of_completed(database, runs[0]).await;
    }
    assert_eq!(numbers(database, "SELECT rows_done FROM cleaned ORDER BY what", vec![]).await, [36; 4]);
    assert_eq!(number(database, "SELECT COUNT(*) FROM invitations", vec![]).await, 0);
}

async fn near_its_deadline_a_clean_up_stops_and_is_gone_on_with(database: &TestDatabase) {
    invite(database, 1).await;
    let archive = folder();
    let job = cleanup(database, &archive, expired());
    let near = Deadline::within(std::time::Duration::ZERO);
    let fired = job.fire(firing(expired()), near).await.expect("a firing");
    assert!(!fired.plan_complete);
    let run = runs::find(database, fired.run).await;
    assert_eq!(job.go_on(&run, Deadline::none()).await.expect("cleaned"), PlanEnd::Complete);
}

async fn a_clean_up_that_is_paused_stops_and_goes_on_when_it_is_resumed(database: &TestDatabase) {
    invite(database, 1).await;
    let archive = folder();
    let job = cleanup(database, &archive, expired());
    let run = job.open(firing(expired())).await.expect("a run").run().clone();
    control::set(database, run.id, Control::Pause).await.expect("paused");
    assert_eq!(job.go_on(&run, Deadline::none()).await.expect("tried"), PlanEnd::Stopped);
    assert_eq!(done(database, run.id).await, counts(&[]));
    control::set(database, run.id, Control::Run).await.expect("resumed");
    let (again, did) = clean(database, &archive, expired()).await;
    assert_eq!((again, did["invitations_expired"]), (run.id, 3));
}

async fn what_a_person_asks_for_a_day_to_come_is_judged_as_of_now(database: &TestDatabase) {
    invite(database, 1).await;
    let job = cleanup(database, &folder(), reminding::after(1, 0));
    let ahead = job.fire(firing(reminding::after(400, 0)), Deadline::none()).await.expect("cleaned");
    assert_eq!(done(database, ahead.run).await.get("invitations_expired"), None);
}
