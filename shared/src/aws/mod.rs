//! The AWS services behind the ports, a file each, and what their clients share.
//!
//! A call that fails for a reason that passes is tried again here, with waits that grow and are never the same twice:
//! whatever is sent through these clients may arrive twice. (Mail may not, so SES's client tries nothing twice.)

mod calls;
pub mod client;
pub mod eventbridge;
mod fault;
pub mod s3;
pub mod secrets;
pub mod sns;
pub mod sqs;

pub use client::{Aws, Patience};
pub use fault::Fault;
