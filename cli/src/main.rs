//! `almanac`: the same jobs on one machine, and the operator's hand.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    almanac::main().await
}
