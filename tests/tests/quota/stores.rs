//! Every place that a send log can be in.

use std::time::Duration;

use redis::AsyncCommands as _;
use shared::{
    mail::quota::{Limit, Limits, NAME, RecordsLog, RedisLog, Reservation, SendLog},
    random,
    records::Records,
};
use tests::databases::TestDatabase;

/// Where Redis is, unless `ALMANAC_TEST_REDIS` says otherwise.
const REDIS: &str = "redis://127.0.0.1:6379";

pub fn redis_url() -> String {
    std::env::var("ALMANAC_TEST_REDIS").unwrap_or_else(|_| REDIS.to_owned())
}

/// A send log of a test's own, which goes with it.
pub enum Store {
    Records(TestDatabase),
    Redis { log: RedisLog, key: String },
}

impl Store {
    pub async fn sqlite() -> Self {
        Self::Records(TestDatabase::sqlite().await)
    }

    pub async fn mysql() -> Self {
        Self::Records(TestDatabase::mysql().await)
    }

    pub async fn redis() -> Self {
        let key = format!("almanac-test:{}", random::token());
        Self::Redis { log: RedisLog::new(&redis_url(), &key).expect("a URL"), key }
    }

    /// One in Redis that is reached through something else.
    pub async fn redis_through(url: &str) -> Self {
        let key = format!("almanac-test:{}", random::token());
        Self::Redis { log: RedisLog::new(url, &key).expect("a URL"), key }
    }

    /// The log.
    pub fn log(&self) -> Box<dyn SendLog> {
        match self {
            Self::Records(database) => Box::new(RecordsLog::new(database.records().clone(), NAME)),
            Self::Redis { log, .. } => Box::new(log.clone()),
        }
    }

    /// The same log as a process has it that starts anew.
    pub async fn another(&self) -> Box<dyn SendLog> {
        match self {
            Self::Records(database) => Box::new(RecordsLog::new(database.another_handle().await, NAME)),
            Self::Redis { key, .. } => Box::new(RedisLog::new(&redis_url(), key).expect("a URL")),
        }
    }

    /// Lets time pass, for this log and not for another.
    pub fn pass(&self, time: Duration) {
        match self {
            Self::Records(database) => Records::shift_lease_clock(database, time),
            Self::Redis { log, .. } => log.shift_clock(time),
        }
    }

    /// Loses everything.
    pub async fn forget(&self) {
        match self {
            Self::Records(database) => {
                tests::ask::execute(database, "DELETE FROM send_log", vec![]).await;
            }
            Self::Redis { key, .. } => forget(key).await,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let Self::Redis { key, .. } = self else { return };
        // A thread of its own, because the test's runtime is busy dropping this.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(forget(key));
            });
        });
    }
}

pub async fn forget(key: &str) {
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection =
        client.get_multiplexed_async_connection().await.expect("a Redis server is at ALMANAC_TEST_REDIS");
    let _: () = connection.del(key).await.expect("forgotten");
}

/// At most so many a second, and a day.
pub fn limits(per_second: f64, per_day: Option<u64>) -> Limits {
    Limits { pace: Limit::per_second(per_second), per_day }
}

/// How many letters are granted to somebody who wants so many, and how many microseconds since 1970 they may start.
pub async fn granted(log: &dyn SendLog, limits: Limits, wanted: u32) -> Option<(u32, i64)> {
    match log.reserve(limits, wanted, Duration::from_secs(20)).await.expect("the log is there") {
        Reservation::Granted { letters, at, .. } => Some((letters, at.timestamp_micros())),
        Reservation::Later(_) => None,
        Reservation::Unseeded => panic!("the log was seeded"),
    }
}
