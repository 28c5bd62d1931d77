//! The command line as its users meet it: the real binary in processes of its own, real databases, real servers, and
//! what goes wrong with them.

mod kill;
mod support;
