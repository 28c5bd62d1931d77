//! What teams commit, as GitHub tells it.

mod apps;
mod client;
mod runs;
mod support;
