//! What to raise, until a run fits into its time.

use shared::report::count;

use super::{
    Micros, Pace, Work,
    bound::Bound,
    cost::Usage,
    setup::Setup,
    simulate::{Outcome, simulate},
};

/// A run as it would go, and what to raise if it takes too long.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it stands on.
    pub setup: Setup,
    /// What is done.
    pub work: Work,
    /// What it comes to.
    pub outcome: Outcome,
    /// What it uses.
    pub usage: Usage,
    /// What bounds it.
    pub bound: Bound,
    /// What to raise, and to what; `None` where it fits, or nothing can be raised.
    pub raise: Option<String>,
}

/// How much of the time that a run has it may need: the rest is for what nobody foresees, in hundredths.
const USED: u64 = 80;

/// The instances besides the workers that hold connections: a planner, a keeper, three of `delivery-feedback`.
const OTHERS: u64 = 5;

/// The most that a mapping may invoke at once (`MaximumConcurrency`, Lambda's API reference).
const MOST_WORKERS: u64 = 1_000;

/// The most users that a batch may hold: the template's `BatchSize`.
const MOST_USERS: u64 = 300;

/// How long a script of Redis takes in place of a transaction.
const REDIS_S: f64 = 0.000_7;

/// The most steps: each raises something, and some twice.
const STEPS: usize = 12;

impl Step {
    /// Plays the work.
    pub fn of(setup: Setup, work: Work) -> Self {
        let outcome = simulate(&setup, work);
        let usage = Usage::of(&setup, work, &outcome);
        let (bound, _) = Bound::of(&setup, work, &outcome);
        Self { setup, work, outcome, usage, bound, raise: None }
    }

    /// How many connections to the database all instances hold at most.
    pub fn connections(&self) -> u64 {
        (self.outcome.workers + OTHERS) * self.setup.instance.connections
    }
}

/// The work on `setup`; and then with what bounds it raised, and again, until it is done within `most`.
///
/// `letters_per_user` says how many letters a user's contacts are.
pub fn ladder(setup: Setup, work: Work, letters_per_user: u64, most: Micros) -> Vec<Step> {
    let mut steps = vec![Step::of(setup, work)];
    while let Some(last) = steps.last_mut().filter(|step| step.outcome.finished > most) {
        let Some((setup, work, words)) = raised(last, letters_per_user, most / 100 * USED) else { break };
        last.raise = Some(words);
        if steps.len() == STEPS {
            break;
        }
        steps.push(Step::of(setup, work));
    }
    steps
}

/// What bounds the step raised, so that it alone would be done within `most`.
fn raised(step: &Step, letters_per_user: u64, most: Micros) -> Option<(Setup, Work, String)> {
    let (mut setup, mut work) = (step.setup.clone(), step.work);
    let (bound, alone) = Bound::of(&setup, work, &step.outcome);
    let times = alone.div_ceil(most.max(1)).max(2);
    let words = match bound {
        Bound::Day => {
            let quota = setup.quota?;
            let letters = round_up(work.letters + quota.sent);
            setup.quota = Some(Pace { per_day: Some(letters), ..quota });
            format!("SES: {} letters a day", count(letters))
        }
        Bound::Pace => {
            let letters = round_up(work.letters * super::SECOND / most.max(1) + 1);
            #[expect(clippy::cast_precision_loss, reason = "letters of a second")]
            let per_second = letters as f64;
            setup.quota = Some(Pace { per_second, ..setup.quota? });
            format!("SES: {} letters a second", count(letters))
        }
        Bound::SendLog if setup.send_log_s > REDIS_S => {
            setup.send_log_s = REDIS_S;
            "EMAIL_SEND_LOG: a Redis (Cache=valkey)".to_owned()
        }
        Bound::SendLog => return None,
        Bound::Database => {
            setup.database.lanes *= times;
            format!("DatabaseMaxCapacity={}", setup.database.lanes * super::setup::UNITS_OF_A_PROCESSOR)
        }
        Bound::Workers if setup.mapping.most < MOST_WORKERS => {
            setup.mapping.most = (setup.mapping.most * times).min(MOST_WORKERS);
            format!("WorkerConcurrency={}", setup.mapping.most)
        }
        Bound::Workers => return None,
        Bound::Planner => {
            let users = work.letters_per_batch / letters_per_user.max(1);
            let more = (users * times).min(MOST_USERS);
            if more <= users {
                return None;
            }
            work.letters_per_batch = more * letters_per_user;
            format!("BatchSize={more}")
        }
    };
    Some((setup, work, words))
}

/// The next number with two digits that count.
fn round_up(number: u64) -> u64 {
    let step = 10_u64.pow(number.max(1).ilog10().saturating_sub(1));
    number.div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use super::round_up;

    #[test]
    fn numbers_are_rounded_up_to_two_digits() {
        assert_eq!([0, 7, 14, 99, 101, 3_473, 10_000_000].map(round_up), [0, 7, 14, 99, 110, 3_500, 10_000_000]);
    }
}
