//! The clean-up from a night's firing to a closed run, on every database.

mod contacts;
mod invitations;
mod nights;
