//! Passing and points: the rule of DEPLOYED_SOLUTION, of numbers alone.

use serde::Deserialize;

use crate::Answered;

/// How a team's probes are judged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The share of critical probes that must be answered as expected to pass, in percent.
    pub pass_percent: u32,
    /// What is worth how much.
    pub points: Points,
    /// What speed is worth: the first tier that a mean fits, from the fastest on; none after the last.
    pub speed: Vec<Tier>,
}

/// What is worth how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// All probes answered as expected; a share of them the same share, rounded down.
    pub success: u32,
    /// All critical ones, likewise.
    pub critical: u32,
    /// Https.
    pub https: u32,
    /// The least, when anything was answered as expected.
    pub least: u32,
    /// The most.
    pub most: u32,
}

/// What a speed is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// A mean below so many milliseconds.
    pub below_ms: u32,
    /// Its points.
    pub points: u32,
}

/// A team's probes, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All.
    pub probes: u32,
    /// Those that were answered as expected.
    pub expected: u32,
    /// The critical ones; where a plan calls none so, all are.
    pub critical: u32,
    /// Of these those that were answered as expected.
    pub critical_expected: u32,
    /// How long those that were answered as expected took together, in microseconds.
    pub micros: u64,
    /// Whether the team's address is https.
    pub https: bool,
}

impl Tally {
    /// Counts.
    pub fn of(probes: &[Answered], https: bool) -> Self {
        let none_critical = !probes.iter().any(|probe| probe.critical);
        let mut tally = Self { https, ..Self::default() };
        for probe in probes {
            let (expected, critical) = (u32::from(probe.as_expected()), u32::from(probe.critical || none_critical));
            tally.probes += 1;
            tally.expected += expected;
            tally.critical += critical;
            tally.critical_expected += expected * critical;
            tally.micros += u64::from(expected) * probe.micros;
        }
        tally
    }

    /// How long an answer as expected took in the mean, in milliseconds.
    pub fn mean_ms(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a time far below 2^53 microseconds")]
        let micros = self.micros as f64;
        (self.expected > 0).then(|| micros / 1_000.0 / f64::from(self.expected))
    }
}

impl Rule {
    /// Whether a team passes.
    pub fn passes(&self, tally: &Tally) -> bool {
        tally.critical > 0
            && u64::from(tally.critical_expected) * 100 >= u64::from(self.pass_percent) * u64::from(tally.critical)
    }

    /// Its points. Where nothing was answered as expected there are none: neither https nor speed is worth anything then.
    pub fn score(&self, tally: &Tally) -> u32 {
        if tally.expected == 0 {
            return 0;
        }
        let points = &self.points;
        let https = if tally.https { points.https } else { 0 };
        let sum = share(points.success, tally.expected, tally.probes)
            + share(points.critical, tally.critical_expected, tally.critical)
            + self.speed_points(tally)
            + https;
        sum.max(points.least).min(points.most)
    }

    fn speed_points(&self, tally: &Tally) -> u32 {
        let fits = |tier: &&Tier| tally.micros < u64::from(tier.below_ms) * 1_000 * u64::from(tally.expected);
        self.speed.iter().find(fits).map_or(0, |tier| tier.points)
    }

    /// # Errors
    /// When it contradicts itself; the error begins with the field.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let Points { success, critical, https, least, most } = self.points;
        anyhow::ensure!(self.pass_percent <= 100, "pass_percent: {}; expected 0 to 100", self.pass_percent);
        for (name, points) in [("success", success), ("critical", critical), ("https", https), ("most", most)] {
            anyhow::ensure!(points <= MOST_POINTS, "points.{name}: {points}; expected at most {MOST_POINTS}");
        }
        anyhow::ensure!(least <= most, "points.least: {least}; expected at most points.most, {most}");
        for pair in self.speed.windows(2) {
            anyhow::ensure!(
                pair[0].below_ms < pair[1].below_ms,
                "speed: {} after {}; expected the fastest tier first",
                pair[1].below_ms,
                pair[0].below_ms
            );
        }
        let fastest = self.speed.iter().map(|tier| tier.points).max().unwrap_or(0);
        anyhow::ensure!(fastest <= MOST_POINTS, "speed: {fastest} points; expected at most {MOST_POINTS}");
        Ok(())
    }
}

/// The most points that anything is worth, so that no sum overflows.
const MOST_POINTS: u32 = 1_000_000;

