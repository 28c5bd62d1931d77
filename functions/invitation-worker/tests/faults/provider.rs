//! How the provider treats calls.

use std::time::Duration;

use tests::{dice::Dice, ses_fake::Behaviour};

/// How long a slow reply takes.
const SLOW: Duration = Duration::from_millis(40);

/// What becomes of a call of that number: most are taken, and one in six is not simply taken.
pub fn behaviour(dice: &Dice, call: usize) -> Behaviour {
    let mut dice = dice.for_part(call as u64);
    match dice.between(1, 100) {
        1..=4 => Behaviour::AcceptAndDrop,
        5 => Behaviour::AcceptAndFail(500),
        6 => Behaviour::Refuse(429, "TooManyRequestsException"),
        7 => Behaviour::Refuse(503, "ServiceUnavailable"),
        8..=10 => Behaviour::Entries(vec![(dice.between(0, 9), "MESSAGE_REJECTED")]),
        11 => Behaviour::Entries(vec![(dice.between(0, 9), "TRANSIENT_FAILURE"), (0, "ACCOUNT_THROTTLED")]),
        12 => Behaviour::AnswerOnly(dice.between(0, 9)),
        13..=16 => Behaviour::AcceptAfter(SLOW),
        _ => Behaviour::Accept,
    }
}
