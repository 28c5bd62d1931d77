//! The plan of probes and the rule by which they are judged, as data: `infra/rules/deployment-monitor.json`.

use anyhow::ensure;
use serde::Deserialize;

use crate::{Probe, Rule};

/// The rules that are built in.
pub const BUILT_IN: &str = include_str!("../../../infra/rules/deployment-monitor.json");

/// The most probes of a plan: what they came to is kept for each team, and told to the Hub.
const MOST_PROBES: usize = 100;

/// What is probed, within which limits, and how it is judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// How it is judged.
    pub rule: Rule,
    /// The limits.
    pub limits: Limits,
    /// What is probed.
    pub probes: Vec<Probe>,
}

/// What is asked of a team's server at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How many probes of a team are under way at once.
    pub probes_at_once: usize,
    /// The most bytes of a body that are read.
    pub body_bytes: usize,
}

impl Rules {
    /// The rules that are built in.
    #[cfg(test)]
    pub(crate) fn built_in() -> Self {
        serde_json::from_str(BUILT_IN).expect("they are read at every start")
    }

    /// # Errors
    /// When they contradict themselves, or a probe would destroy what a team has without the allowance; the error begins
    /// with the field.
    pub fn check(&self) -> anyhow::Result<()> {
        self.rule.check().map_err(|error| anyhow::anyhow!("rule.{error}"))?;
        let Limits { probes_at_once, body_bytes } = self.limits;
        ensure!((1..=32).contains(&probes_at_once), "limits.probes_at_once: {probes_at_once}; expected 1 to 32");
        ensure!((1..=1 << 20).contains(&body_bytes), "limits.body_bytes: {body_bytes}; expected 1 to 1048576");
        let count = self.probes.len();
        ensure!((1..=MOST_PROBES).contains(&count), "probes: {count} of them; expected 1 to {MOST_PROBES}");
        for (number, probe) in self.probes.iter().enumerate() {
            probe.check().map_err(|error| anyhow::anyhow!("probes[{number}].{error}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Points, Tier};

    #[test]
    fn the_built_in_rules_are_the_organisers() {
        let Rules { rule, limits, probes } = Rules::built_in();
        let tier = |below_ms, points| Tier { below_ms, points };
        assert_eq!(
            rule,
            Rule {
                pass_percent: 75,
                points: Points { success: 60, critical: 30, https: 5, least: 25, most: 110 },
                speed: vec![tier(500, 10), tier(1_000, 7), tier(2_000, 5), tier(5_000, 2)],
            }
        );
        assert_eq!(limits, Limits { probes_at_once: 6, body_bytes: 65_536 });
        let said: Vec<String> =
            probes.iter().map(|probe| format!("{} {:?} {}", probe.name(), probe.statuses, probe.critical)).collect();
        assert_eq!(
            said,
            [
                "GET /api/events [200] true",
                "POST /api/bookings [201, 400, 401, 403] false",
                "GET /api/bookings [200, 401, 403] false",
                "PATCH /api/bookings/initiatePayment [302, 400, 401, 403, 404] false",
                "PATCH /api/bookings/cancel [200, 400, 401, 403, 404] false",
                "GET /api/seats [200, 400, 401] false",
                "PATCH /api/seats/select [200, 400, 401, 403, 419] false",
                "PATCH /api/seats/release [200, 400, 401, 403, 419] false",
                "GET /api/payments/success [200, 400, 404] false",
                "GET /api/payments/fail [200, 400, 404] false",
                "POST /api/payments/notifications [200, 400] false",
                "GET /api/analytics [200, 400, 401, 404] false",
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_rules_is_said_by_its_field() {
        let checked = |pointer: &str, value: Value| {
            let mut rules: Value = serde_json::from_str(BUILT_IN).expect("JSON");
            *rules.pointer_mut(pointer).expect("a field") = value;
            let rules: Rules = serde_json::from_value(rules).expect("of the right shape");
            rules.check().map_err(|error| format!("{error:#}"))
        };
        let reset = json!({"method": "POST", "path": "/api/reset", "statuses": [200]});
        for (pointer, value, said) in [
            ("/probes/3", reset.clone(), "probes[3].destructive: POST /api/reset destroys what a team has"),
            ("/probes/3/path", json!("api"), "probes[3].path: \"api\" is no path"),
            ("/probes", json!([]), "probes: 0 of them; expected 1 to 100"),
            ("/rule/pass_percent", json!(101), "rule.pass_percent: 101; expected 0 to 100"),
            ("/rule/points/success", json!(1_000_001), "rule.points.success: 1000001; expected at most 1000000"),
            ("/rule/points/least", json!(111), "rule.points.least: 111; expected at most points.most, 110"),
            ("/rule/speed/0/below_ms", json!(1_000), "rule.speed: 1000 after 1000; expected the fastest tier first"),
            ("/limits/probes_at_once", json!(0), "limits.probes_at_once: 0; expected 1 to 32"),
            ("/limits/body_bytes", json!(0), "limits.body_bytes: 0; expected 1 to 1048576"),
        ] {
            let error = checked(pointer, value).expect_err(said);
            assert!(error.starts_with(said), "{error}");
        }
        let mut allowed = reset;
        allowed["destructive"] = json!("allow");
        assert_eq!(checked("/probes/3", allowed), Ok(()));
        assert_eq!(checked("/rule/pass_percent", json!(100)), Ok(()));
    }
}
