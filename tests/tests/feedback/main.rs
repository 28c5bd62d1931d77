//! What providers say of letters afterwards, and what it moves.

mod addresses;
mod orders;
mod settling;
