//! How many letters all workers together may send: a second, and in any 24 hours.
//!
//! The most is what the settings say and what Amazon SES says of its account (`GetAccount`), whichever is less, and less
//! again when too many letters come back. What was sent is counted in one place, the send log
//! ([`SendLog`]): a key of Redis, or a row of the records. It outlives every worker; where it has lost its memory it
//! grants nothing until it has been told what SES and the records have counted.
//!
//! Whoever has letters asks before it claims them, once for a whole volley of calls. No answer is a failure: who gets
//! no grant leaves its batch for later.
//!
//! One quota is for all transports together: where SES is among them, its limits hold for what goes another way too.

mod account;
mod forecast;
mod in_records;
mod in_redis;
mod known;
mod log;
mod reputation;
mod window;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::FutureExt;
use tokio::time::Instant;

use self::{
    account::Account,
    known::Known,
    reputation::{LINES, Measured},
};
pub use self::{
    forecast::Forecast,
    in_records::RecordsLog,
    in_redis::RedisLog,
    log::{Limits, Reservation, SendLog},
    window::Limit,
};
use super::{providers::Provider, ses::SesSettings};
use crate::{
    clock::Clock,
    config::{MailSettings, SendLogAt},
    records::Records,
};

/// The name of the one quota, and of its log.
pub const NAME: &str = "mail";

/// For how long a worker goes by what it has read.
const REMEMBERED: Duration = Duration::from_secs(10);

/// How long a batch waits at most before it asks again: the quota may have changed.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// How long a batch waits when the log does not answer.
const NO_LOG_WAIT: Duration = Duration::from_secs(30);

/// How long nobody starts anything when the provider asks for a slower pace: it counts by the second.
const HELD: Duration = Duration::from_secs(1);

const NO_ROOM: &str = "the sending quota leaves no room now";
const NO_LOG: &str = "the count of what was sent cannot be reached";

/// What came of asking to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// So many letters may start, after a wait.
    Letters(u32, Duration),
    /// None, for so long, and why.
    Later(Duration, &'static str),
}

/// What all workers together may send.
pub struct Quota {
    records: Records,
    log: Arc<dyn SendLog>,
    clock: Clock,
    /// The most letters a second that the settings allow.
    set: Option<f64>,
    /// Where SES is asked, where letters go through it.
    ses: Option<SesSettings>,
    read: Mutex<Option<(Instant, Known)>>,
    /// What was last said of the rate in force.
    told: Mutex<Option<(Option<Limits>, [u32; LINES.len()])>>,
}

impl Quota {
    /// The quota of a worker with these settings; `None` where nothing limits it.
    pub fn of(records: &Records, mail: &MailSettings, clock: &Clock) -> anyhow::Result<Option<Self>> {
        let set = mail.rate.letters_per_second();
        let ses = mail.transports.iter().find_map(|provider| match provider {
            Provider::Ses(settings) => Some(settings.clone()),
            Provider::Dir(_) | Provider::Null | Provider::Smtp(_) => None,
        });
        if set.is_none() && ses.is_none() {
            return Ok(None);
        }
        let log: Arc<dyn SendLog> = match &mail.send_log {
            SendLogAt::Records => Arc::new(RecordsLog::new(records.clone(), NAME)),
            SendLogAt::Redis(url) => Arc::new(RedisLog::new(url.expose(), format!("almanac:send-log:{NAME}"))?),
        };
        Ok(Some(Self::new(records.clone(), log, clock.clone(), set, ses)))
    }

    /// A quota of at most `set` letters a second, and of what SES says where `ses` is given.
    pub fn new(
        records: Records,
        log: Arc<dyn SendLog>,
        clock: Clock,
        set: Option<f64>,
        ses: Option<SesSettings>,
    ) -> Self {
        Self { records, log, clock, set, ses, read: Mutex::default(), told: Mutex::default() }
    }

