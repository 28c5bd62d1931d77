//! What every Almanac job stands on.

pub mod config;
pub mod email_address;
pub mod mail;
pub mod people;
