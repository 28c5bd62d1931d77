//! What the monthly planner needs.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::super::reader::{Group, Reader};
use super::super::table::{
    SCHEDULER_BATCH_SIZE, SCHEDULER_INVITATION_DEADLINE_HOURS, SCHEDULER_INVITATIONS_IN_DOUBT,
    SCHEDULER_MONTHLY_JOB_DAY, SCHEDULER_MONTHLY_JOB_HOUR, SCHEDULER_TIMEZONE,
};
use crate::run::doubt::WhenInDoubt;

/// What the monthly planner needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannerSettings {
    /// The zone in which days, hours and months are meant.
    pub timezone: Tz,
    /// The day of the month on which the cycle begins, 1 to 28.
    pub day: u32,
    /// The hour of that day, 0 to 23.
    pub hour: u32,
    /// How many users a batch holds.
    pub batch_size: u32,
    /// How late its schedule may fire it before a person is asked.
    pub deadline: TimeDelta,
    /// What becomes of invitations in doubt.
    pub when_in_doubt: WhenInDoubt,
}

impl Group for PlannerSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let timezone = reader.value(&SCHEDULER_TIMEZONE);
        let day = reader.value(&SCHEDULER_MONTHLY_JOB_DAY);
        let hour = reader.value(&SCHEDULER_MONTHLY_JOB_HOUR);
        let batch_size = reader.value(&SCHEDULER_BATCH_SIZE);
        let deadline = reader.value(&SCHEDULER_INVITATION_DEADLINE_HOURS);
        let when_in_doubt = reader.value(&SCHEDULER_INVITATIONS_IN_DOUBT);
        Some(Self {
            timezone: timezone?,
            day: day?,
            hour: hour?,
            batch_size: batch_size?,
            deadline: TimeDelta::hours(deadline?.into()),
            when_in_doubt: when_in_doubt?,
        })
    }
}
