//! What AWS takes for what a run uses.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

/// The prices that are built in.
///
/// For the order of magnitude, and to be replaced by the account's own (`ALMANAC_PRICES`): they were taken down in 2026-11
/// from what others quote of AWS's lists and not from an account's bill. Lambda is of eu-west-3 (arm64, first tier:
/// `EUW3-Lambda-GB-Second-ARM` and `EUW3-Request-ARM`), SQS (standard queues), SNS (publishes), EventBridge (custom
/// events) and S3 (`PUT`) of us-east-1 or alike, SES of us-east-1, published on 2026-07-22. Since 2026-07-21 new accounts
/// have the plan Essentials; those that sent before
/// keep à la carte. Without free tiers and taxes.
pub const BUILT_IN: &str = include_str!("prices.json");

/// What AWS takes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Where.
    pub region: String,
    /// The month of the price list: `2026-11`.
    pub date: String,
    /// In what: `USD`.
    pub currency: String,
    /// A million invocations of functions.
    pub lambda_million_requests: f64,
    /// A gigabyte of a function's memory for a second.
    pub lambda_gb_second: f64,
    /// A million calls of SQS.
    pub sqs_million_requests: f64,
    /// A million messages to a topic.
    pub sns_million_publishes: f64,
    /// A million events on the bus.
    pub eventbridge_million_events: f64,
    /// A thousand objects written.
    pub s3_thousand_writes: f64,
    /// Which of the plans the account has.
    pub ses_plan: String,
    /// A thousand letters, by the plan: from so many letters a month on.
    pub ses_thousand_letters: BTreeMap<String, Vec<Tier>>,
}

/// The price beyond so many.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Beyond so many.
    pub beyond: u64,
    /// What it is.
    pub price: f64,
}

impl Prices {
    /// Reads prices.
    ///
    /// # Errors
    /// When the text is not the JSON of [`BUILT_IN`]'s shape, or has no prices of its own plan.
    pub fn parse(json: &str) -> anyhow::Result<Self> {
        let prices: Self = serde_json::from_str(json).context("these are no prices")?;
        let plan = &prices.ses_plan;
        anyhow::ensure!(
            prices.ses_thousand_letters.contains_key(plan),
            "ses_plan is {plan:?}, for which ses_thousand_letters has no prices"
        );
        Ok(prices)
    }

    /// What SES takes for the first letters of a month.
    #[expect(clippy::cast_precision_loss, reason = "an amount of money is rounded anyway")]
    pub fn letters(&self, letters: u64) -> f64 {
        let tiers = self.ses_thousand_letters.get(&self.ses_plan).map_or(&[][..], Vec::as_slice);
        let mut ends = tiers.iter().skip(1).map(|tier| tier.beyond).chain([u64::MAX]);
        let of_tier = |tier: &Tier| {
            let end = ends.next().unwrap_or(u64::MAX);
            letters.min(end).saturating_sub(tier.beyond) as f64 / 1_000.0 * tier.price
        };
        tiers.iter().map(of_tier).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, Prices};

    #[test]
    fn each_letter_has_the_price_of_its_tier() {
        let mut prices = Prices::parse(BUILT_IN).expect("prices");
        let rounded = |prices: &Prices, letters| format!("{:.2}", prices.letters(letters));
        assert_eq!(rounded(&prices, 0), "0.00");
        assert_eq!(rounded(&prices, 1_000_000), "160.00");
        assert_eq!(rounded(&prices, 20_000_000), "3000.00");
        assert_eq!(rounded(&prices, 200_000_000), "25200.00");
        prices.ses_plan = "a-la-carte".to_owned();
        assert_eq!(rounded(&prices, 200_000_000), "20000.00");
    }

    #[test]
    fn prices_that_lack_something_are_refused() {
        for (from, to) in [("\"essentials\",", "\"gold\","), ("\"sqs_million", "\"sqs_milion"), ("0.40", "\"much\"")] {
            Prices::parse(&BUILT_IN.replacen(from, to, 1)).expect_err(to);
        }
    }
}
