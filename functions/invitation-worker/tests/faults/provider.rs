//! How the provider treats calls.

use std::time::Duration;

use tests::{dice::Dice, ses_fake::Behaviour};

/// How long a slow reply takes.
const SLOW: Duration = Duration::from_millis(40);

/// What becomes of a call of that number: most are taken, and one in five is not simply taken at once.
pub fn behaviour(dice: &Dice, call: usize) -> Behaviour {
    let mut dice = dice.for_part(call as u64);
    match dice.between(1, 100) {
        1..=4 => Behaviour::AcceptAndDrop,
        5 => Behaviour::AcceptAndFail(500),
        6..=7 => Behaviour::Refuse(429, "TooManyRequestsException"),
        8 => Behaviour::Refuse(503, "ServiceUnavailable"),
        9..=11 => Behaviour::Entries(vec![(dice.between(0, 9), "MESSAGE_REJECTED")]),
        12..=15 => Behaviour::Entries(vec![(dice.between(0, 9), "TRANSIENT_FAILURE"), (0, "ACCOUNT_THROTTLED")]),
        16 => Behaviour::AnswerOnly(dice.between(0, 9)),
        17..=20 => Behaviour::AcceptAfter(SLOW),
        _ => Behaviour::Accept,
    }
}
