//! What the exit code means.

use std::process::ExitCode;

use shared::{
    config::Problems,
    run::{Run, State},
};

use crate::stop::Stopped;

/// What was typed cannot be meant, in words for a person.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misused(pub String);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; of a run: closed, and its ledger balances.
    Done,
    /// It could not be done; of a check: it found something.
    Failed,
    /// What was asked is not understood, or a setting is wrong.
    Usage,
    /// The run is closed, and its ledger does not balance.
    Unbalanced,
    /// The run was cancelled.
    Cancelled,
    /// Stopped before the end; the same command goes on with it.
    Stopped,
    /// Not begun: it could not be over in time.
    Refused,
}

/// The exit codes, as `--help` shows them.
pub const TABLE: &str = "Exit codes:
  0  done; of a run: closed, and its ledger balances
  1  it could not be done; of a check: it found something
  2  the command or a setting is wrong
  3  the run is closed, and its ledger does not balance
  4  the run was cancelled
  5  stopped before the end, by a signal; the same command goes on with it
  6  not begun: it could not be over within SCHEDULER_MAX_JOB_DURATION_HOURS";

impl Exit {
    /// The exit of a command that failed so.
    pub fn of_error(error: &anyhow::Error) -> Self {
        if error.is::<Problems>() || error.is::<Misused>() {
            Self::Usage
        } else if error.is::<Stopped>() {
            Self::Stopped
        } else {
            Self::Failed
        }
    }

    /// The exit of a command that worked on a run.
    pub fn of_run(run: &Run) -> Self {
        match run.state {
            State::Open => Self::Stopped,
            State::Completed => Self::Done,
            State::Failed => Self::Unbalanced,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unbalanced => 3,
            Exit::Cancelled => 4,
            Exit::Stopped => 5,
            Exit::Refused => 6,
        })
    }
}
