//! The invitation worker from a batch's message to a closed run, on every database.

mod doubts;
mod eligibility;
mod messages;
mod overlaps;
mod refusals;
mod resuming;
