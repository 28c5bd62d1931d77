//! What happens to the workers: every named step as often as any other, in an order that the dice choose.

use std::collections::VecDeque;

use tests::{
    dice::Dice,
    gate::{Moment, Step},
};

use crate::bench::Size;

/// How many times a step is passed, at most, before the worker that comes to it is in peril: so the first volley of a
/// batch is no more in peril than the later ones.
const TIMES: u64 = 3;

/// How many pieces pass, at most, before a worker is killed that is killed anywhere.
const PIECES: u64 = 400;

/// What happens to one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peril {
    /// What.
    pub kind: Kind,
    /// When.
    pub moment: Moment,
    /// After how many such moments, from 1.
    pub times: usize,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The worker is killed (SIGKILL).
    Kill,
    /// The worker stands still (SIGSTOP) until its lease is over and others have gone on, and wakes up.
    Freeze,
    /// The database is killed, and comes back.
    Restart,
}

/// All perils of a run, in their order.
pub fn all(size: Size, dice: &mut Dice) -> VecDeque<Peril> {
    let moments = || Step::ALL.into_iter().map(Moment::Step).chain([Moment::Any]);
    let mut perils = Vec::new();
    perils.extend(moments().cycle().take(size.kills).map(|moment| (Kind::Kill, moment)));
    perils.extend(moments().cycle().skip(1).take(size.freezes).map(|moment| (Kind::Freeze, moment)));
    perils.extend(moments().cycle().skip(3).take(size.restarts).map(|moment| (Kind::Restart, moment)));
    let mut shuffled = VecDeque::with_capacity(perils.len());
    while !perils.is_empty() {
        let (kind, moment) = perils.swap_remove(dice.between(0, perils.len() as u64 - 1));
        shuffled.push_back(Peril { kind, moment, times: times(moment, dice) });
    }
    shuffled
}

fn times(moment: Moment, dice: &mut Dice) -> usize {
    match moment {
        Moment::Any => dice.between(1, PIECES),
        // A worker has one batch, which it finishes once.
        Moment::Step(Step::BeforeClose) => 1,
        Moment::Step(_) => dice.between(1, TIMES),
    }
}
