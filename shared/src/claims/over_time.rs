//! Letters over time, in at most 120 buckets, however many letters and however long.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

/// The most buckets, so that memory and a chart's detail stay bounded.
const MOST: i64 = 120;

/// The widths of buckets, in seconds, each a multiple of the one before it, so that buckets can be merged. Beyond the
/// last, widths double.
const WIDTHS: [i64; 12] = [1, 2, 10, 20, 60, 120, 600, 1_200, 3_600, 7_200, 21_600, 86_400];

/// How many letters fell into which stretch of time. All stretches are equally wide, and as narrow as a chart has room for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverTime {
    /// Which width is in use.
    level: usize,
    /// Counts by bucket: the time since 1970 divided by the width.
    counts: BTreeMap<i64, u64>,
}

/// The letters of one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// When the stretch begins.
    pub from: DateTime<Utc>,
    /// How many letters fell into it.
    pub letters: u64,
}

impl OverTime {
    /// Adds letters at a moment, in any order of moments.
    pub fn add(&mut self, at: DateTime<Utc>, letters: u64) {
        *self.counts.entry(at.timestamp().div_euclid(width(self.level))).or_default() += letters;
        while self.span().is_some_and(|(first, last)| last - first >= MOST) {
            self.widen();
        }
    }

    /// How wide each bucket is.
    pub fn width(&self) -> TimeDelta {
        TimeDelta::seconds(width(self.level))
    }

    /// All letters.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The buckets from the first with letters to the last, those without letters between them included.
    pub fn buckets(&self) -> Vec<Bucket> {
        let Some((first, last)) = self.span() else { return Vec::new() };
        let bucket = |at: i64| Bucket {
            from: DateTime::from_timestamp_secs(at * width(self.level)).unwrap_or_default(),
            letters: self.counts.get(&at).copied().unwrap_or(0),
        };
        (first..=last).map(bucket).collect()
    }

    fn span(&self) -> Option<(i64, i64)> {
        let (first, _) = self.counts.first_key_value()?;
        let (last, _) = self.counts.last_key_value()?;
        Some((*first, *last))
    }

    fn widen(&mut self) {
        let factor = width(self.level + 1) / width(self.level);
        self.level += 1;
        for (at, letters) in std::mem::take(&mut self.counts) {
            *self.counts.entry(at.div_euclid(factor)).or_default() += letters;
        }
    }
}

fn width(level: usize) -> i64 {
    let last = WIDTHS.len() - 1;
    // Chrono's whole calendar fits into 120 buckets after some twenty doublings of a day.
    WIDTHS[level.min(last)] << level.saturating_sub(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).expect("in range")
    }

    proptest! {
        #[test]
        fn no_letter_is_lost_and_buckets_stay_few_and_hold_what_fell_into_them(
            start in 0..4_000_000_000_000_i64, spread in 1..40_000_000_000_i64,
            letters in proptest::collection::vec((0.0..1.0_f64, 1..51_u64), 1..300),
        ) {
            let mut over_time = OverTime::default();
            let moments: Vec<_> =
                letters.iter().map(|(share, count)| (at(start + (share * spread as f64) as i64), *count)).collect();
            for (moment, count) in &moments {
                over_time.add(*moment, *count);
            }
            let buckets = over_time.buckets();
            prop_assert!(buckets.len() <= 120, "{} buckets", buckets.len());
            prop_assert_eq!(over_time.total(), letters.iter().map(|(_, count)| count).sum::<u64>());
            for bucket in buckets {
                let inside = moments.iter().filter(|(moment, _)| {
                    *moment >= bucket.from && *moment < bucket.from + over_time.width()
                });
                prop_assert_eq!(inside.map(|(_, count)| count).sum::<u64>(), bucket.letters);
            }
        }
    }

    #[test]
    fn every_width_is_a_multiple_of_the_one_before_it() {
        for level in 1..30 {
            assert_eq!(width(level) % width(level - 1), 0, "level {level}");
        }
    }

    #[test]
    fn the_order_of_moments_does_not_matter() {
        let (mut there, mut back) = (OverTime::default(), OverTime::default());
        let moments: Vec<_> = (0..2_000).map(|step| at(step * 1_700)).collect();
        moments.iter().for_each(|moment| there.add(*moment, 50));
        moments.iter().rev().for_each(|moment| back.add(*moment, 50));
        assert_eq!(there, back);
        assert_eq!(there.width(), TimeDelta::seconds(60));
    }
}
