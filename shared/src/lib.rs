//! What every Almanac job stands on.
//!
//! A job's life: a [`firing`] opens a [`run`]; the planner divides it into batches and sends a message for each
//! through the [`queue`]; workers take the messages through the [`sqs`] edge, make [`claims`], call a [`mail`]
//! provider and record what it answered in the [`records`]; whoever finishes last closes the run with its ledger.
//! What stands behind queue, objects and news is chosen by the settings: [`ports`]. When a job is fired is told by its
//! [`schedule`], which the [`template`] declares.

pub mod alerts;
pub mod aws;
pub mod claims;
pub mod cleaned;
pub mod clock;
pub mod config;
pub mod consent;
pub mod counters;
pub mod credential;
pub mod cycle;
pub mod email_address;
pub mod events;
pub mod feedback;
pub mod firing;
pub mod hackathon;
pub mod invitation;
pub mod lambda;
pub mod letters;
pub mod links;
pub mod mail;
pub mod memory;
pub mod month;
pub mod news;
pub mod objects;
mod page;
pub mod panics;
pub mod people;
pub mod ports;
pub mod process;
pub mod queue;
pub mod random;
pub mod records;
pub mod reminders;
pub mod report;
pub mod run;
pub mod schedule;
pub mod sqs;
pub mod startup;
pub mod template;
pub mod trace;
