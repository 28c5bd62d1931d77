//! Reading `users.csv`, `contacts.csv` and cost breakdowns: bytes to records, records to typed rows, bad lines to a file of rejects.
//!
//! Memory stays constant whatever the files' size. Everything here is pure; the database is somebody else's.

mod columns;
mod contacts;
mod costs;
mod fields;
mod records;
mod rejects;
mod rows;
mod users;

pub use contacts::ContactRow;
pub use costs::{CostRow, TEAM_TAG};
pub use rejects::{Reject, RejectsFile};
pub use rows::{ReadError, read_contacts, read_costs, read_users};
pub use users::UserRow;

#[cfg(test)]
mod tests;
