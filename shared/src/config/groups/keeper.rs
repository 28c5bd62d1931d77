//! What the run keeper needs.

use std::time::Duration;

use chrono_tz::Tz;

use super::super::reader::{Group, Reader};
use super::super::table::{SCHEDULER_MAX_JOB_DURATION_HOURS, SCHEDULER_TIMEZONE};

/// What the run keeper needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeeperSettings {
    /// The zone in which reports show times beside UTC.
    pub timezone: Tz,
    /// How long a run may take before it is reported as stuck.
    pub max_job_duration: Duration,
}

impl Group for KeeperSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let timezone = reader.value(&SCHEDULER_TIMEZONE);
        let hours = reader.value(&SCHEDULER_MAX_JOB_DURATION_HOURS);
        Some(Self { timezone: timezone?, max_job_duration: Duration::from_secs(u64::from(hours?) * 3_600) })
    }
}
