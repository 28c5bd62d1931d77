//! What is needed to see that a process uses too much memory.

use super::super::reader::{Group, Reader};
use super::super::table::{SCHEDULER_MAX_MEMORY_MB, SCHEDULER_MEMORY_ALERT_THRESHOLD};

/// What is needed to see that a process uses too much memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemorySettings {
    /// The memory limit, in MiB. On Lambda the function's own size counts instead.
    pub max_memory_mb: u32,
    /// The share of the memory limit above which an alert is raised, 0 to 1.
    pub alert_threshold: f64,
}

impl Group for MemorySettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let memory = reader.value(&SCHEDULER_MAX_MEMORY_MB);
        let threshold = reader.value(&SCHEDULER_MEMORY_ALERT_THRESHOLD);
        Some(Self { max_memory_mb: memory?, alert_threshold: threshold? })
    }
}
