//! What teams are judged by.

use std::{fmt, str::FromStr};

use serde_json::Value;

/// A criterion, as the Hub calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Criterion {
    /// What a team commits.
    CodeRepo,
    /// Whether what a team has deployed answers.
    DeployedSolution,
    /// How many users' searches of events a team's system bears.
    EventSearch,
    /// How many users' searches of the archive it bears.
    ArchiveSearch,
    /// Whether its log-in bears load.
    AuthPerformance,
    /// Whether its bookings bear load.
    TicketBooking,
    /// What a team has spent, against the others.
    BudgetTracking,
    /// What the judges gave.
    JudgeScore,
}

/// A text that names no criterion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{named:?} is no criterion; expected {expected}", expected = Criterion::ALL.map(Criterion::as_str).join(" or "))]
pub struct UnknownCriterion {
    named: String,
}

impl Criterion {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CodeRepo,
        Self::DeployedSolution,
        Self::EventSearch,
        Self::ArchiveSearch,
        Self::AuthPerformance,
        Self::TicketBooking,
        Self::BudgetTracking,
        Self::JudgeScore,
    ];

    /// The word that the Hub, the records and a schedule's input have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeRepo => "CODE_REPO",
            Self::DeployedSolution => "DEPLOYED_SOLUTION",
            Self::EventSearch => "EVENT_SEARCH",
            Self::ArchiveSearch => "ARCHIVE_SEARCH",
            Self::AuthPerformance => "AUTH_PERFORMANCE",
            Self::TicketBooking => "TICKET_BOOKING",
            Self::BudgetTracking => "BUDGET_TRACKING",
            Self::JudgeScore => "JUDGE_SCORE",
        }
    }

    /// The job that judges by it. A function may hold several such jobs.
    pub fn job(self) -> &'static str {
        match self {
            Self::CodeRepo => "git-monitor",
            Self::DeployedSolution => "deployment-monitor",
            Self::EventSearch => "event-search",
            Self::ArchiveSearch => "archive-search",
            Self::AuthPerformance => "auth-performance",
            Self::TicketBooking => "ticket-booking",
            Self::BudgetTracking => "cost-tracking",
            Self::JudgeScore => "judge-score",
        }
    }

    /// The criterion of that job.
    pub fn of_job(job: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|criterion| criterion.job() == job)
    }

    /// Takes out of an event which criterion it is for: the `criterion` of a schedule's input or of a manual request, the
    /// `job` of a request on the bus. What is left is a firing's event. Where it says nothing, it is for `otherwise`.
    ///
    /// # Errors
    /// When it names no criterion.
    pub fn taken_from(event: &mut Value, otherwise: Self) -> Result<Self, UnknownCriterion> {
        if let Some(job) = event.pointer("/detail/job").and_then(Value::as_str) {
            return Self::of_job(job).ok_or_else(|| UnknownCriterion { named: job.to_owned() });
        }
        let fields = match event.get_mut("manual") {
            Some(manual) => manual.as_object_mut(),
            None => event.as_object_mut(),
        };
        match fields.and_then(|fields| fields.remove("criterion")) {
            None => Ok(otherwise),
            Some(Value::String(named)) => named.parse(),
            Some(other) => Err(UnknownCriterion { named: other.to_string() }),
        }
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Criterion {
    type Err = UnknownCriterion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|criterion| criterion.as_str() == text)
            .ok_or_else(|| UnknownCriterion { named: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unknown(named: &str) -> UnknownCriterion {
        UnknownCriterion { named: named.to_owned() }
    }

    #[test]
    fn every_door_leads_to_the_criterion_that_is_meant_and_leaves_a_firing() {
        let judges = Ok(Criterion::JudgeScore);
        for (mut event, read, left) in [
            (
                json!({"scheduled_time": "t", "criterion": "JUDGE_SCORE"}),
                judges.clone(),
                json!({"scheduled_time": "t"}),
            ),
            (json!({"manual": {"criterion": "JUDGE_SCORE"}}), judges.clone(), json!({"manual": {}})),
            (json!({"detail": {"job": "judge-score"}}), judges, json!({"detail": {"job": "judge-score"}})),
            (json!({"manual": {}}), Ok(Criterion::BudgetTracking), json!({"manual": {}})),
            (json!({"criterion": "X"}), Err(unknown("X")), json!({})),
            (json!({"criterion": 5}), Err(unknown("5")), json!({})),
        ] {
            assert_eq!(Criterion::taken_from(&mut event, Criterion::BudgetTracking), read);
            assert_eq!(event, left);
        }
        let said = unknown("X").to_string();
        assert!(
            said.starts_with("\"X\" is no criterion; expected ") && said.ends_with("BUDGET_TRACKING or JUDGE_SCORE")
        );
    }

    #[test]
    fn words_and_jobs_lead_back_to_their_criterion() {
        for criterion in Criterion::ALL {
            assert_eq!(criterion.as_str().parse(), Ok(criterion));
            assert_eq!(Criterion::of_job(criterion.job()), Some(criterion));
        }
        assert_eq!(Criterion::of_job("cleanup"), None);
    }
}
