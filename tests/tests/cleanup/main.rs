//! The clean-up from a night's firing to a closed run, on every database.

mod contacts;
mod doubts;
mod invitations;
mod nights;
mod said;
