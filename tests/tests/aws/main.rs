//! The adapters to AWS, over real connections: what each misfortune comes to, and what the services really hold.

mod delivery;
mod login;
mod news;
mod objects;
mod queue;
mod secrets;
mod silent;

use std::time::Duration;

use shared::aws::{Aws, Patience};
use tests::aws_fake::AwsFake;

/// As patient as the real ones, but for waits that a test need not live through.
const PATIENCE: Patience = Patience {
    per_try: Duration::from_secs(5),
    per_call: Duration::from_secs(20),
    tries: 4,
    first_wait: Duration::from_millis(1),
};

/// Clients of the fake.
fn aws(fake: &AwsFake) -> Aws {
    Aws::stand_in(fake.endpoint())
}

/// An error with its whole chain, which names neither the person nor the password that the fake's messages hold.
fn said(error: &anyhow::Error) -> String {
    let said = format!("{error:#} {error:?}");
    assert!(!said.contains("ada@example.org") && !said.contains("hunter2"), "{said}");
    format!("{error:#}")
}
