//! A month's invitation cycle: what its planner fixes and its workers go by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    month::Month,
    records::{RecordsError, Result, Tx},
    run::Run,
};

/// The job that runs it.
pub const JOB: &str = "monthly-invitations";

/// What a run of the cycle must not see change under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleParameters {
    /// The cycle's month, in the schedule's zone.
    pub month: Month,
    /// The day of the month: users who chose a later one are not taken.
    pub day: u32,
    /// The day up to which a person holds the month back: users who chose it or an earlier one are not taken either.
    #[serde(default)]
    pub held_back_to: u32,
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

/// How the keys of a month's runs begin.
pub fn period(month: Month) -> String {
    format!("{month}/")
}

/// The last day of the month whose evening a person holds back: has cancelled or paused its run, or not approved it. 0
/// where nobody does. Later evenings leave its users alone, or nothing could be held back for longer than a day.
pub async fn held_back_to(tx: &mut Tx, month: Month) -> Result<u32> {
    let sql = "SELECT parameters FROM runs WHERE job = ? AND run_key >= ? AND run_key < ? AND parent_id = 0 \
               AND (state = 'cancelled' OR (state = 'open' AND control <> 'run')) ORDER BY run_key DESC LIMIT 1";
    let (first, end) = (period(month), format!("{}~", period(month)));
    let Some(row) = tx.row(sql, &[JOB.into(), (&first).into(), (&end).into()]).await? else { return Ok(0) };
    let held: CycleParameters = serde_json::from_str(&row.text(0)?)
        .map_err(|_| RecordsError::unreadable(0, "these are no parameters of a cycle"))?;
    Ok(held.day)
}
