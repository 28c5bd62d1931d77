//! What the reminders' planner needs.

use super::super::reader::{Group, Reader};
use super::super::table::{
    SCHEDULER_FIRST_REMINDER_DAYS, SCHEDULER_REMINDERS_IN_DOUBT, SCHEDULER_SECOND_REMINDER_DAYS,
};
use crate::{reminders::ReminderDays, run::doubt::WhenInDoubt};

/// What the reminders' planner needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderSettings {
    /// How many days after an invitation its reminders are due.
    pub days: ReminderDays,
    /// What becomes of reminders in doubt.
    pub when_in_doubt: WhenInDoubt,
}

impl Group for ReminderSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let first = reader.value(&SCHEDULER_FIRST_REMINDER_DAYS);
        let second = reader.value(&SCHEDULER_SECOND_REMINDER_DAYS);
        let when_in_doubt = reader.value(&SCHEDULER_REMINDERS_IN_DOUBT);
        let days = ReminderDays { first: first?, second: second? };
        if days.second <= days.first {
            let ReminderDays { first, second } = days;
            let wrong = format!("{second} is not later than SCHEDULER_FIRST_REMINDER_DAYS, which is {first}");
            reader.misfit(&SCHEDULER_SECOND_REMINDER_DAYS, wrong);
        }
        Some(Self { days, when_in_doubt: when_in_doubt? })
    }
}
