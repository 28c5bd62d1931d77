//! What a run promises from its firing to its closing, on every database.

mod batches;
mod closing;
mod control;
mod dispatching;
mod events;
mod ledger;
mod opening;
mod planning;