    /// Asks to send up to `wanted` letters that may start within `longest_wait`.
    ///
    /// # Errors
    /// When the records fail. A log that cannot be reached is no error: nothing is granted.
    pub async fn ask(&self, wanted: u32, longest_wait: Duration) -> anyhow::Result<Grant> {
        let known = self.known().await?;
        let stop = known.percent_left.iter().zip(LINES).find(|(left, _)| **left == 0);
        let limits = self.limits(&known);
        self.tell(limits, known.percent_left);
        if let Some((_, line)) = stop {
            return Ok(Grant::Later(LONGEST_WAIT, line.stopped));
        }
        let Some(limits) = limits else { return Ok(Grant::Letters(wanted, Duration::ZERO)) };
        let reserved = match self.log.reserve(limits, wanted, longest_wait).await {
            Ok(Reservation::Unseeded) => {
                self.look_up().await?;
                self.log.reserve(limits, wanted, longest_wait).await
            }
            reserved => reserved,
        };
        Ok(match reserved {
            Ok(Reservation::Granted { letters, wait, .. }) => Grant::Letters(letters, wait),
            Ok(Reservation::Later(wait)) => Grant::Later(wait.min(LONGEST_WAIT), NO_ROOM),
            Ok(Reservation::Unseeded) => Grant::Later(NO_LOG_WAIT, NO_LOG),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "{NO_LOG}; nothing is sent meanwhile");
                Grant::Later(NO_LOG_WAIT, NO_LOG)
            }
        })
    }

    /// Has everybody wait a moment: the provider asked for a slower pace.
    pub async fn hold(&self) {
        if let Err(error) = self.log.hold(HELD).await {
            tracing::warn!(error = format!("{error:#}"), "{NO_LOG}; the others do not know that the provider is busy");
        }
    }

    /// What is known, looked up anew where it is this worker's turn.
    async fn known(&self) -> anyhow::Result<Known> {
        let read = *locked(&self.read);
        if let Some((_, known)) = read.filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return Ok(known);
        }
        let mut look = self.records.read(|tx| async move { known::look(tx, NAME).await }.boxed()).await?;
        if !look.is_fresh {
            look = self.records.transaction(|tx| async move { known::take_turn(tx, NAME).await }.boxed()).await?;
        }
        let known = if look.is_fresh { look.known } else { self.look_up().await? };
        *locked(&self.read) = Some((Instant::now(), known));
        Ok(known)
    }

    /// Asks the records and SES, keeps what they say for all workers, and tells the log.
    async fn look_up(&self) -> anyhow::Result<Known> {
        let now = self.clock.now();
        let read = self.records.read(move |tx| {
            async move {
                let own = reputation::accepted_since(tx, now - TimeDelta::days(1)).await?;
                Ok((own, reputation::measure(tx, now).await?))
            }
            .boxed()
        });
        // Before SES is asked: what goes out meanwhile is then taken for others' for some minutes, and not for nobody's.
        let (own, measured) = read.await?;
        let account = self.account().await;
        let known = self.keep(account, measured).await?;
        let others = account.map(|account| account.sent.saturating_sub(own));
        if let Err(error) = self.log.seed(own, others).await {
            tracing::warn!(error = format!("{error:#}"), "{NO_LOG}");
        }
        Ok(known)
    }

    /// What SES says, where letters go through it and it answers.
    async fn account(&self) -> Option<Account> {
        match account::ask(self.ses.as_ref()?).await {
            Ok(account) => Some(account),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "SES does not say its quota: what it last said counts, and what is set");
                None
            }
        }
    }

    async fn keep(&self, account: Option<Account>, measured: Measured) -> anyhow::Result<Known> {
        let kept =
            self.records.transaction(move |tx| async move { known::keep(tx, NAME, account, &measured).await }.boxed());
        Ok(kept.await?)
    }

    /// The limits in force; `None` where nobody has set or said any.
    fn limits(&self, known: &Known) -> Option<Limits> {
        let said = Some(known.per_second).filter(|rate| self.ses.is_some() && *rate > 0.0);
        let rate = match (self.set, said) {
            (Some(set), Some(said)) => set.min(said),
            (set, said) => set.or(said)?,
        };
        let left = known.percent_left.into_iter().min().unwrap_or(100).max(1);
        let per_day = known.per_day.filter(|_| self.ses.is_some());
        Some(Limits { pace: Limit::per_second(rate * f64::from(left) / 100.0), per_day })
    }

    /// Says how fast letters may go out, when that has changed.
    fn tell(&self, limits: Option<Limits>, percent_left: [u32; LINES.len()]) {
        let mut told = locked(&self.told);
        if *told == Some((limits, percent_left)) {
            return;
        }
        *told = Some((limits, percent_left));
        let Some(limits) = limits else {
            tracing::warn!("no sending rate is set or known: only the provider itself keeps the pace");
            return;
        };
        let (letters, over) = (limits.pace.letters, limits.pace.length.as_secs_f64());
        let [bounces_leave, complaints_leave] = percent_left;
        let per_day = limits.per_day.map_or(-1, |letters| i64::try_from(letters).unwrap_or(i64::MAX));
        tracing::info!(letters, seconds = over, per_day, bounces_leave, complaints_leave, "the sending rate in force");
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
