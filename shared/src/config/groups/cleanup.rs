//! What the clean-up job needs.

use chrono_tz::Tz;

use super::super::kinds::ObjectsAt;
use super::super::reader::{Group, Reader};
use super::super::table::{
    OBJECTS, SCHEDULER_EXPIRED_TOKEN_RETENTION_DAYS, SCHEDULER_METRICS_RETENTION_HOURS, SCHEDULER_SILENCE_HOURS,
    SCHEDULER_TIMEZONE,
};

/// What the clean-up job needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanupSettings {
    /// The zone whose days the nights belong to.
    pub timezone: Tz,
    /// Where what is deleted is archived first.
    pub objects: ObjectsAt,
    /// For how many days an expired invitation is kept.
    pub expired_retention_days: u32,
    /// For how many hours the history of metrics is kept: events and alerts that were delivered.
    pub metrics_retention_hours: u32,
    /// After how many hours a provider's silence about a letter in doubt counts.
    pub silence_hours: u32,
}

impl Group for CleanupSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (timezone, objects) = (reader.value(&SCHEDULER_TIMEZONE), reader.value(&OBJECTS));
        let expired = reader.value(&SCHEDULER_EXPIRED_TOKEN_RETENTION_DAYS);
        let metrics = reader.value(&SCHEDULER_METRICS_RETENTION_HOURS);
        let silence = reader.value(&SCHEDULER_SILENCE_HOURS);
        Some(Self {
            timezone: timezone?,
            objects: objects?,
            expired_retention_days: expired?,
            metrics_retention_hours: metrics?,
            silence_hours: silence?,
        })
    }
}
