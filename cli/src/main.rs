//! `almanac`: the same jobs on one machine, and the operator's hand.

// What a command may wait for lies deeper than the compiler looks by itself: the clients of AWS.
#![recursion_limit = "256"]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    almanac::main().await
}
