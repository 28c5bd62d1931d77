//! The business clock: when something is said to have happened.
//!
//! Three times are never mixed. The *scheduled time* of a firing decides month, eligibility and keys. The *business
//! clock*, this one, dates what is done (`sent_at`, expiry). The *lease clock* is the database's own time and decides
//! who may go on (see [`crate::claims`]).

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

/// A clock that is passed in, so that a test or a simulation can set it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Microseconds since 1970 where the clock stands still; 0 while it runs.
    standing: Arc<AtomicI64>,
    /// By how many microseconds a running clock is ahead of the machine's.
    ahead: i64,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `moment` until it is moved.
    pub fn standing_at(moment: DateTime<Utc>) -> Self {
        Self { standing: Arc::new(AtomicI64::new(moment.timestamp_micros())), ahead: 0 }
    }

    /// A clock that shows `moment` now and runs on from there as the machine's does.
    pub fn running_from(moment: DateTime<Utc>) -> Self {
        Self { standing: Arc::default(), ahead: moment.timestamp_micros() - Utc::now().timestamp_micros() }
    }

    /// Moves a standing clock on.
    pub fn advance(&self, by: TimeDelta) {
        self.standing.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::Relaxed);
    }

    /// The time now, in whole microseconds, as the records keep it.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match self.standing.load(Ordering::Relaxed) {
            0 => Utc::now().timestamp_micros() + self.ahead,
            standing => standing,
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_runs_from_a_moment_shows_it_first_and_then_what_comes_after() {
        let moment = "2026-11-28T17:00:00Z".parse().expect("a time");
        let clock = Clock::running_from(moment);
        let (now, then) = (clock.now(), clock.clone().now());
        assert!(moment <= now && now <= then && then < moment + TimeDelta::minutes(1), "{now} {then}");
    }
}
