//! What becomes of a letter after it was handed over: drawn from the seed and the letter's own name, so that it is the
//! same whatever else happens and in whichever order.

use chrono::TimeDelta;
use shared::letters::LetterKind;
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher as _};

/// One thing that a person, or a mail server, does about a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Their server does not know the address.
    BouncesForGood,
    /// Their mailbox is full.
    BouncesForNow,
    /// They look at it.
    Opens,
    /// They fill in the form.
    Answers,
    /// They follow the link to leave.
    Leaves,
    /// They report it as spam.
    Complains,
}

/// How many of a million letters, and within how many minutes.
struct Chance {
    act: Act,
    invitations: u64,
    reminders: u64,
    within_minutes: u64,
}

const MINUTES_A_DAY: u64 = 24 * 60;

/// Rates as a well-kept list of acquaintances has them: 0.3 % of addresses are gone, and 0.02 % of letters are complained
/// of, a fifth of the line at which Amazon SES reviews an account.
const CHANCES: [Chance; 6] = [
    Chance { act: Act::BouncesForGood, invitations: 3_000, reminders: 300, within_minutes: 5 },
    Chance { act: Act::BouncesForNow, invitations: 12_000, reminders: 12_000, within_minutes: 6 * 60 },
    Chance { act: Act::Opens, invitations: 550_000, reminders: 450_000, within_minutes: 3 * MINUTES_A_DAY },
    Chance { act: Act::Answers, invitations: 220_000, reminders: 160_000, within_minutes: 9 * MINUTES_A_DAY },
    Chance { act: Act::Leaves, invitations: 2_500, reminders: 4_000, within_minutes: 6 * MINUTES_A_DAY },
    Chance { act: Act::Complains, invitations: 200, reminders: 300, within_minutes: 2 * MINUTES_A_DAY },
];

/// What is done about a letter, and how long after it was sent. What bounced is not seen by anybody.
pub fn of(seed: u64, message: &str, kind: LetterKind) -> Vec<(TimeDelta, Act)> {
    let draw = |what: &str, act: Act| {
        let mut hasher = SipHasher13::new_with_keys(seed, 0);
        (what, message, act as u8).hash(&mut hasher);
        hasher.finish()
    };
    let mut acts: Vec<(TimeDelta, Act)> = Vec::new();
    for chance in &CHANCES {
        let of_a_million = if kind == LetterKind::Invitation { chance.invitations } else { chance.reminders };
        if draw("whether", chance.act) % 1_000_000 < of_a_million {
            let minutes = 1 + draw("when", chance.act) % chance.within_minutes;
            acts.push((TimeDelta::minutes(minutes.cast_signed()), chance.act));
        }
        if matches!(acts.as_slice(), [(_, Act::BouncesForGood | Act::BouncesForNow)]) {
            return acts;
        }
    }
    acts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_letter_s_fate_is_always_the_same_and_what_bounced_is_seen_by_nobody(seed: u64, id in 1..1_000_000_u32) {
            let message = id.to_string();
            let acts = of(seed, &message, LetterKind::Invitation);
            prop_assert_eq!(&acts, &of(seed, &message, LetterKind::Invitation));
            prop_assert!(acts.iter().all(|(after, _)| *after > TimeDelta::zero()));
            if acts.iter().any(|(_, act)| matches!(act, Act::BouncesForGood | Act::BouncesForNow)) {
                prop_assert_eq!(acts.len(), 1);
            }
        }
    }
}
