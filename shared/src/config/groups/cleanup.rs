//! What the clean-up job needs.

use super::super::reader::{Group, Reader};
use super::super::table::{SCHEDULER_EXPIRED_TOKEN_RETENTION_DAYS, SCHEDULER_METRICS_RETENTION_HOURS};

/// What the clean-up job needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanupSettings {
    /// For how many days an expired invitation is kept.
    pub expired_retention_days: u32,
    /// For how many hours the history of metrics is kept.
    pub metrics_retention_hours: u32,
}

impl Group for CleanupSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let expired = reader.value(&SCHEDULER_EXPIRED_TOKEN_RETENTION_DAYS);
        let metrics = reader.value(&SCHEDULER_METRICS_RETENTION_HOURS);
        Some(Self { expired_retention_days: expired?, metrics_retention_hours: metrics? })
    }
}
