//! What a run promises from its firing to its closing, on every database.

mod alerts;
mod batches;
mod closing;
mod control;
mod dispatching;
mod events;
mod fuse;
mod ledger;
mod missed;
mod opening;
mod planning;
