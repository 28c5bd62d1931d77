//! How many letters may start when: at most so many in any stretch of a length, whatever the length's beginning.
//!
//! What was granted is a log of moments and letters. A grant starts where the stretch that ends there still has room,
//! and never before the grant before it, so only the stretch before the last grant has to be remembered. A token bucket
//! would need no log, but lets twice a second's letters pass in one second: its bucket, and what flows in meanwhile.
//!
//! `reserve.lua` says the same to Redis; one suite holds both.

use std::{fmt, str::FromStr, time::Duration};

/// How finely a log tells moments apart: this many entries to a stretch. Those of one part count as of its last moment.
pub(super) const PARTS: i64 = 96;

/// At most so many letters in any stretch of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At least one.
    pub letters: u64,
    /// How long a stretch is.
    pub length: Duration,
}

impl Limit {
    /// At most this many letters a second, which is above 0. A rate that is not whole is kept over more than a second:
    /// 100 a minute are 2 in any 1.2 seconds.
    pub fn per_second(rate: f64) -> Self {
        let letters = rate.ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and above zero")]
        Self { letters: letters as u64, length: Duration::from_secs_f64((letters / rate).min(YEAR)) }
    }

    /// At most this many letters in any 24 hours, which is how SES counts a day.
    pub fn per_day(letters: u64) -> Self {
        Self { letters, length: Duration::from_hours(24) }
    }

    pub(super) fn micros(self) -> i64 {
        i64::try_from(self.length.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Seconds; keeps the arithmetic within its bounds for the slowest rate.
const YEAR: f64 = 365.0 * 86_400.0;

/// What was granted: moments in microseconds since 1970, ascending, and letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Log(Vec<(i64, u64)>);

impl Log {
    pub(super) fn last(&self) -> i64 {
        self.0.last().map_or(0, |(at, _)| *at)
    }

    /// How many letters the stretch that ends at `at` holds.
    pub(super) fn used(&self, length: i64, at: i64) -> u64 {
        self.0.iter().filter(|(when, _)| when + length > at).map(|(_, letters)| letters).sum()
    }

    /// The first moment from `from` on at which `needed` more letters have room.
    pub(super) fn earliest(&self, limit: Limit, needed: u64, from: i64) -> i64 {
        let length = limit.micros();
        let (mut used, mut at) = (self.used(length, from), from);
        for (when, letters) in self.0.iter().filter(|(when, _)| when + length > from) {
            if used + needed <= limit.letters {
                break;
            }
            used -= letters;
            at = when + length;
        }
        at
    }

    /// Adds letters at a moment that is not before the last, and forgets what no stretch from there on holds.
    pub(super) fn add(&mut self, length: i64, at: i64, letters: u64) {
        self.0.retain(|(when, _)| when + length > at);
        let part = (length / PARTS).max(1);
        match self.0.last_mut() {
            Some((when, before)) if *when / part == at / part => (*when, *before) = (at, *before + letters),
            _ => self.0.push((at, letters)),
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (at, letters)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{at}:{letters}")?;
        }
        Ok(())
    }
}

/// A text that is no log.
#[derive(Debug)]
pub(super) struct InvalidLog;

impl FromStr for Log {
    type Err = InvalidLog;

    fn from_str(text: &str) -> Result<Self, InvalidLog> {
        let entry = |entry: &str| {
            let (at, letters) = entry.split_once(':')?;
            Some((at.parse().ok()?, letters.parse().ok()?))
        };
        let entries = text.split(',').filter(|entry| !entry.is_empty());
        entries.map(|text| entry(text).ok_or(InvalidLog)).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_that_is_not_whole_is_kept_over_more_than_a_second() {
        let whole = Limit::per_second(14.0);
        assert_eq!((whole.letters, whole.length), (14, Duration::from_secs(1)));
        let hundred_a_minute = Limit::per_second(100.0 / 60.0);
        assert_eq!((hundred_a_minute.letters, hundred_a_minute.length), (2, Duration::from_millis(1_200)));
        assert_eq!(Limit::per_second(1.0 / 60.0).length, Duration::from_secs(60));
        assert_eq!(Limit::per_second(f64::MIN_POSITIVE).letters, 1);
    }

    proptest! {
        #[test]
        fn a_log_is_read_back_as_it_was_written(entries in proptest::collection::vec((0..i64::MAX, 0..u64::MAX), 0..50)) {
            let log = Log(entries);
            prop_assert_eq!(log.to_string().parse::<Log>().expect("its own text"), log);
        }
    }
}