/// That share of the points, rounded down: without fractions, so that no whole number is missed by a rounding.
fn share(points: u32, part: u32, whole: u32) -> u32 {
    let share = u64::from(points) * u64::from(part) / u64::from(whole.max(1));
    // At most `points`, because a part is no more than its whole.
    u32::try_from(share).unwrap_or(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, Got, Rules};

    /// So many probes with so many answered as expected, of them critical ones likewise, in so many milliseconds each.
    fn tally((expected, probes): (u32, u32), (critical_expected, critical): (u32, u32), ms: f64, https: bool) -> Tally {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test's small number")]
        let micros = (ms * 1_000.0) as u64 * u64::from(expected);
        Tally { probes, expected, critical, critical_expected, micros, https }
    }

    /// Worked by hand: floor(0.6 x success %) + floor(0.3 x critical %) + speed + https, at least 25 when anything works.
    #[test]
    fn points_are_those_of_the_table() {
        let rule = Rules::built_in().rule;
        for (success, critical, ms, https, points, sum) in [
            ((0, 12), (0, 1), 0.0, false, 0, "nothing works"),
            ((0, 12), (0, 1), 0.0, true, 0, "nothing works, by https"),
            ((1, 12), (0, 1), 9_000.0, false, 25, "5 + 0 + 0, so 25"),
            ((1, 12), (1, 1), 9_000.0, false, 35, "5 + 30 + 0"),
            ((2, 12), (0, 1), 100.0, true, 25, "10 + 0 + 10 + 5 is 25 by itself"),
            ((3, 12), (0, 1), 100.0, true, 30, "15 + 0 + 10 + 5"),
            ((11, 12), (1, 1), 100.0, false, 95, "55 + 30 + 10"),
            ((7, 12), (2, 3), 100.0, false, 65, "35 + 20 + 10"),
            ((5, 7), (1, 3), 100.0, false, 62, "42.86 + 10 + 10"),
            ((6, 7), (2, 7), 100.0, true, 74, "51.43 + 8.57 + 10 + 5"),
            ((12, 12), (1, 1), 100.0, false, 100, "60 + 30 + 10"),
            ((12, 12), (1, 1), 100.0, true, 105, "60 + 30 + 10 + 5"),
            ((12, 12), (1, 1), 5_000.0, true, 95, "60 + 30 + 0 + 5"),
            // By binary fractions 0.6 x (100 x 15/25) is 36 less a little, which must not become 35.
            ((15, 25), (0, 1), 9_000.0, false, 36, "36 + 0 + 0"),
            ((55, 100), (29, 100), 9_000.0, false, 41, "33 + 8.7"),
        ] {
            assert_eq!(rule.score(&tally(success, critical, ms, https)), points, "{sum}");
        }
    }

    #[test]
    fn speed_is_worth_what_its_tier_says_and_the_edge_belongs_to_the_slower() {
        let rule = Rules::built_in().rule;
        for (ms, points) in [
            (0.0, 10),
            (499.9, 10),
            (499.999, 10),
            (500.0, 7),
            (999.9, 7),
            (1_000.0, 5),
            (1_999.9, 5),
            (2_000.0, 2),
            (4_999.9, 2),
            (5_000.0, 0),
            (9_999.0, 0),
        ] {
            assert_eq!(rule.score(&tally((12, 12), (1, 1), ms, false)), 90 + points, "{ms} ms");
        }
    }

    #[test]
    fn three_quarters_of_the_critical_are_enough_and_anything_less_is_not() {
        let rule = Rules::built_in().rule;
        for (critical, passes) in [
            ((0, 1), false),
            ((1, 1), true),
            ((2, 3), false),
            ((3, 4), true),
            ((2, 4), false),
            ((6, 8), true),
            ((5, 8), false),
            ((75, 100), true),
            ((74, 100), false),
            ((749, 1_000), false),
            ((0, 0), false),
        ] {
            assert_eq!(rule.passes(&tally((1, 1), critical, 1.0, false)), passes, "{critical:?}");
        }
    }

    #[test]
    fn the_most_and_the_least_are_kept_whatever_the_points_are() {
        let mut rule = Rules::built_in().rule;
        rule.points.https = 9;
        assert_eq!(rule.score(&tally((12, 12), (1, 1), 1.0, true)), 109);
        rule.points.https = 10;
        assert_eq!(rule.score(&tally((12, 12), (1, 1), 1.0, true)), 110);
        rule.points.https = 11;
        assert_eq!(rule.score(&tally((12, 12), (1, 1), 1.0, true)), 110, "not 111");
    }

    #[test]
    fn in_a_plan_that_calls_none_critical_all_are() {
        let probe = |got, micros| Answered { probe: "GET /".to_owned(), critical: false, got, micros };
        let (right, wrong) = (Got::Expected(200), Got::OtherStatus(500));
        let three_of_four = [probe(right, 1), probe(right, 2), probe(wrong, 900), probe(right, 3)];
        let tally = Tally::of(&three_of_four, false);
        let counted = Tally { probes: 4, expected: 3, critical: 4, critical_expected: 3, micros: 6, https: false };
        assert_eq!((tally, tally.mean_ms()), (counted, Some(0.002)));
        let rule = Rules::built_in().rule;
        assert_eq!((rule.passes(&tally), rule.score(&tally)), (true, 45 + 22 + 10), "22.5 rounded down");
        let half = Tally::of(&[probe(right, 1), probe(Got::Fault(Fault::TimedOut), 1)], false);
        assert!(!rule.passes(&half));
        assert!(!rule.passes(&Tally::of(&[], false)), "no probe at all");
    }

    #[test]
    fn how_long_a_probe_took_that_failed_says_nothing_about_speed() {
        let probe = |critical, got, micros| Answered { probe: "GET /".to_owned(), critical, got, micros };
        let probes = [
            probe(true, Got::Expected(200), 400_000),
            probe(false, Got::Fault(Fault::TimedOut), 10_000_000),
            probe(false, Got::OtherBody(200), 1),
        ];
        let tally = Tally::of(&probes, true);
        let counted = Tally { probes: 3, expected: 1, critical: 1, critical_expected: 1, micros: 400_000, https: true };
        assert_eq!((tally, tally.mean_ms()), (counted, Some(400.0)));
        assert_eq!(Rules::built_in().rule.score(&tally), 20 + 30 + 10 + 5);
        assert_eq!(Tally::of(&probes[1..], true).mean_ms(), None);
    }
}
