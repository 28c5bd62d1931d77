//! What the records promise, on every database.

mod migrations;
mod transactions;
mod values;
