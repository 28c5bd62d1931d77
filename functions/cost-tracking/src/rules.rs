//! How many points what is worth, as data: `infra/rules/cost-tracking.json`.

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

impl Rules {
    /// The rules that are built in.
    pub fn built_in() -> Self {
        serde_json::from_str(include_str!("../../../infra/rules/cost-tracking.json")).expect("a test reads it too")
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
}
