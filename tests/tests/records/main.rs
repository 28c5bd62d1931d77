//! What the records promise, on every database.

mod migrations;
mod scripts;
mod transactions;
mod values;
