//! The command line: each command in a file of its own under [`command`], and the engine that stands in for AWS.

pub mod args;
pub mod capacity;
pub mod command;
pub mod engine;
pub mod exit;
pub mod import;
pub mod people;
pub mod progress;
mod say;
pub mod schema;
pub mod simulation;
pub mod stack;
pub mod stop;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Args, exit::Exit, say::tell};

/// Runs the command that the process was called with.
pub async fn main() -> ExitCode {
    let args = Args::parse();
    log_to_stderr();
    let exit = match command::run(args).await {
        Ok(exit) => exit,
        Err(error) => {
            tell!("almanac: {error:#}");
            Exit::of_error(&error)
        }
    };
    exit.into()
}

/// Warnings and errors go to standard error; `RUST_LOG` asks for more or less.
fn log_to_stderr() {
    use tracing_subscriber::{EnvFilter, filter::LevelFilter};
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    // sqlx warns of every slow statement; on a busy machine that is noise.
    let filter = match std::env::var_os("RUST_LOG") {
        Some(_) => filter,
        None => filter.add_directive("sqlx=error".parse().expect("a directive")),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // What cannot be written there would be said there, with a panic.
    log.log_internal_errors(false).compact().init();
}
