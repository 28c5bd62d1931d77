//! Judging: what load tests are worth, by pure rules.

use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};
use shared::hackathon::Verdict;

use crate::{AuthRule, BookingRule, LoadTests, Measured, Rule, Test, TierRule, prometheus::RESERVED};

impl LoadTests {
    /// What the criterion says of a team.
    pub fn verdict(&self, measured: &Measured) -> Verdict {
        let tests = match measured {
            Measured::Unknown(fault) => return Verdict::unknown(fault.clone()),
            Measured::Tests(tests) => tests,
        };
        let verdict = match (&self.rule, tests.last()) {
            (_, None) => return Verdict::no_data(format!("no test within {} days", self.window_days)),
            (Rule::Tiers(rule), _) => rule.verdict(tests, self.enforce_p95),
            (Rule::Auth(rule), Some(test)) => rule.verdict(test, self.enforce_p95),
            (Rule::Booking(rule), Some(test)) => rule.verdict(test, self.enforce_p95),
        };
        self.shown(verdict, tests)
    }

    /// The verdict with where its tests can be looked at.
    fn shown(&self, mut verdict: Verdict, tests: &[Test]) -> Verdict {
        if let (Some(base), Some(test), Some(metrics)) =
            (&self.dashboards, tests.last(), verdict.metrics.as_object_mut())
        {
            let id = utf8_percent_encode(&test.id, RESERVED);
            metrics.insert("dashboard".to_owned(), format!("{base}?var-testid={id}").into());
        }
        verdict
    }
}

impl TierRule {
    /// The points of the highest tier whose test passed.
    pub fn verdict(&self, tests: &[Test], enforce_p95: bool) -> Verdict {
        let tiers = self.tiers.iter().filter_map(|tier| {
            let test = tests.iter().find(|test| test.users == Some(tier.users))?;
            Some((tier, test, self.obstacle(test, enforce_p95)))
        });
        let tiers: Vec<_> = tiers.collect();
        if tiers.is_empty() {
            return Verdict::no_data("no test of any tier");
        }
        let shown = |(_, test, obstacle): &(_, &Test, Option<String>)| {
            let mut shown = facts(test);
            shown["users"] = test.users.into();
            shown["passed"] = obstacle.is_none().into();
            shown
        };
        let metrics = json!({"tiers": tiers.iter().map(shown).collect::<Vec<_>>()});
        match tiers.iter().rev().find(|(.., obstacle)| obstacle.is_none()) {
            Some((tier, test, _)) => {
                let reason = format!("{} users: {} went well", tier.users, share(test.well(), test.requests));
                Verdict::passed(tier.points, reason, metrics)
            }
            None => {
                // The lowest is the nearest to passing.
                let reason = tiers.first().map_or_else(String::new, |(tier, _, obstacle)| {
                    format!("no tier passed: of {} users {}", tier.users, obstacle.as_deref().unwrap_or_default())
                });
                Verdict::failed(0, reason, metrics)
            }
        }
    }

    /// Why a test did not pass; `None` where it did.
    fn obstacle(&self, test: &Test, enforce_p95: bool) -> Option<String> {
        if test.requests == 0 {
            return Some("made no requests".to_owned());
        }
        let well = test.well();
        if !reaches(well, test.requests, self.pass_percent) {
            return Some(format!("only {} went well, {} % are needed", share(well, test.requests), self.pass_percent));
        }
        too_slow(test, self.p95_below_ms, enforce_p95)
    }
}

impl AuthRule {
    /// Points for enough requests, and for how many of them went well; passed where the checks hold.
    pub fn verdict(&self, test: &Test, enforce_p95: bool) -> Verdict {
        let (checks, checks_failed) = (test.counted("checks"), test.counted("checks_failed"));
        let held = checks.saturating_sub(checks_failed);
        let enough = test.requests >= self.least_requests.into();
        let mut score = if enough { self.points_for_requests } else { 0 };
        score += points_of_share(self.points_for_success, test.well(), test.requests);
        let mut metrics = facts(test);
        metrics["checks"] = checks.into();
        metrics["checks_failed"] = checks_failed.into();
        let obstacle = if !enough {
            Some(format!("{} requests, {} are needed", test.requests, self.least_requests))
        } else if checks == 0 {
            Some("no check was made".to_owned())
        } else if !reaches(held, checks, self.pass_percent) {
            Some(format!("only {} held, {} % are needed", share_of("checks", held, checks), self.pass_percent))
        } else {
            too_slow(test, self.p95_below_ms, enforce_p95)
        };
        match obstacle {
            None => Verdict::passed(score, format!("{} held", share_of("checks", held, checks)), metrics),
            Some(reason) => Verdict::failed(score, reason, metrics),
        }
    }
}

