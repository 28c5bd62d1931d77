//! How many points what is worth, as data: `infra/rules/cost-tracking.json`, or a file in its place.

use anyhow::ensure;
use serde::Deserialize;

/// The rules of both criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Of BUDGET_TRACKING.
    pub budget: BudgetRule,
    /// Of JUDGE_SCORE.
    pub judges: JudgesRule,
}

/// Points for spending little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetRule {
    /// For the lowest spend, and for all where all are equal.
    pub cheapest: u32,
    /// For the highest.
    pub dearest: u32,
}

/// Points that judges give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgesRule {
    /// The most that counts.
    pub most: u32,
}

/// The rules that are built in.
pub(crate) const BUILT_IN: &str = include_str!("../../../infra/rules/cost-tracking.json");

impl Rules {
    /// The rules that are built in.
    pub fn built_in() -> Self {
        serde_json::from_str(BUILT_IN).expect("a test reads it too")
    }

    /// Whether they can be judged by.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let BudgetRule { cheapest, dearest } = self.budget;
        ensure!(dearest <= cheapest, "budget.dearest: {dearest}; expected at most budget.cheapest, {cheapest}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_the_organisers() {
        let budget = BudgetRule { cheapest: 30, dearest: 5 };
        assert_eq!(Rules::built_in(), Rules { budget, judges: JudgesRule { most: 10 } });
    }

    #[test]
    fn who_spends_more_has_no_more_points() {
        let mut rules = Rules::built_in();
        rules.check().expect("they hold");
        rules.budget.dearest = 31;
        let wrong = rules.check().expect_err("wrong").to_string();
        assert_eq!(wrong, "budget.dearest: 31; expected at most budget.cheapest, 30");
    }
}
