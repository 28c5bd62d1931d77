//! `almanac`: the same jobs on one machine, and the operator's hand.

use std::process::ExitCode;

// Many short-lived strings on two threads: the system's allocator keeps twice the memory for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    almanac::main().await
}
