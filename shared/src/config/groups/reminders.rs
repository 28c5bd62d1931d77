//! What the reminders' planner needs.

use super::super::reader::{Group, Reader};
use super::super::table::{SCHEDULER_FIRST_REMINDER_DAYS, SCHEDULER_SECOND_REMINDER_DAYS};
use crate::reminders::ReminderDays;

/// What the reminders' planner needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderSettings {
    /// How many days after an invitation its reminders are due.
    pub days: ReminderDays,
}

impl Group for ReminderSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let first = reader.value(&SCHEDULER_FIRST_REMINDER_DAYS);
        let second = reader.value(&SCHEDULER_SECOND_REMINDER_DAYS);
        let days = ReminderDays { first: first?, second: second? };
        if days.second <= days.first {
            let ReminderDays { first, second } = days;
            let wrong = format!("{second} is not later than SCHEDULER_FIRST_REMINDER_DAYS, which is {first}");
            reader.misfit(&SCHEDULER_SECOND_REMINDER_DAYS, wrong);
        }
        Some(Self { days })
    }
}