impl BookingRule {
    /// All points or none.
    pub fn verdict(&self, test: &Test, enforce_p95: bool) -> Verdict {
        let (booked, failed, conflicts) = (test.counted("booked"), test.counted("failed"), test.counted("conflicts"));
        let tried = booked.saturating_add(failed).saturating_add(conflicts);
        if tried == 0 {
            return Verdict::no_data("the latest test counted no bookings");
        }
        let mut metrics = facts(test);
        metrics["booked"] = booked.into();
        metrics["bookings_failed"] = failed.into();
        metrics["conflicts"] = conflicts.into();
        let obstacle = if reaches(booked, tried, self.pass_percent) {
            too_slow(test, self.p95_below_ms, enforce_p95)
        } else {
            Some(format!("only {} went well, {} % are needed", share_of("bookings", booked, tried), self.pass_percent))
        };
        match obstacle {
            None => Verdict::passed(self.points, format!("{} went well", share_of("bookings", booked, tried)), metrics),
            Some(reason) => Verdict::failed(0, reason, metrics),
        }
    }
}

/// Whether a part of a whole reaches a share of it in percent; in whole numbers, so that 94.999 % are not 95.
fn reaches(part: u64, whole: u64, percent: u32) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

/// Points for a share, halves rounded up.
fn points_of_share(points: u32, part: u64, whole: u64) -> u32 {
    if whole == 0 {
        return 0;
    }
    let (points, part, whole) = (u128::from(points), u128::from(part), u128::from(whole));
    u32::try_from((2 * points * part + whole) / (2 * whole)).unwrap_or(u32::MAX)
}

/// Why a test that did well all the same did not pass, where tests must be fast too.
fn too_slow(test: &Test, below_ms: u32, enforced: bool) -> Option<String> {
    match test.p95_ms {
        _ if !enforced => None,
        None => Some("how fast it answered is not known".to_owned()),
        Some(p95) if p95 < f64::from(below_ms) => None,
        Some(p95) => Some(format!("95 % of requests took up to {p95:.0} ms, less than {below_ms} is needed")),
    }
}

fn share(part: u64, whole: u64) -> String {
    share_of("requests", part, whole)
}

/// `97.3 % of 1234 requests`, never rounded up.
fn share_of(what: &str, part: u64, whole: u64) -> String {
    let thousandths = if whole == 0 { 0 } else { u128::from(part) * 100_000 / u128::from(whole) };
    let (percent, rest) = (thousandths / 1_000, thousandths % 1_000);
    let rest = format!("{rest:03}");
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("{percent}{point}{rest} % of {whole} {what}")
}

fn facts(test: &Test) -> Value {
    json!({
        "test_id": test.id,
        "run": test.run,
        "requests": test.requests,
        "failed": test.failed,
        "p95_ms": test.p95_ms.map(f64::round),
        "peak_per_second": test.peak_per_second.map(|peak| (peak * 10.0).round() / 10.0),
    })
}

#[cfg(test)]
mod tests {
    use shared::hackathon::Status::{self, Failed, NoData, Passed};

    use super::*;
    use crate::Rules;

    fn test(users: Option<u64>, requests: u64, failed: u64) -> Test {
        Test {
            id: "red-1".to_owned(),
            users,
            run: 1,
            requests,
            failed,
            p95_ms: None,
            peak_per_second: None,
            counters: [].into(),
        }
    }

    /// Users, requests, failed.
    type Tier = (u64, u64, u64);

    /// What comes of it: status and points.
    type Comes = (Status, Option<u32>);

    fn of_tiers(rule: &TierRule, tiers: &[Tier]) -> (Status, Option<u32>) {
        let tests: Vec<Test> =
            tiers.iter().map(|&(users, requests, failed)| test(Some(users), requests, failed)).collect();
        let verdict = rule.verdict(&tests, false);
        (verdict.status, verdict.score)
    }

    /// Worked by hand: a tier passes at 95 %, the highest that passed counts.
    #[test]
    fn the_points_are_those_of_the_highest_tier_that_passed() {
        let Rules { event_search, archive_search, .. } = Rules::built_in();
        let cases: &[(&[Tier], Comes)] = &[
            (&[], (NoData, None)),
            (&[(2_000, 100, 0)], (NoData, None)),
            (&[(1_000, 100, 0)], (Passed, Some(10))),
            (&[(1_000, 100, 5)], (Passed, Some(10))),
            (&[(1_000, 100, 6)], (Failed, Some(0))),
            (&[(1_000, 100_000, 5_001)], (Failed, Some(0))),
            (&[(1_000, 100_000, 5_000)], (Passed, Some(10))),
            (&[(1_000, 0, 0)], (Failed, Some(0))),
            (&[(1_000, 1, 0)], (Passed, Some(10))),
            (&[(5_000, 100, 0)], (Passed, Some(20))),
            (&[(1_000, 100, 0), (5_000, 100, 0), (10_000, 100, 0)], (Passed, Some(30))),
            (&[(1_000, 100, 50), (50_000, 100, 0)], (Passed, Some(40))),
            (&[(1_000, 100, 0), (100_000, 100, 50)], (Passed, Some(10))),
            (&[(100_000, 100, 0)], (Passed, Some(50))),
            (&[(1_000, 100, 101)], (Failed, Some(0))),
        ];
        for (tiers, expected) in cases {
            assert_eq!(of_tiers(&event_search, tiers), *expected, "{tiers:?}");
            assert_eq!(of_tiers(&archive_search, tiers), *expected, "{tiers:?}");
        }
        assert_eq!(of_tiers(&event_search, &[(25_000, 100, 0)]), (Passed, Some(30)));
        assert_eq!(of_tiers(&archive_search, &[(25_000, 100, 0)]), (NoData, None), "it has no such tier");
    }

