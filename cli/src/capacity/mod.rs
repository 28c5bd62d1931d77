//! What a run takes before it has begun: how long, how many workers and connections, how much money, and what bounds it.
//!
//! A small discrete simulation ([`simulate()`]) plays the planner, the queue with Lambda's scaling rules, the workers' volleys
//! of calls, the database and the sending quota. What it plays with is a [`Setup`]: the stack as its template declares it, or
//! one machine. Everything that is not counted by a rule of ours is a measured or assumed number of [`Setup`], with its source
//! beside it. Latencies are drawn from a seed, so the same question has the same answer.

mod bound;
mod cost;
mod here;
mod limit;
mod line;
mod prices;
mod raise;
mod setup;
mod simulate;

pub use self::{
    bound::Bound,
    cost::{Cost, Usage, heard_too_late},
    limit::Pace,
    prices::{BUILT_IN, Prices},
    raise::{Step, ladder},
    setup::{Database, Instance, Mapping, Planner, Setup},
    simulate::{Outcome, simulate},
};

/// Moments and spans of a simulation, in microseconds.
pub type Micros = u64;

/// A second.
pub const SECOND: Micros = 1_000_000;

/// A day.
pub const DAY: Micros = 86_400 * SECOND;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// How many letters.
    pub letters: u64,
    /// How many of them a batch holds.
    pub letters_per_batch: u64,
}

impl Work {
    /// How many batches that makes.
    pub fn batches(self) -> u64 {
        self.letters.div_ceil(self.letters_per_batch.max(1))
    }
}

/// Seconds as whole microseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a span that is not negative")]
pub(crate) fn micros(seconds: f64) -> Micros {
    (seconds.max(0.0) * 1e6).round() as Micros
}

/// Microseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a span of years has 15 digits")]
pub(crate) fn seconds(micros: Micros) -> f64 {
    micros as f64 / 1e6
}
