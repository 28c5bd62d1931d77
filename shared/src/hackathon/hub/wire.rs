//! What goes over the wire, as the Hub spells it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hackathon::{Criterion, store::Told};

/// `GET /api/service/teams`.
#[derive(Debug, Deserialize)]
pub(super) struct Teams {
    pub(super) teams: Vec<Team>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Team {
    pub(super) name: String,
    /// The slug.
    pub(super) nickname: String,
}

/// `GET /api/service/teams/environment`.
#[derive(Debug, Deserialize)]
pub(super) struct Environments {
    pub(super) teams: Vec<Environment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Environment {
    pub(super) team_slug: String,
    #[serde(default)]
    pub(super) environment: Vec<Variable>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Option<String>,
}

/// `POST /api/service/team-criteria`.
#[derive(Debug, Serialize)]
pub(super) struct Updates<'a> {
    pub(super) updates: Vec<Update<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Update<'a> {
    team_slug: &'a str,
    hackathon_id: Value,
    criteria_type: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    metrics: Value,
    updated_by: &'static str,
}

impl<'a> Update<'a> {
    pub(super) fn new(hackathon: &str, criterion: Criterion, told: &'a Told, updated_by: &'static str) -> Self {
        let verdict = &told.verdict;
        let mut metrics = verdict.metrics.clone();
        if let Some(metrics) = metrics.as_object_mut() {
            metrics.insert("reason".to_owned(), verdict.reason.as_str().into());
        }
        Self {
            team_slug: &told.team,
            // The Hub counts hackathons where their ids are numbers.
            hackathon_id: hackathon.parse::<u64>().map_or_else(|_| hackathon.into(), Value::from),
            criteria_type: criterion.as_str(),
            status: verdict.status.as_str(),
            score: verdict.score,
            metrics,
            updated_by,
        }
    }
}

/// What it answers to that.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) errors: Option<Vec<ItemError>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemError {
    pub(super) team_slug: String,
    pub(super) error: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hackathon::Verdict;

    #[test]
    fn an_update_is_spelt_as_the_hub_does_and_says_no_score_where_there_is_none() {
        let passed = Told { team: "red".to_owned(), verdict: Verdict::passed(30, "cheapest", json!({"spend": 1.5})) };
        let update = serde_json::to_value(Update::new("7", Criterion::BudgetTracking, &passed, "almanac"));
        assert_eq!(
            update.expect("JSON"),
            json!({"teamSlug": "red", "hackathonId": 7, "criteriaType": "BUDGET_TRACKING", "status": "PASSED",
                   "score": 30, "metrics": {"spend": 1.5, "reason": "cheapest"}, "updatedBy": "almanac"})
        );
        let nothing = Told { team: "blue".to_owned(), verdict: Verdict::no_data("nothing is set") };
        let update = serde_json::to_value(Update::new("spring", Criterion::JudgeScore, &nothing, "almanac"));
        assert_eq!(
            update.expect("JSON"),
            json!({"teamSlug": "blue", "hackathonId": "spring", "criteriaType": "JUDGE_SCORE", "status": "NO_DATA",
                   "metrics": {"reason": "nothing is set"}, "updatedBy": "almanac"})
        );
    }
}
