//! A month's invitation cycle: what its planner fixes and its workers go by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::month::Month;

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
