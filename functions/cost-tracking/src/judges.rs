//! JUDGE_SCORE: what the judges gave, as whole points.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::hackathon::{Criterion, Measure, Team, Verdict};

use crate::{Figure, JudgesRule};

/// The variable with what they gave, and the spelling of it that stands in the rules of the first hackathons.
const SCORE: &str = "JUDGE_SCORE";
const MISSPELT: &str = "JUDJE_SCORE";

/// Passes on what the judges gave.
#[derive(Debug, Clone, Copy)]
pub struct Judges(pub JudgesRule);

#[async_trait]
impl Measure for Judges {
    type Measured = Figure;

    fn criterion(&self) -> Criterion {
        Criterion::JudgeScore
    }

    fn variables(&self) -> &'static [&'static str] {
        &[SCORE, MISSPELT]
    }

    async fn measure(&self, team: &Team) -> Figure {
        Figure::of(team, &[SCORE, MISSPELT])
    }

    fn judge(&self, measured: &[Figure], _: DateTime<Utc>) -> Vec<Verdict> {
        measured.iter().map(|figure| self.0.verdict(*figure)).collect()
    }
}

impl JudgesRule {
    /// What they gave, at most what counts, rounded, halves up. No points mean that they have not judged yet.
    pub fn verdict(self, figure: Figure) -> Verdict {
        let given = match figure {
            Figure::Negative => 0.0,
            figure => match figure.number(SCORE) {
                Ok(given) => given,
                Err(reason) => return Verdict::no_data(reason),
            },
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a number of this type"
        )]
        let points = given.min(f64::from(self.most)).round() as u32;
        match points {
            0 => Verdict::no_data("the judges gave no points yet"),
            points => Verdict::passed(points, "what the judges gave", json!({"given": given})),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Rules;

    /// Worked by hand: round(clamp(given, 0, 10)), and nothing for 0.
    #[test]
    fn points_are_rounded_between_nothing_and_ten() {
        let rule = Rules::built_in().judges;
        for (given, points) in [
            (0.0, None),
            (0.49, None),
            (0.5, Some(1)),
            (1.0, Some(1)),
            (1.49, Some(1)),
            (7.5, Some(8)),
            (9.49, Some(9)),
            (9.5, Some(10)),
            (10.0, Some(10)),
            (10.01, Some(10)),
            (9_999.0, Some(10)),
        ] {
            assert_eq!(rule.verdict(Figure::Of(given)).score, points, "{given}");
        }
        assert_eq!(rule.verdict(Figure::Negative), Verdict::no_data("the judges gave no points yet"));
        assert_eq!(rule.verdict(Figure::Missing), Verdict::no_data("JUDGE_SCORE is not set"));
    }

    #[tokio::test]
    async fn the_misspelt_variable_counts_where_the_other_is_not_set() {
        let judges = Judges(Rules::built_in().judges);
        for (variables, figure) in [
            (&[(MISSPELT, "7")][..], Figure::Of(7.0)),
            (&[(MISSPELT, "7"), (SCORE, "8")], Figure::Of(8.0)),
            (&[(MISSPELT, "7"), (SCORE, " ")], Figure::Of(7.0)),
            (&[], Figure::Missing),
        ] {
            let variables: BTreeMap<_, _> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let team = Team { position: 1, slug: "red".to_owned(), name: "Red".to_owned(), variables };
            assert_eq!(judges.measure(&team).await, figure);
        }
    }
}
