//! The send log: what all workers together may send, counted in one place by its own clock.
//!
//! A grant is a place in the queue: it says from when on its letters may start, which may be a little later, so that
//! workers wait their turn instead of asking again. Where that would be too late, nothing is granted. A grant that is
//! not used is lost, not given back: it belongs to a second that has passed.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::window::{Limit, Log};

/// What all workers together may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How fast.
    pub pace: Limit,
    /// How many letters in any 24 hours; `None` for as many as the pace lets.
    pub per_day: Option<u64>,
}

/// Stands for no limit; numbers up to here are whole in Lua.
const UNLIMITED: u64 = 1 << 52;

impl Limits {
    pub(super) fn day(self) -> Limit {
        Limit::per_day(self.per_day.unwrap_or(UNLIMITED))
    }
}

/// What came of asking for a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// So many letters may start.
    Granted {
        /// How many; at least one, and not always all that were wanted.
        letters: u32,
        /// How long the asker has to wait before they do.
        wait: Duration,
        /// When they may start, by the log's clock.
        at: DateTime<Utc>,
    },
    /// Nothing has room soon enough; there will be after this time.
    Later(Duration),
    /// The log does not know what has been sent: it is new, or has lost its memory. It grants nothing until it is told.
    Unseeded,
}

/// Where what has been sent is counted.
#[async_trait]
pub trait SendLog: Send + Sync {
    /// Asks for up to `wanted` letters (at least one) that may start within `longest_wait`.
    async fn reserve(&self, limits: Limits, wanted: u32, longest_wait: Duration) -> anyhow::Result<Reservation>;

    /// Tells how many letters of the last 24 hours others have sent: they count against the day's quota as well. Where
    /// that is not known, what was told before stays. A log without a memory takes `own` for what it had granted in that
    /// time.
    async fn seed(&self, own: u64, others: Option<u64>) -> anyhow::Result<()>;

    /// Has nothing start for so long: the provider asked for a slower pace.
    async fn hold(&self, time: Duration) -> anyhow::Result<()>;
}

/// How long to wait for a day whose quota others have used up: what they send is not in the log.
pub(super) const FOR_OTHERS: Duration = Duration::from_mins(15);

/// A log's whole state. Moments are microseconds since 1970.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Before this nothing starts.
    pub(super) held_until: i64,
    /// Letters of the last 24 hours that are not in the log.
    pub(super) others: u64,
    pub(super) recent: Log,
    pub(super) day: Log,
}

impl State {
    pub(super) fn reserve(&mut self, limits: Limits, wanted: u32, now: i64, longest_wait: Duration) -> Reservation {
        let (pace, mut day) = (limits.pace, limits.day());
        day.letters = day.letters.saturating_sub(self.others);
        let most = u64::from(wanted).min(pace.letters).min(day.letters);
        if most == 0 {
            return Reservation::Later(FOR_OTHERS);
        }
        // To wait for half of what is wanted keeps calls large, where taking whatever there is would leave crumbs. Of a day
        // that is nearly used up nothing may be left over.
        let needed = most.div_ceil(2);
        let mut at = now.max(self.held_until).max(self.recent.last());
        loop {
            let next = self.day.earliest(day, 1, self.recent.earliest(pace, needed, at));
            if next == at {
                break;
            }
            at = next;
        }
        let wait = Duration::from_micros((at - now).unsigned_abs());
        if wait > longest_wait {
            return Reservation::Later(wait);
        }
        let room = (pace.letters - self.recent.used(pace.micros(), at))
            .min(day.letters - self.day.used(day.micros(), at))
            .min(most);
        self.recent.add(pace.micros(), at, room);
        self.day.add(day.micros(), at, room);
        let letters = u32::try_from(room).expect("not more than was wanted");
        Reservation::Granted { letters, wait, at: DateTime::from_timestamp_micros(at).unwrap_or_default() }
    }

