//! How people come into the records: imported from files, made up for a demonstration, or made by the million to
//! measure with.
//!
//! Everything goes through a [`PeopleStore`], whose imports never loosen: whoever must not be written to stays so,
//! whatever an old file says (see [`shared::people::strictness`]).

pub mod bench;
mod contact;
pub mod demo;
mod imported;
mod store;
mod tags;
mod user;

pub use self::{
    contact::NewContact,
    store::{CHUNK, PeopleStore, Written},
    tags::{Tags, TooManyTags},
    user::NewUser,
};

#[cfg(test)]
mod tests;
