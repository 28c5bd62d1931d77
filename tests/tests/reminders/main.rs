//! Reminders from an hour's firing to a closed run, on every database.

mod crashes;
mod days;
mod hours;
mod late_replies;
mod pages;
mod rules;
