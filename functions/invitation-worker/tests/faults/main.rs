//! The fault bench: the worker's own binary is killed, frozen and cut off at every step of a whole run, and what came of
//! each letter is counted against what the provider remembers.
//!
//! Workers are processes behind Lambda's rules and SQS's; each reaches the database and the provider through gates, which
//! hold it at a named step without its knowing. The provider loses replies, throttles, refuses and is slow; what it says
//! of letters afterwards comes late, twice and in any order, or never. The database is killed as well. In the nights after
//! the run doubts are settled by silence, and what was not taken is sent by a redrive.
//!
//! `cargo test --workspace --test faults -- --ignored --nocapture` runs the long one and prints its table.

mod aftermath;
mod bench;
mod count;
mod fleet;
mod hearsay;
mod peril;
mod provider;
mod quiet;
mod world;

use tests::dice::Dice;

use crate::{bench::Size, count::Count, hearsay::Feedback};

/// A run that every change goes through: each step twice and more, with and without feedback.
const SHORT: Size = Size { kills: 13, freezes: 4, restarts: 1, users: 60 };

/// The run whose table is published: twice, so that there are 360 kills.
const LONG: Size = Size { kills: 180, freezes: 36, restarts: 3, users: 480 };

#[tokio::test(flavor = "multi_thread")]
async fn with_feedback_nothing_is_lost_or_doubled_and_every_doubt_is_settled() {
    holds(SHORT, Feedback::Works).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_feedback_nothing_is_lost_or_doubled_and_every_unknown_is_listed() {
    holds(SHORT, Feedback::Lost).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes minutes; CONTRIBUTING.md says how to run it"]
async fn three_hundred_kills_lose_and_double_nothing() {
    let mut counts = Vec::new();
    for feedback in [Feedback::Works, Feedback::Lost] {
        counts.extend(holds(LONG, feedback).await);
    }
    println!("{}", count::table(&counts));
    let kills: usize = counts.iter().map(|count| count.kills.values().sum::<usize>()).sum();
    assert!(counts.is_empty() || kills >= 300, "{kills} kills");
}

/// Lives through a run of that size; gives what it counted, or nothing where there is no MariaDB to kill.
async fn holds(size: Size, feedback: Feedback) -> Option<Count> {
    // Boxed, as futures this deep are too large for the compiler.
    let count = Box::pin(bench::live_through(size, feedback, Dice::thrown())).await?;
    println!("{}", count::table([&count]));
    count.check();
    Some(count)
}