    #[test]
    fn a_share_just_short_is_not_shown_as_if_it_were_enough() {
        let verdict = Rules::built_in().event_search.verdict(&[test(Some(1_000), 100_000, 5_001)], false);
        assert_eq!(
            verdict.reason,
            "no tier passed: of 1000 users only 94.999 % of 100000 requests went well, 95 % are needed"
        );
        assert_eq!(share(2, 3), "66.666 % of 3 requests");
        assert_eq!(share(1, 1), "100 % of 1 requests");
        assert_eq!(share(0, 0), "0 % of 0 requests");
    }

    /// Requests, failed requests, checks, failed checks.
    fn auth(requests: u64, failed: u64, checks: u64, checks_failed: u64) -> (Status, Option<u32>) {
        let mut test = test(None, requests, failed);
        test.counters = [("checks".to_owned(), checks), ("checks_failed".to_owned(), checks_failed)].into();
        let verdict = Rules::built_in().auth_performance.verdict(&test, false);
        (verdict.status, verdict.score)
    }

    /// Worked by hand: 15 from 42 requests on, and round(success % x 0.15); passed where 95 % of the checks hold too.
    #[test]
    fn a_log_in_has_points_for_requests_and_for_those_that_went_well() {
        for ((requests, failed, checks, checks_failed), expected) in [
            ((42, 0, 42, 0), (Passed, Some(30))),
            ((41, 0, 41, 0), (Failed, Some(15))),
            ((42, 0, 100, 5), (Passed, Some(30))),
            ((42, 0, 100, 6), (Failed, Some(30))),
            ((42, 0, 100_000, 5_001), (Failed, Some(30))),
            ((42, 0, 0, 0), (Failed, Some(30))),
            ((100, 50, 100, 0), (Passed, Some(23))),
            ((100, 97, 100, 0), (Passed, Some(15))),
            ((100, 96, 100, 0), (Passed, Some(16))),
            ((100, 100, 100, 100), (Failed, Some(15))),
            ((0, 0, 0, 0), (Failed, Some(0))),
        ] {
            assert_eq!(auth(requests, failed, checks, checks_failed), expected, "{requests} {failed} {checks}");
        }
    }

    /// Booked, failed, conflicts.
    fn bookings(booked: u64, failed: u64, conflicts: u64) -> (Status, Option<u32>) {
        let mut test = test(None, 100, 0);
        let counted = [("booked", booked), ("failed", failed), ("conflicts", conflicts)];
        test.counters = counted.map(|(name, count)| (name.to_owned(), count)).into();
        let verdict = Rules::built_in().ticket_booking.verdict(&test, false);
        (verdict.status, verdict.score)
    }

    /// Worked by hand: booked / (booked + failed + conflicts) of at least 95 % is worth 30.
    #[test]
    fn bookings_have_all_points_or_none() {
        for ((booked, failed, conflicts), expected) in [
            ((95, 3, 2), (Passed, Some(30))),
            ((94, 3, 3), (Failed, Some(0))),
            ((94_999, 5_001, 0), (Failed, Some(0))),
            ((95_000, 0, 5_000), (Passed, Some(30))),
            ((1, 0, 0), (Passed, Some(30))),
            ((0, 1, 0), (Failed, Some(0))),
            ((0, 0, 0), (NoData, None)),
        ] {
            assert_eq!(bookings(booked, failed, conflicts), expected, "{booked} {failed} {conflicts}");
        }
    }

    #[test]
    fn latency_counts_where_it_is_enforced_and_only_there() {
        let rule = Rules::built_in().event_search;
        for (p95_ms, passed) in [(Some(1_999.9), Passed), (Some(2_000.0), Failed), (None, Failed)] {
            let slow = [Test { p95_ms, ..test(Some(1_000), 100, 0) }];
            assert_eq!(rule.verdict(&slow, true).status, passed, "{p95_ms:?}");
            assert_eq!(rule.verdict(&slow, false).status, Passed);
        }
    }
}
