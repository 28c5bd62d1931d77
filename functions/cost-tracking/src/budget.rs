//! BUDGET_TRACKING: points for spending little, against what the other teams spend.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::hackathon::{Criterion, Measure, Team, Verdict};

use crate::{BudgetRule, Figure};

/// The variable with what a team has spent.
const SPEND: &str = "MONEY_SPEND";

/// Judges what teams have spent.
#[derive(Debug, Clone, Copy)]
pub struct Budget(pub BudgetRule);

#[async_trait]
impl Measure for Budget {
    type Measured = Figure;

    fn criterion(&self) -> Criterion {
        Criterion::BudgetTracking
    }

    fn variables(&self) -> &'static [&'static str] {
        &[SPEND]
    }

    async fn measure(&self, team: &Team) -> Figure {
        Figure::of(team, &[SPEND])
    }

    fn judge(&self, measured: &[Figure], _: DateTime<Utc>) -> Vec<Verdict> {
        let spends: Vec<_> = measured.iter().map(|figure| figure.number(SPEND)).collect();
        let known = || spends.iter().flatten().copied();
        let (lowest, highest) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
        let verdict = |spend: Result<f64, String>| match spend {
            Err(reason) => Verdict::no_data(reason),
            Ok(spend) => {
                let metrics = json!({"spend": spend, "lowest": lowest, "highest": highest});
                Verdict::passed(self.0.points(spend, lowest, highest), said(spend, lowest, highest), metrics)
            }
        };
        spends.iter().cloned().map(verdict).collect()
    }
}

impl BudgetRule {
    /// The points for a spend between the lowest and the highest: linear between the two, halves rounded up.
    pub fn points(self, spend: f64, lowest: f64, highest: f64) -> u32 {
        let (cheapest, dearest) = (f64::from(self.cheapest), f64::from(self.dearest));
        let share = if highest > lowest { (spend - lowest) / (highest - lowest) } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two numbers of this type")]
        let points = (cheapest + (dearest - cheapest) * share).round() as u32;
        points
    }
}

fn said(spend: f64, lowest: f64, highest: f64) -> String {
    match (spend == lowest, spend == highest) {
        (true, true) => "every team that says so has spent as much".to_owned(),
        (true, false) => "no team has spent less".to_owned(),
        (false, true) => "no team has spent more".to_owned(),
        (false, false) => "between the lowest and the highest spend".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use shared::hackathon::Status;

    use super::*;
    use crate::Rules;

    fn scores(figures: &[Figure]) -> Vec<Option<u32>> {
        Budget(Rules::built_in().budget)
            .judge(figures, DateTime::UNIX_EPOCH)
            .iter()
            .map(|verdict| verdict.score)
            .collect()
    }

    fn spent(spends: &[f64]) -> Vec<Option<u32>> {
        scores(&spends.iter().copied().map(Figure::Of).collect::<Vec<_>>())
    }

    /// Worked by hand: 30 - 25 x (spend - lowest) / (highest - lowest), rounded.
    #[test]
    fn the_points_fall_in_a_line_from_the_lowest_spend_to_the_highest() {
        let of = |points: &[u32]| points.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(spent(&[0.0, 25.0, 50.0, 75.0, 100.0]), of(&[30, 24, 18, 11, 5]), "30, 23.75, 17.5, 11.25, 5");
        assert_eq!(spent(&[200.0, 100.0, 140.0]), of(&[5, 30, 20]), "in whatever order");
        assert_eq!(spent(&[10.0, 10.0, 20.0]), of(&[30, 30, 5]), "two lowest");
        assert_eq!(spent(&[0.01, 0.02]), of(&[30, 5]), "however near");
        assert_eq!(spent(&[0.0, 2.0, 98.0, 100.0]), of(&[30, 30, 6, 5]), "30, 29.5, 5.5, 5");
        assert_eq!(spent(&[0.0, 2.1, 100.0]), of(&[30, 29, 5]), "29.475");
    }

    #[test]
    fn equal_budgets_and_one_team_alone_have_the_most_points() {
        assert_eq!(spent(&[80.0, 80.0, 80.0]), [Some(30); 3]);
        assert_eq!(spent(&[0.0, 0.0]), [Some(30); 2]);
        assert_eq!(spent(&[12.5]), [Some(30)]);
        assert_eq!(spent(&[]), []);
    }

    #[test]
    fn who_says_nothing_is_not_judged_and_changes_nobody_elses_points() {
        let figures = [Figure::Of(100.0), Figure::Missing, Figure::Unreadable, Figure::Negative, Figure::Of(0.0)];
        assert_eq!(scores(&figures), [Some(5), None, None, None, Some(30)]);
        let verdicts = Budget(Rules::built_in().budget).judge(&figures, DateTime::UNIX_EPOCH);
        assert_eq!(verdicts[1], Verdict::no_data("MONEY_SPEND is not set"));
        let statuses: Vec<_> = verdicts.iter().map(|verdict| verdict.status).collect();
        assert_eq!(statuses, [Status::Passed, Status::NoData, Status::NoData, Status::NoData, Status::Passed]);
    }
}
