//! Which limits are in force: what is set, what SES says, and what becomes of sending when nobody says anything.

use std::{sync::Arc, time::Duration};

use shared::{
    clock::Clock,
    config::{Values, WorkerSettings},
    mail::{
        providers::Provider,
        quota::{Grant, NAME, Quota, RecordsLog, RedisLog, SendLog},
        ses::SesSettings,
    },
};
use tests::{
    databases::TestDatabase,
    runs::scheduled_at,
    ses_fake::{Account, SesFake},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::stores::{Store, granted, limits, redis_url};

tests::contract!(
    of_what_is_set_and_what_ses_says_the_less_is_in_force,
    one_worker_asks_ses_for_all_and_again_when_its_word_has_grown_old,
    what_ses_last_said_stays_in_force_while_it_says_nothing,
    without_ses_s_word_what_is_set_is_in_force,
    a_log_that_cannot_be_reached_grants_nothing,
);

pub fn ses(fake: &SesFake) -> Option<SesSettings> {
    let list = format!("ses+http://{}", fake.address());
    match Provider::parse_list(&list).expect("well formed").remove(0) {
        Provider::Ses(settings) => Some(settings),
        _ => None,
    }
}

pub fn quota(database: &TestDatabase, set: Option<f64>, ses: Option<SesSettings>) -> Quota {
    let log = RecordsLog::new(database.records().clone(), NAME);
    quota_by(database, Arc::new(log), set, ses)
}

fn quota_by(database: &TestDatabase, log: Arc<dyn SendLog>, set: Option<f64>, ses: Option<SesSettings>) -> Quota {
    Quota::new(database.records().clone(), log, Clock::standing_at(scheduled_at()), set, ses)
}

pub async fn fake_with(account: Account) -> SesFake {
    let fake = SesFake::start().await.expect("a server");
    fake.set_account(Some(account));
    fake
}

pub const OF_SANDBOX: Account = Account { per_second: 14.0, per_day: 200.0, sent: 0.0, enabled: true };

/// How many of very many letters are granted at once.
pub async fn at_once(quota: &Quota) -> u32 {
    match quota.ask(100_000, Duration::ZERO).await.expect("the records are there") {
        Grant::Letters(letters, wait) => {
            assert_eq!(wait, Duration::ZERO);
            letters
        }
        Grant::Later(..) => 0,
    }
}

async fn of_what_is_set_and_what_ses_says_the_less_is_in_force(database: &TestDatabase) {
    let fake = fake_with(OF_SANDBOX).await;
    assert_eq!(at_once(&quota(database, Some(20.0), ses(&fake))).await, 14);
    database.shift_lease_clock(Duration::from_secs(1));
    assert_eq!(at_once(&quota(database, Some(3.0), ses(&fake))).await, 3);
    database.shift_lease_clock(Duration::from_secs(1));
    assert_eq!(at_once(&quota(database, None, ses(&fake))).await, 14);
    database.shift_lease_clock(Duration::from_secs(1));
    assert_eq!(at_once(&quota(database, Some(20.0), None)).await, 20, "where no letter goes through SES");
}

async fn one_worker_asks_ses_for_all_and_again_when_its_word_has_grown_old(database: &TestDatabase) {
    let fake = fake_with(OF_SANDBOX).await;
    let worker = || quota(database, None, ses(&fake));
    for _ in 0..5 {
        at_once(&worker()).await;
    }
    assert_eq!(fake.asked(), 1);
    fake.set_account(Some(Account { per_second: 50.0, ..OF_SANDBOX }));
    database.shift_lease_clock(Duration::from_mins(5));
    let workers: [Quota; 3] = std::array::from_fn(|_| worker());
    let granted = futures_util::future::join_all(workers.iter().map(at_once)).await;
    assert_eq!(fake.asked(), 2);
    assert!(granted.iter().all(|letters| [0, 14, 36, 50].contains(letters)), "{granted:?}");
}

async fn what_ses_last_said_stays_in_force_while_it_says_nothing(database: &TestDatabase) {
    let fake = fake_with(OF_SANDBOX).await;
    at_once(&quota(database, None, ses(&fake))).await;
    fake.set_account(None);
    database.shift_lease_clock(Duration::from_mins(5));
    assert_eq!(at_once(&quota(database, None, ses(&fake))).await, 14);
    assert_eq!(fake.asked(), 2);
}

async fn without_ses_s_word_what_is_set_is_in_force(database: &TestDatabase) {
    let fake = SesFake::start().await.expect("a server");
    assert_eq!(at_once(&quota(database, Some(5.0), ses(&fake))).await, 5);
    assert_eq!(at_once(&quota(database, None, ses(&fake))).await, 100_000, "then the provider itself keeps the pace");
}

async fn a_log_that_cannot_be_reached_grants_nothing(database: &TestDatabase) {
    // Nothing listens there: the port was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let log = RedisLog::new(&format!("redis://{free}"), "almanac-test").expect("a URL");
    let quota = quota_by(database, Arc::new(log), Some(100.0), None);
    let Grant::Later(wait, cause) = quota.ask(1, Duration::ZERO).await.expect("no failure") else { panic!("granted") };
    assert_eq!((wait, cause), (Duration::from_secs(30), "the count of what was sent cannot be reached"));
    quota.hold().await;
}

#[tokio::test]
async fn a_log_that_lost_its_memory_counts_what_ses_has_counted() {
    let (database, store) = (TestDatabase::sqlite().await, Store::redis().await);
    let fake = fake_with(Account { per_second: 100.0, per_day: 150.0, sent: 30.0, enabled: true }).await;
    let quota = quota_by(&database, store.log().into(), None, ses(&fake));
    assert_eq!(at_once(&quota).await, 100);
    // What the log granted has been sent, as far as SES knows.
    fake.set_account(Some(Account { per_second: 100.0, per_day: 150.0, sent: 130.0, enabled: true }));
    store.forget().await;
    assert_eq!(at_once(&quota).await, 20);
}

#[tokio::test]
async fn a_connection_that_was_lost_while_nobody_used_it_costs_no_grant() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let store = Store::redis_through(&format!("redis://{}", listener.local_addr().expect("bound"))).await;
    let (cut, mut is_cut) = watch::channel(());
    let proxy = tokio::spawn(async move {
        let server = redis_url().trim_start_matches("redis://").to_owned();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(&server).await.expect("Redis is there");
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                _ = is_cut.changed() => {}
            }
        }
    });
    let log = store.log();
    log.seed(0, Some(0)).await.expect("told");
    cut.send(()).expect("it listens");
    granted(&*log, limits(14.0, None), 1).await.expect("a grant");
    proxy.abort();
}

#[tokio::test]
async fn who_is_not_limited_has_no_quota_and_asks_nobody() {
    let database = TestDatabase::sqlite().await;
    let of = |transports: &'static str, rate: &'static str| {
        let settings = [
            ("EMAIL_TRANSPORTS", transports),
            ("EMAIL_RATE_LIMIT_PER_MINUTE", rate),
            ("APP_BASE_URL", "https://almanac.example"),
            ("EMAIL_FROM_ADDRESS", "invitations@almanac.example"),
        ];
        let settings: WorkerSettings = Values::gather(settings, None).read().expect("settings");
        Quota::of(database.records(), &settings.mail, &Clock::system()).expect("its log needs no connection").is_some()
    };
    assert_eq!(
        [of("null:", ""), of("smtp://127.0.0.1:25", ""), of("ses:", ""), of("null:", "100")],
        [false, false, true, true]
    );
}
