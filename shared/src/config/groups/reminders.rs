//! What the reminders' planner needs.

use super::super::reader::{Group, Reader};
use super::super::table::{SCHEDULER_FIRST_REMINDER_DAYS, SCHEDULER_SECOND_REMINDER_DAYS};

/// What the reminders' planner needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderSettings {
    /// How many days after an invitation the first reminder is due.
    pub first_days: u32,
    /// How many days after an invitation the second reminder is due; more than for the first.
    pub second_days: u32,
}

impl Group for ReminderSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let first_days = reader.value(&SCHEDULER_FIRST_REMINDER_DAYS);
        let second_days = reader.value(&SCHEDULER_SECOND_REMINDER_DAYS);
        let (first_days, second_days) = (first_days?, second_days?);
        if second_days <= first_days {
            let wrong = format!("{second_days} is not later than SCHEDULER_FIRST_REMINDER_DAYS, which is {first_days}");
            reader.misfit(&SCHEDULER_SECOND_REMINDER_DAYS, wrong);
        }
        Some(Self { first_days, second_days })
    }
}
