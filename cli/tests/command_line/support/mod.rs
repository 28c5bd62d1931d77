//! What the tests stand on.

pub mod ledger;
pub mod machine;
pub mod people;
pub mod process;
pub mod query;
pub mod sink;
pub mod tidy;

pub use tests::conditions::{pause, until};
