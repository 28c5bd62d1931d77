//! The command line as its users meet it: the real binary in processes of its own, real databases, real servers, and
//! what goes wrong with them.

mod capacity;
mod control;
mod costs;
mod database_away;
mod dead_letters;
mod demo;
mod doubled_messages;
mod ending;
mod feedback;
mod fire_at_once;
mod foretelling;
mod import;
mod kill;
mod measured;
mod messages;
mod monitors;
mod questions;
mod redrive;
mod reminders;
mod schedule;
mod schema;
mod serving;
mod several_workers;
mod simulating;
mod support;
