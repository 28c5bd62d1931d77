//! What `almanac`, the operator's command, is made of.

pub mod people;
