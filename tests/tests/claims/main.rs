//! What makes a letter go out once: claims, their results, and what is in doubt. On every database.

mod abandoning;
mod asking;
mod settling;
mod zombie;
