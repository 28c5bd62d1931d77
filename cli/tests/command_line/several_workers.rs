//! Several workers that come back to one batch at the same moment.

use std::sync::Arc;

use chrono::DateTime;
use futures_util::future::join_all;
use invitation_worker::InvitationWorker;
use monthly_invitations::Planner;
use shared::{
    clock::Clock,
    config::{Values, WorkerSettings},
    firing::{Firing, Trigger},
    process::Holder,
    queue::RecordsQueue,
    records::Records,
    run::{doubt::WhenInDoubt, job::Job as _},
    sqs::{Deadline, Message, RecordHandler as _},
};
use tests::{databases::TestDatabase, smtp_sink::SmtpSink};

use crate::support::{
    people::{self, CONTACTS},
    query,
};

const USERS: u32 = 40;
const WORKERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_come_back_to_a_batch_at_once_write_to_nobody_twice_on_sqlite() {
    come_back_at_once(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_come_back_to_a_batch_at_once_write_to_nobody_twice_on_mysql() {
    come_back_at_once(TestDatabase::mysql().await).await;
}

async fn come_back_at_once(database: TestDatabase) {
    let records = database.records().clone();
    let eligible = people::make_up(&records, USERS).await;
    let sink = SmtpSink::start().await.expect("a free port");
    let workers = join_all((0..WORKERS).map(|_| worker(&records, &sink))).await;

    for message in plan(&records).await.into_iter().map(Message::saying) {
        // With its deadline near, the first one prepares the batch and leaves it.
        workers[0].handle(&message, Deadline::within(std::time::Duration::from_secs(1))).await.expect("prepared");
        let all = workers.iter().map(|worker| worker.handle(&message, Deadline::none()));
        for outcome in join_all(all).await {
            outcome.expect("no worker fails");
        }
    }
    assert_eq!(
        query::number(&records, "SELECT COUNT(*) FROM sends WHERE listed <> ''").await,
        0,
        "nothing was refused"
    );
    assert_eq!(sink.tally().duplicates(), 0, "{}", sink.tally());
    assert_eq!(sink.tally().received() as u64, eligible);
    assert_eq!(query::number(&records, "SELECT COUNT(*) FROM runs WHERE state = 'completed'").await, 1);
}

async fn worker(records: &Records, sink: &SmtpSink) -> InvitationWorker {
    let values = Values::gather(
        [
            ("EMAIL_TRANSPORTS", format!("smtp://{}?connections=4", sink.address())),
            ("APP_BASE_URL", "https://almanac.example".to_owned()),
            ("EMAIL_FROM_ADDRESS", "invitations@almanac.example".to_owned()),
        ],
        None,
    );
    let settings: WorkerSettings = values.read().expect("settings");
    let worker =
        InvitationWorker::from_settings(records.clone(), &settings, Clock::system(), Holder::unwatched()).await;
    worker.expect("a worker")
}

/// Plans the cycle, a user a batch; gives the batches' messages.
async fn plan(records: &Records) -> Vec<String> {
    let planner = Planner {
        records: records.clone(),
        queue: Arc::new(RecordsQueue::invitations(records.clone())),
        clock: Clock::system(),
        zone: chrono_tz::Europe::Paris,
        batch_size: 1,
        deadline: chrono::TimeDelta::hours(4),
        when_in_doubt: WhenInDoubt::default(),
    };
    let scheduled_at = DateTime::parse_from_rfc3339("2026-11-05T18:00:00+01:00").expect("a time").to_utc();
    let planned = planner.fire(Firing::new(scheduled_at, Trigger::Manual), Deadline::none()).await;
    assert!(planned.expect("planned").plan_complete);
    let rows = query::rows(records, "SELECT body FROM queue_messages ORDER BY id").await;
    let messages: Vec<String> = rows.iter().map(|row| row.text(0).expect("a body")).collect();
    assert_eq!(messages.len(), USERS as usize, "a batch for each user with {CONTACTS} contacts");
    messages
}
