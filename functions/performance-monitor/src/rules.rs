//! What load tests are judged by, as data: `infra/rules/performance-monitor.json`, or a file in its place.

use anyhow::ensure;
use serde::Deserialize;
use shared::hackathon::Criterion;

use crate::IdPattern;

/// The rules that are built in.
pub const BUILT_IN: &str = include_str!("../../../infra/rules/performance-monitor.json");

/// The rules of all four criteria.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// How many days before a run's time a test may have been for it to count.
    pub window_days: u32,
    /// Of EVENT_SEARCH.
    pub event_search: TierRule,
    /// Of ARCHIVE_SEARCH.
    pub archive_search: TierRule,
    /// Of AUTH_PERFORMANCE.
    pub auth_performance: AuthRule,
    /// Of TICKET_BOOKING.
    pub ticket_booking: BookingRule,
}

/// Points for as many users as a system bears.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    /// How the ids of its tests are made; with a place for users.
    pub test_ids: IdPattern,
    /// The share of requests that must have gone well, in percent.
    pub pass_percent: u32,
    /// What 95 of 100 requests must be faster than, where that is enforced.
    pub p95_below_ms: u32,
    /// The tiers, from the lowest on.
    pub tiers: Vec<Tier>,
}

/// One tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// How many users were played.
    pub users: u64,
    /// What it is worth, where it is the highest that passed.
    pub points: u32,
}

/// Points for a log-in that bears load.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthRule {
    /// How the ids of its tests are made.
    pub test_ids: IdPattern,
    /// How many requests there must have been.
    pub least_requests: u32,
    /// The share of checks that must have gone well, in percent.
    pub pass_percent: u32,
    /// What 95 of 100 requests must be faster than, where that is enforced.
    pub p95_below_ms: u32,
    /// For so many requests.
    pub points_for_requests: u32,
    /// For requests that all went well; a share of it for a share of them, rounded.
    pub points_for_success: u32,
}

/// Points for bookings under load.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingRule {
    /// How the ids of its tests are made.
    pub test_ids: IdPattern,
    /// The share of bookings that must have gone well, in percent.
    pub pass_percent: u32,
    /// What 95 of 100 requests must be faster than, where that is enforced.
    pub p95_below_ms: u32,
    /// What it is worth.
    pub points: u32,
}

/// The rule of one criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Of EVENT_SEARCH and ARCHIVE_SEARCH.
    Tiers(TierRule),
    /// Of AUTH_PERFORMANCE.
    Auth(AuthRule),
    /// Of TICKET_BOOKING.
    Booking(BookingRule),
}

impl Rules {
    /// The rules that are built in.
    pub fn built_in() -> Self {
        serde_json::from_str(BUILT_IN).expect("a test reads it too")
    }

    /// Whether they can be judged by.
    ///
    /// # Errors
    /// Which field has what value, and what was expected.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=90).contains(&self.window_days), "window_days: {}; expected 1 to 90", self.window_days);
        for (name, rule) in [("event_search", &self.event_search), ("archive_search", &self.archive_search)] {
            ensure!(!rule.tiers.is_empty(), "{name}.tiers: none; expected at least one");
            let rising = rule.tiers.is_sorted_by(|low, high| low.users < high.users && low.points <= high.points);
            ensure!(rising, "{name}.tiers: expected users that rise, and points that do not fall");
            ensure!(rule.test_ids.says_users(), "{name}.test_ids: it has no place {{users}}");
        }
        for (name, percent) in [
            ("event_search", self.event_search.pass_percent),
            ("archive_search", self.archive_search.pass_percent),
            ("auth_performance", self.auth_performance.pass_percent),
            ("ticket_booking", self.ticket_booking.pass_percent),
        ] {
            ensure!(percent <= 100, "{name}.pass_percent: {percent}; expected 0 to 100");
        }
        Ok(())
    }

    /// The rule of a criterion; none where it is another function's.
    pub fn of(&self, criterion: Criterion) -> Option<Rule> {
        Some(match criterion {
            Criterion::EventSearch => Rule::Tiers(self.event_search.clone()),
            Criterion::ArchiveSearch => Rule::Tiers(self.archive_search.clone()),
            Criterion::AuthPerformance => Rule::Auth(self.auth_performance.clone()),
            Criterion::TicketBooking => Rule::Booking(self.ticket_booking.clone()),
            _ => return None,
        })
    }
}

impl Rule {
    /// How the ids of its tests are made.
    pub fn test_ids(&self) -> &IdPattern {
        match self {
            Self::Tiers(rule) => &rule.test_ids,
            Self::Auth(rule) => &rule.test_ids,
            Self::Booking(rule) => &rule.test_ids,
        }
    }

    /// The counters that it reads beside requests: each by its own name and as k6 names it to Prometheus.
    pub fn counters(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Tiers(_) => &[],
            Self::Auth(_) => &[("checks", "k6_checks_total"), ("checks_failed", "k6_checks_failed_total")],
            Self::Booking(_) => &[
                ("booked", "k6_successful_bookings_total"),
                ("failed", "k6_failed_bookings_total"),
                ("conflicts", "k6_conflict_bookings_total"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_the_organisers() {
        let rules = Rules::built_in();
        rules.check().expect("they hold");
        let tiers = |rule: &TierRule| rule.tiers.iter().map(|tier| (tier.users, tier.points)).collect::<Vec<_>>();
        let all = [(1_000, 10), (5_000, 20), (10_000, 30), (25_000, 30), (50_000, 40), (100_000, 50)];
        assert_eq!(tiers(&rules.event_search), all);
        assert_eq!(tiers(&rules.archive_search), all.into_iter().filter(|tier| tier.0 != 25_000).collect::<Vec<_>>());
        let AuthRule { least_requests, pass_percent, points_for_requests, points_for_success, .. } =
            rules.auth_performance;
        assert_eq!((least_requests, pass_percent, points_for_requests, points_for_success), (42, 95, 15, 15));
        assert_eq!((rules.ticket_booking.pass_percent, rules.ticket_booking.points, rules.window_days), (95, 30, 3));
        let latencies = [
            rules.event_search.p95_below_ms,
            rules.archive_search.p95_below_ms,
            rules.auth_performance.p95_below_ms,
            rules.ticket_booking.p95_below_ms,
        ];
        assert_eq!(latencies, [2_000, 1_000, 1_000, 3_000]);
    }

    #[test]
    fn rules_that_cannot_be_judged_by_are_refused_by_their_field() {
        let wrong = |change: fn(&mut Rules)| {
            let mut rules = Rules::built_in();
            change(&mut rules);
            rules.check().expect_err("wrong").to_string()
        };
        for (wrong, said) in [
            (wrong(|rules| rules.window_days = 0), "window_days: 0; expected 1 to 90"),
            (wrong(|rules| rules.event_search.tiers.clear()), "event_search.tiers: none"),
            (wrong(|rules| rules.archive_search.tiers.reverse()), "archive_search.tiers: expected users that rise"),
            (wrong(|rules| rules.ticket_booking.pass_percent = 101), "ticket_booking.pass_percent: 101; expected 0"),
            (
                wrong(|rules| rules.event_search.test_ids = "{slug}-{run}".parse().expect("a pattern")),
                "event_search.test_ids: it has no place {users}",
            ),
        ] {
            assert!(wrong.starts_with(said), "{wrong}");
        }
    }
}
