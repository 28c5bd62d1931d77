//! What every Almanac job stands on.

pub mod email_address;
pub mod mail;
