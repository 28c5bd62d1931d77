//! What the health check needs.

use std::time::Duration;

use super::super::reader::{Group, Reader};
use super::super::table::{
    SCHEDULER_ERROR_RATE_THRESHOLD, SCHEDULER_MAX_JOB_DURATION_HOURS, SCHEDULER_MAX_MEMORY_MB,
    SCHEDULER_MEMORY_ALERT_THRESHOLD,
};

/// What the health check needs.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthSettings {
    /// The share of errors above which an alert is raised, 0 to 1.
    pub error_rate_threshold: f64,
    /// The memory limit, in MiB.
    pub max_memory_mb: u32,
    /// The share of the memory limit above which an alert is raised, 0 to 1.
    pub memory_alert_threshold: f64,
    /// How long a run may take.
    pub max_job_duration: Duration,
}

impl Group for HealthSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let error_rate = reader.value(&SCHEDULER_ERROR_RATE_THRESHOLD);
        let memory = reader.value(&SCHEDULER_MAX_MEMORY_MB);
        let memory_alert = reader.value(&SCHEDULER_MEMORY_ALERT_THRESHOLD);
        let hours = reader.value(&SCHEDULER_MAX_JOB_DURATION_HOURS);
        Some(Self {
            error_rate_threshold: error_rate?,
            max_memory_mb: memory?,
            memory_alert_threshold: memory_alert?,
            max_job_duration: Duration::from_secs(u64::from(hours?) * 3_600),
        })
    }
}