    /// The state of a log that takes so many letters as granted now: when they were is not known.
    pub(super) fn of_day(own: u64, now: i64) -> Self {
        let mut state = Self::default();
        if own > 0 {
            state.day.add(Limit::per_day(own).micros(), now, own);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    /// A worker that asks: how long after the one before, for how many letters, and how long it would wait.
    type Ask = (i64, u32, u64);

    fn asks() -> impl Strategy<Value = Vec<Ask>> {
        proptest::collection::vec((0..400_000_i64, 1..80_u32, 0..20_u64), 1..120)
    }

    /// What is granted to those who ask one after the other, as moments and letters.
    fn granted(limits: Limits, asks: &[Ask]) -> Vec<(i64, u64)> {
        let (mut state, mut now, mut grants) = (State::default(), 1_000 * SECOND, Vec::new());
        for &(pause, wanted, longest_wait) in asks {
            now += pause;
            let reserved = state.reserve(limits, wanted, now, Duration::from_secs(longest_wait));
            if let Reservation::Granted { letters, wait, at } = reserved {
                assert!(letters > 0 && letters <= wanted && wait <= Duration::from_secs(longest_wait));
                assert_eq!(at.timestamp_micros(), now + i64::try_from(wait.as_micros()).expect("short"));
                grants.push((at.timestamp_micros(), u64::from(letters)));
            }
        }
        grants
    }

    /// The most letters in any stretch of that length, counted one by one.
    fn fullest(grants: &[(i64, u64)], length: i64) -> u64 {
        let within = |from: i64| grants.iter().filter(move |(at, _)| (from..from + length).contains(at));
        grants.iter().map(|(from, _)| within(*from).map(|(_, letters)| letters).sum()).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_stretch_holds_more_than_its_limit(asks in asks(), rate in 0.2..200.0_f64, per_day in 1..3_000_u64) {
            let limits = Limits { pace: Limit::per_second(rate), per_day: Some(per_day) };
            let grants = granted(limits, &asks);
            prop_assert!(fullest(&grants, limits.pace.micros()) <= limits.pace.letters);
            prop_assert!(fullest(&grants, SECOND) <= limits.pace.letters);
            prop_assert!(fullest(&grants, limits.day().micros()) <= per_day);
        }

        /// Whoever waits long enough gets a turn no later than the rate makes it, but for the log's coarseness.
        #[test]
        fn what_is_allowed_is_granted(wanted in 1..80_u32, workers in 1..8_usize, rate in 1.0..200.0_f64) {
            let limits = Limits { pace: Limit::per_second(rate), per_day: None };
            let asks = vec![(0, wanted, 3_600); 60 * workers];
            let grants = granted(limits, &asks);
            let letters: u64 = grants.iter().map(|(_, letters)| letters).sum();
            let stretches = letters.div_ceil(limits.pace.letters / 2 + 1);
            let taken = grants[grants.len() - 1].0 - grants[0].0;
            prop_assert!(taken <= i64::try_from(stretches).expect("few") * (limits.pace.micros() + SECOND / PARTS));
        }
    }

    use super::super::window::PARTS;

    fn at_14() -> Limits {
        Limits { pace: Limit::per_second(14.0), per_day: Some(100) }
    }

    fn reserve(state: &mut State, wanted: u32, now: i64) -> (u32, i64) {
        match state.reserve(at_14(), wanted, now, Duration::from_secs(20)) {
            Reservation::Granted { letters, at, .. } => (letters, at.timestamp_micros()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_asks_at_the_full_rate_gets_it_in_whole_calls() {
        let mut state = State::default();
        let starts: Vec<_> = (0..5).map(|_| reserve(&mut state, 50, 0)).collect();
        assert_eq!(starts, [(14, 0), (14, SECOND), (14, 2 * SECOND), (14, 3 * SECOND), (14, 4 * SECOND)]);
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut state = State::default();
        reserve(&mut state, 14, 0);
        assert_eq!(reserve(&mut state, 14, 60 * SECOND), (14, 60 * SECOND));
        assert_eq!(reserve(&mut state, 14, 60 * SECOND), (14, 61 * SECOND));
    }

    #[test]
    fn what_would_come_too_late_is_not_granted_and_costs_nothing() {
        let mut state = State::default();
        let ask = |state: &mut State, wait| state.reserve(at_14(), 14, 0, Duration::from_millis(wait));
        ask(&mut state, 0);
        assert_eq!(ask(&mut state, 999), Reservation::Later(Duration::from_secs(1)));
        assert!(matches!(ask(&mut state, 1_000), Reservation::Granted { letters: 14, .. }));
    }

    #[test]
    fn what_others_sent_and_what_was_granted_is_missing_from_the_day() {
        let mut state = State::of_day(5, 0);
        reserve(&mut state, 10, 0);
        let left = |state: &State| {
            let mut state = state.clone();
            let mut letters = 0;
            while let Reservation::Granted { letters: more, .. } =
                state.reserve(at_14(), 14, SECOND, Duration::from_mins(1))
            {
                letters += more;
            }
            letters
        };
        assert_eq!(left(&state), 85);
        state.others = 60;
        assert_eq!(left(&state), 25);
        state.others = 100;
        assert_eq!(state.reserve(at_14(), 14, SECOND, Duration::MAX), Reservation::Later(FOR_OTHERS));
    }
}
