//! What bounds a run: of everything that it needs, what would take the longest by itself.
//!
//! That is the asymptotic bound of operational analysis (Denning and Buzen, "The Operational Analysis of Queueing Network
//! Models", 1978): no run is over before its busiest resource has done its work, and raising another one gains nothing.

use super::{DAY, Micros, Work, micros, setup::Setup, simulate::Outcome};

/// Something that a run needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The letters of a day that SES allows.
    Day,
    /// The letters of a second that SES, or a setting, allows.
    Pace,
    /// The one place that counts what was sent.
    SendLog,
    /// The processors of the database, or the writer of a file.
    Database,
    /// How many workers there may be.
    Workers,
    /// The planner.
    Planner,
}

impl Bound {
    /// What a person calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "letters a day",
            Self::Pace => "letters a second",
            Self::SendLog => "send log",
            Self::Database => "database",
            Self::Workers => "workers",
            Self::Planner => "planner",
        }
    }

    /// What bounds a run most, and how long that takes by itself.
    pub fn of(setup: &Setup, work: Work, outcome: &Outcome) -> (Self, Micros) {
        let all = [Self::Day, Self::Pace, Self::SendLog, Self::Database, Self::Workers, Self::Planner];
        let alone = all.map(|bound| (bound, bound.alone(setup, work, outcome)));
        // Of equals the first.
        alone.into_iter().rev().max_by_key(|(_, alone)| *alone).expect("there are some")
    }

    /// How long this would take by itself.
    #[expect(clippy::cast_precision_loss, reason = "letters of a run")]
    fn alone(self, setup: &Setup, work: Work, outcome: &Outcome) -> Micros {
        match (self, setup.quota) {
            (Self::Day, Some(quota)) => {
                quota.per_day.map_or(0, |most| (work.letters + quota.sent).saturating_sub(1) / most.max(1) * DAY)
            }
            (Self::Pace, Some(quota)) => micros(work.letters as f64 / quota.per_second),
            (Self::Day | Self::Pace, None) => 0,
            (Self::SendLog, _) => outcome.asked * micros(setup.send_log_s),
            (Self::Database, _) => outcome.recorded / setup.database.lanes.max(1),
            (Self::Workers, _) => opened_until(setup, work_of(setup, work)),
            (Self::Planner, _) => {
                outcome.planned + outcome.plannings.saturating_sub(1) * micros(setup.keeper_every_s) / 2
            }
        }
    }
}

/// How long all batches would take one after the other, each alone in its worker but for the processor.
#[expect(clippy::cast_precision_loss, reason = "letters of a run")]
fn work_of(setup: &Setup, work: Work) -> f64 {
    let (database, instance) = (&setup.database, &setup.instance);
    let (batches, letters) = (work.batches() as f64, work.letters as f64);
    let volleys = batches * work.letters_per_batch.div_ceil(instance.volley.max(1)) as f64;
    let commit = database.transaction_s + database.commit_s;
    // Of four that are spread evenly the slowest is four fifths of the way.
    let call = (1.0 + 0.6 * setup.call_spread) * setup.call_s;
    let processor = instance.letter_s * setup.mapping.messages as f64;
    (2.0 * batches + volleys) * commit + letters * (database.letter_s + processor) + volleys * call
}

/// When workers that open one after the other have worked that long together on their batches.
#[expect(clippy::cast_precision_loss, reason = "a count of workers")]
fn opened_until(setup: &Setup, work_s: f64) -> Micros {
    let mapping = &setup.mapping;
    let (most, at_first) = (mapping.most as f64, mapping.at_first.min(mapping.most) as f64);
    let work_s = work_s / mapping.messages.max(1) as f64;
    let a_second = mapping.more_a_minute as f64 / 60.0;
    if a_second == 0.0 {
        return micros(work_s / at_first.max(1.0));
    }
    // While they open, they have done at_first·t + a_second·t²/2.
    let all_open_s = (most - at_first) / a_second;
    let until_then = (at_first + most) / 2.0 * all_open_s;
    if work_s >= until_then {
        return micros(all_open_s + (work_s - until_then) / most);
    }
    micros((at_first.mul_add(at_first, 2.0 * a_second * work_s).sqrt() - at_first) / a_second)
}
