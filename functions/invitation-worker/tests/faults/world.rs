//! What the workers stand on: a database server of the bench's own, a queue, a provider, and a keeper.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use delivery_feedback::DeliveryFeedback;
use run_keeper::{Keeper, RequestRun};
use shared::{
    aws::{Aws, Patience, sqs::SqsQueue},
    clock::Clock,
    firing::Firing,
    news::RecordsNews,
    objects::FolderObjects,
    records::Records,
    run::{State, job::Job as _},
    sqs::Deadline,
};
use tempfile::TempDir;
use tests::{
    ask,
    aws_fake::AwsFake,
    databases,
    dice::Dice,
    own_server::OwnServer,
    people, runs,
    ses_fake::SesFake,
    sqs_pump::{Mapping, SqsPump},
};
use tokio::sync::Mutex;

use crate::provider;

const QUEUE: &str = "https://sqs.eu-west-3.amazonaws.com/123456789012/almanac-invitations";

/// Contacts of each user, one in twenty of whom has opted out.
const CONTACTS: usize = 25;

/// Users of a batch: its letters are about two volleys and a half.
const USERS_PER_BATCH: usize = 4;

/// Longer than a worker's lease.
const LEASES: Duration = Duration::from_secs(180);

/// All that a run stands on.
pub struct World {
    process: Mutex<OwnServer>,
    /// Where the database is.
    pub server: SocketAddr,
    /// The records, by a clock that is right.
    pub records: Records,
    /// Where letters go.
    pub ses: SesFake,
    /// Where messages are.
    pub sqs: AwsFake,
    /// What hands them over.
    pub pump: SqsPump,
    keeper: Keeper,
    _home: TempDir,
}

impl World {
    /// A world in which nothing has happened; `None` where there is no MariaDB to kill.
    pub async fn new(dice: Dice) -> Option<Self> {
        let process = OwnServer::start().await?;
        let url = process.new_database().await;
        // The keeper's own, because its lease clock is moved.
        let (records, kept) = (databases::open(&url).await, databases::open(&url).await);
        let sqs = AwsFake::start().await;
        let queue = Arc::new(queue(&sqs).await);
        let home = tempfile::tempdir().expect("a folder");
        let news = Arc::new(RecordsNews::new(kept.clone(), Clock::system()));
        let keeper = Keeper {
            records: kept,
            queue,
            objects: Arc::new(FolderObjects::new(home.path()).expect("writable")),
            door: Arc::new(RequestRun(news.clone())),
            news,
            clock: Clock::system(),
            zone: chrono_tz::Europe::Paris,
            longest_run: Duration::from_hours(10_000),
        };
        let mapping = Mapping {
            queue_url: QUEUE.to_owned(),
            queue_arn: "arn:aws:sqs:eu-west-3:123456789012:almanac-invitations".to_owned(),
            batch_size: 1,
            window: Duration::ZERO,
            most_at_once: 1,
        };
        Some(Self {
            server: process.address(),
            process: Mutex::new(process),
            records,
            ses: SesFake::with_script(move |call| provider::behaviour(&dice, call)).await.expect("a free port"),
            pump: SqsPump::new(sqs.queue(), mapping),
            sqs,
            keeper,
            _home: home,
        })
    }

    /// Plans an evening of so many new users; gives its run.
    pub async fn plan(&self, firing: Firing, users: usize) -> i64 {
        make_up_people(&self.records, users).await;
        let planner = runs::planner(&self.records, self.keeper.queue.clone(), USERS_PER_BATCH);
        planner.fire(firing, Deadline::none()).await.expect("planned").run
    }

    /// Lets no user that there is invite anybody again.
    pub async fn retire_users(&self) {
        ask::execute(&self.records, "UPDATE users SET active = 0", vec![]).await;
    }

    /// What takes in what the provider says.
    pub fn door(&self) -> DeliveryFeedback {
        DeliveryFeedback { records: self.records.clone(), clock: Clock::system() }
    }

    /// Whether a run is closed.
    pub async fn is_closed(&self, run: i64) -> bool {
        runs::find(&self.records, run).await.state != State::Open
    }

    /// Lets every lease end that has not been given back, and has the keeper look at what stands still.
    pub async fn end_leases(&self) {
        self.keeper.records.shift_lease_clock(LEASES);
        self.keeper.keep(&Deadline::none()).await.expect("kept");
    }

    /// Shows the messages again that were received and not deleted.
    pub fn show_messages_again(&self) {
        self.sqs.pass_visibility();
    }

    /// Kills the database in the middle of whatever it does, and starts it again.
    pub async fn restart_database(&self) {
        let mut process = self.process.lock().await;
        process.kill();
        process.start_again().await;
    }
}

async fn queue(sqs: &AwsFake) -> SqsQueue {
    let aws = Aws::stand_in(sqs.endpoint());
    SqsQueue::new(&aws, QUEUE, "INVITATIONS_QUEUE", Patience::SMALL).await.expect("a client")
}

async fn make_up_people(records: &Records, users: usize) {
    for _ in 0..users {
        people::add_user_with_contacts(records, CONTACTS).await;
    }
    ask::execute(records, "UPDATE contacts SET opted_out = 1 WHERE id % 20 = 0", vec![]).await;
}
