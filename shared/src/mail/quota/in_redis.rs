//! The send log in Redis or Valkey: a script a grant, which is one round trip.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use chrono::DateTime;
use redis::{
    Client, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::log::{Limits, Reservation, SendLog};

/// For the connection, and for each answer. Whoever sends waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A send log in Redis. Everything is under one key, so a cluster keeps it in one place.
#[derive(Clone)]
pub struct RedisLog {
    connection: ConnectionManager,
    key: String,
    scripts: Arc<Scripts>,
    ahead: Arc<AtomicI64>,
}

struct Scripts {
    reserve: Script,
    seed: Script,
    hold: Script,
}

impl fmt::Debug for RedisLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLog").field("key", &self.key).finish_non_exhaustive()
    }
}

impl RedisLog {
    /// The log under that key. The connection is made when it is first needed, and again whenever it is lost.
    pub fn new(url: &str, key: impl Into<String>) -> anyhow::Result<Self> {
        // The library's own error may repeat the URL, and a password in it.
        let client = Client::open(url).ok().context("the URL of Redis cannot be read")?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, config).context("Redis")?;
        let script = |own: &str| Script::new(&[include_str!("log.lua"), own].concat());
        let scripts = Scripts {
            reserve: script(include_str!("reserve.lua")),
            seed: script(include_str!("seed.lua")),
            hold: script(include_str!("hold.lua")),
        };
        Ok(Self { connection, key: key.into(), scripts: Arc::new(scripts), ahead: Arc::default() })
    }

    /// Moves the clock for this handle and its clones: how tests let a day pass.
    pub fn shift_clock(&self, by: Duration) {
        self.ahead.fetch_add(micros(by), Ordering::Relaxed);
    }

    async fn run(&self, script: &Script, arguments: &[i64]) -> anyhow::Result<Vec<String>> {
        let mut invocation = script.key(&self.key);
        invocation.arg(self.ahead.load(Ordering::Relaxed)).arg(arguments);
        let ask = async || invocation.invoke_async(&mut self.connection.clone()).await;
        let answer = match ask().await {
            // The connection was lost while nobody used it, as in an instance that was frozen. Letters that are granted
            // twice for it are a turn that nobody takes.
            Err(error) if error.is_connection_dropped() => ask().await,
            answer => answer,
        };
        answer.context("Redis")
    }
}

#[async_trait]
impl SendLog for RedisLog {
    async fn reserve(&self, limits: Limits, wanted: u32, longest_wait: Duration) -> anyhow::Result<Reservation> {
        let [pace, day] = [limits.pace, limits.day()].map(|limit| [letters(limit.letters), limit.micros()]);
        let arguments = [i64::from(wanted), micros(longest_wait), pace[0], pace[1], day[0], day[1]];
        let answer = self.run(&self.scripts.reserve, &arguments).await?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        Ok(match answer[..] {
            ["granted", letters, wait, at] => Reservation::Granted {
                letters: letters.parse().context("letters of Redis")?,
                wait: Duration::from_micros(wait.parse().context("a time of Redis")?),
                at: DateTime::from_timestamp_micros(at.parse().context("a time of Redis")?).unwrap_or_default(),
            },
            ["later", wait] => Reservation::Later(Duration::from_micros(wait.parse().context("a time of Redis")?)),
            ["others"] => Reservation::Later(super::log::FOR_OTHERS),
            ["unseeded"] => Reservation::Unseeded,
            _ => bail!("Redis gave an answer that its script does not have"),
        })
    }

    async fn seed(&self, own: u64, others: Option<u64>) -> anyhow::Result<()> {
        self.run(&self.scripts.seed, &[letters(own), others.map_or(-1, letters)]).await.map(drop)
    }

    async fn hold(&self, time: Duration) -> anyhow::Result<()> {
        self.run(&self.scripts.hold, &[micros(time)]).await.map(drop)
    }
}

fn letters(letters: u64) -> i64 {
    i64::try_from(letters).unwrap_or(i64::MAX)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
