//! A month's invitation cycle: what its planner fixes and its workers go by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{month::Month, run::Run};

/// The job that runs it.
pub const JOB: &str = "monthly-invitations";

/// What a run of the cycle must not see change under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleParameters {
    /// The cycle's month, in the schedule's zone.
    pub month: Month,
    /// The day of the month: users who chose a later one are not taken.
    pub day: u32,
    /// The firing's scheduled time: how long ago something was is counted from it.
    pub scheduled_at: DateTime<Utc>,
    /// The last user there was when the run was opened.
    pub last_user: i64,
    /// The last contact there was when the run was opened.
    pub last_contact: i64,
}

/// The month of a run of the cycle; none when the run is another job's, or no planner has fixed it.
pub fn month_of(run: &Run) -> Option<Month> {
    let parameters: CycleParameters = serde_json::from_str(&run.parameters).ok()?;
    (run.job == JOB).then_some(parameters.month)
}
