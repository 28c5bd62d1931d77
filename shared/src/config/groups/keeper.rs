//! What the run keeper needs.

use std::time::Duration;

use super::super::reader::{Group, Reader};
use super::super::table::{SCHEDULER_MAX_JOB_DURATION_HOURS, SCHEDULER_WORKER_TIMEOUT};

/// What the run keeper needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeeperSettings {
    /// How long one batch may take; its lease ends a minute later.
    pub worker_timeout: Duration,
    /// How long a run may take before it is reported as stuck.
    pub max_job_duration: Duration,
}

impl Group for KeeperSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let timeout = reader.value(&SCHEDULER_WORKER_TIMEOUT);
        let hours = reader.value(&SCHEDULER_MAX_JOB_DURATION_HOURS);
        Some(Self {
            worker_timeout: Duration::from_millis(timeout?.into()),
            max_job_duration: Duration::from_secs(u64::from(hours?) * 3_600),
        })
    }
}
