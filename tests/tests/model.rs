//! The bookkeeping as a model: one run is opened, planned, worked and closed by processes that may die between any two steps,
//! with messages that come twice, and every state that can be reached is looked at.
//!
//! A step here is a transaction, or a call to a provider: what the code does between two commits nobody else sees. The
//! same model with one rule left out must fail, or it would prove nothing.

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

/// How many batches there are to plan, each with one letter.
const BATCHES: usize = 2;
/// How many planners and how many workers there are at once.
const PROCESSES: usize = 2;
/// How often a process may die.
const DEATHS: u8 = 2;
/// How often the queue may hand a message over again.
const REPEATS: u8 = 1;

/// Which rule is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    Nothing,
    /// A run is inserted by whoever saw none, without a key that only one can have.
    RunKey,
    /// The checkpoint is written without being compared.
    CheckpointCompare,
    /// A claim does not look at how many there were.
    ClaimFence,
    /// What is in doubt is planned again.
    DoubtStays,
    /// A run is closed by a counter of batches, and not by looking at the set of them.
    ClosedBySet,
    /// A run is closed although its plan is not complete.
    PlanCompleteFirst,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Letter {
    Planned,
    Sent,
    InDoubt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Batch {
    /// How many rows were written for it: one, if all is well.
    rows: u8,
    /// Whether a message for it was sent and noted.
    queued: bool,
    /// Messages that can be received.
    messages: u8,
    /// How many claims were made.
    claims: u8,
    /// The claim whose result is awaited.
    open_claim: Option<u8>,
    letter: Letter,
    done: bool,
    /// How often its letter went out.
    on_the_wire: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Planner {
    Idle,
    /// A firing has come, and it has seen that there is no run of it.
    SawNoRun,
    /// It has read the checkpoint.
    At(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Worker {
    Idle,
    /// It has a message, and has read the batch: whether its letter was planned, and how many claims there were.
    Has {
        batch: usize,
        planned: bool,
        claims: u8,
    },
    /// Its claim is committed.
    Claimed {
        batch: usize,
        claim: u8,
    },
    /// The provider has the letter.
    Called {
        batch: usize,
        claim: u8,
    },
    /// The result is recorded, or there was nothing to do.
    Settled {
        batch: usize,
    },
    /// The batch is finished as far as it can be.
    Finished {
        batch: usize,
    },
}

impl Worker {
    fn batch(self) -> Option<usize> {
        match self {
            Self::Idle => None,
            Self::Has { batch, .. }
            | Self::Claimed { batch, .. }
            | Self::Called { batch, .. }
            | Self::Settled { batch }
            | Self::Finished { batch } => Some(batch),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    /// How many runs the firings have made.
    runs: u8,
    checkpoint: u8,
    plan_complete: bool,
    /// What a counter would say is left to do.
    counter: i8,
    closed: u8,
    batches: [Batch; BATCHES],
    planners: [Planner; PROCESSES],
    workers: [Worker; PROCESSES],
    deaths: u8,
    repeats: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    LookForRun(usize),
    OpenRun(usize),
    ReadCheckpoint(usize),
    PlanPage(usize),
    SendMessage(usize),
    RepeatMessage(usize),
    Receive(usize, usize),
    Claim(usize),
    Call(usize),
    Settle(usize),
    Finish(usize),
    TryClose(usize),
    PlannerDies(usize),
    WorkerDies(usize),
    /// The keeper gives up a claim whose lease has ended. Its worker may be dead, or asleep.
    LeaseEnds(usize),
    /// The keeper sends a fresh message for a batch that stands still.
    Wake(usize),
    /// The keeper closes what nobody closed.
    KeeperCloses,
}

struct Almanac {
    left_out: LeftOut,
}

impl Almanac {
    fn may_close(&self, state: &State) -> bool {
        let planned = state.plan_complete || self.left_out == LeftOut::PlanCompleteFirst && state.checkpoint > 0;
        let worked = match self.left_out {
            LeftOut::ClosedBySet => state.counter <= 0,
            _ => state.batches.iter().all(|batch| batch.rows == 0 || batch.done),
        };
        planned && worked
    }

    fn close(&self, state: &mut State) {
        if state.closed == 0 && self.may_close(state) {
            state.closed = 1;
        }
    }
}

impl Model for Almanac {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let batch = Batch {
            rows: 0,
            queued: false,
            messages: 0,
            claims: 0,
            open_claim: None,
            letter: Letter::Planned,
            done: false,
            on_the_wire: 0,
        };
        vec![State {
            runs: 0,
            checkpoint: 0,
            plan_complete: false,
            counter: 0,
            closed: 0,
            batches: [batch; BATCHES],
            planners: [Planner::Idle; PROCESSES],
            workers: [Worker::Idle; PROCESSES],
            deaths: 0,
            repeats: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for process in 0..PROCESSES {
            match state.planners[process] {
                Planner::Idle if state.runs == 0 => actions.push(Action::LookForRun(process)),
                Planner::SawNoRun => actions.push(Action::OpenRun(process)),
                // The keeper starts a planner again for as long as the plan is not complete.
                Planner::Idle if !state.plan_complete => actions.push(Action::ReadCheckpoint(process)),
                Planner::Idle => {}
                Planner::At(_) => actions.push(Action::PlanPage(process)),
            }
            match state.workers[process] {
                Worker::Idle => {
                    let waiting = (0..BATCHES).filter(|&batch| state.batches[batch].messages > 0);
                    actions.extend(waiting.map(|batch| Action::Receive(process, batch)));
                }
                Worker::Has { .. } => actions.push(Action::Claim(process)),
                Worker::Claimed { .. } => actions.push(Action::Call(process)),
                Worker::Called { .. } => actions.push(Action::Settle(process)),
                Worker::Settled { .. } => actions.push(Action::Finish(process)),
                Worker::Finished { .. } => actions.push(Action::TryClose(process)),
            }
            if state.deaths < DEATHS {
                if state.planners[process] != Planner::Idle {
                    actions.push(Action::PlannerDies(process));
                }
                if state.workers[process] != Worker::Idle {
                    actions.push(Action::WorkerDies(process));
                }
            }
        }
        for (number, batch) in state.batches.iter().enumerate() {
            let is_held = state.workers.iter().any(|worker| worker.batch() == Some(number));
            if batch.rows > 0 && !batch.queued {
                actions.push(Action::SendMessage(number));
            }
            if batch.messages > 0 && state.repeats < REPEATS {
                actions.push(Action::RepeatMessage(number));
            }
            if batch.open_claim.is_some() {
                actions.push(Action::LeaseEnds(number));
            }
            if batch.queued && !batch.done && batch.messages == 0 && !is_held {
                actions.push(Action::Wake(number));
            }
        }
        if state.closed == 0 && self.may_close(state) {
            actions.push(Action::KeeperCloses);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::LookForRun(planner) => state.planners[planner] = Planner::SawNoRun,
            Action::OpenRun(planner) => {
                if state.runs == 0 || self.left_out == LeftOut::RunKey {
                    state.runs += 1;
                }
                state.planners[planner] = Planner::Idle;
            }
            Action::ReadCheckpoint(planner) => state.planners[planner] = Planner::At(state.checkpoint),
            Action::PlanPage(planner) => {
                let Planner::At(read) = state.planners[planner] else { return None };
                state.planners[planner] = Planner::Idle;
                let overtaken = state.plan_complete || read != state.checkpoint;
                if overtaken && self.left_out != LeftOut::CheckpointCompare {
                    return Some(state);
                }
                match state.batches.get_mut(usize::from(read)) {
                    Some(batch) => {
                        batch.rows += 1;
                        state.counter += 1;
                        state.checkpoint = read + 1;
                    }
                    None => state.plan_complete = true,
                }
            }
            Action::SendMessage(batch) => {
                state.batches[batch].messages += 1;
                state.batches[batch].queued = true;
            }
            Action::RepeatMessage(batch) => {
                state.repeats += 1;
                state.batches[batch].messages += 1;
            }
            Action::Receive(worker, number) => {
                let batch = &mut state.batches[number];
                batch.messages -= 1;
                // Coming back to a batch waits for a call that is under way, and keeps its old worker from going on.
                if batch.open_claim.is_some() && self.left_out != LeftOut::ClaimFence {
                    state.workers[worker] = Worker::Idle;
                    return Some(state);
                }
                let planned = batch.letter == Letter::Planned && !batch.done;
                state.workers[worker] = Worker::Has { batch: number, planned, claims: batch.claims };
            }
            Action::Claim(worker) => {
                let Worker::Has { batch: number, planned, claims } = state.workers[worker] else { return None };
                let batch = &mut state.batches[number];
                let fenced = batch.claims != claims && self.left_out != LeftOut::ClaimFence;
                state.workers[worker] = match (planned, fenced) {
                    (false, _) => Worker::Settled { batch: number },
                    // Another worker has gone on with it.
                    (true, true) => Worker::Idle,
                    (true, false) => {
                        let claim = batch.claims;
                        batch.claims += 1;
                        batch.open_claim = Some(claim);
                        Worker::Claimed { batch: number, claim }
                    }
                };
            }
            Action::Call(worker) => {
                let Worker::Claimed { batch, claim } = state.workers[worker] else { return None };
                state.batches[batch].on_the_wire += 1;
                state.workers[worker] = Worker::Called { batch, claim };
            }
            Action::Settle(worker) => {
                let Worker::Called { batch: number, claim } = state.workers[worker] else { return None };
                let batch = &mut state.batches[number];
                // A result counts whenever its attempt matches, even after the lease.
                batch.letter = Letter::Sent;
                if batch.open_claim == Some(claim) {
                    batch.open_claim = None;
                }
                state.workers[worker] = Worker::Settled { batch: number };
            }
            Action::Finish(worker) => {
                let Worker::Settled { batch: number } = state.workers[worker] else { return None };
                let batch = &mut state.batches[number];
                if batch.letter != Letter::Planned && batch.open_claim.is_none() {
                    batch.done = true;
                    // Whoever counts, counts each time that somebody finishes.
                    state.counter -= 1;
                }
                state.workers[worker] = Worker::Finished { batch: number };
            }
            Action::TryClose(worker) => {
                state.workers[worker] = Worker::Idle;
                self.close(&mut state);
            }
            Action::PlannerDies(planner) => {
                state.deaths += 1;
                state.planners[planner] = Planner::Idle;
            }
            Action::WorkerDies(worker) => {
                state.deaths += 1;
                // Its message becomes visible again.
                let batch = state.workers[worker].batch()?;
                state.batches[batch].messages += 1;
                state.workers[worker] = Worker::Idle;
            }
            Action::LeaseEnds(number) => {
                let batch = &mut state.batches[number];
                batch.open_claim = None;
                if batch.letter == Letter::Planned && self.left_out != LeftOut::DoubtStays {
                    batch.letter = Letter::InDoubt;
                }
            }
            Action::Wake(batch) => state.batches[batch].messages += 1,
            Action::KeeperCloses => self.close(&mut state),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("all firings for one time are one run", |_, state: &State| state.runs <= 1),
            Property::always("nobody is written to twice", |_, state: &State| {
                state.batches.iter().all(|batch| batch.on_the_wire <= 1)
            }),
            Property::always("nothing is planned twice", |_, state: &State| {
                state.batches.iter().all(|batch| batch.rows <= 1)
            }),
            Property::always("a closed run was planned whole and worked whole", |_, state: &State| {
                let whole = state.batches.iter().all(|batch| batch.rows == 1 && batch.done);
                state.closed == 0 || state.plan_complete && whole
            }),
            Property::always("what is done is known to have been sent, or listed as in doubt", |_, state: &State| {
                let known = |batch: &Batch| match batch.letter {
                    Letter::Sent => batch.on_the_wire > 0,
                    Letter::InDoubt => true,
                    Letter::Planned => false,
                };
                state.batches.iter().all(|batch| !batch.done || known(batch))
            }),
            Property::always("nothing stands still before the run is closed", |model: &Self, state: &State| {
                let mut actions = Vec::new();
                model.actions(state, &mut actions);
                state.closed > 0 || !actions.is_empty()
            }),
            Property::sometimes("a run is closed with everything sent", |_, state: &State| {
                state.closed > 0 && state.batches.iter().all(|batch| batch.letter == Letter::Sent)
            }),
            Property::sometimes("a run is closed with a letter in doubt that went out", |_, state: &State| {
                let doubted = |batch: &Batch| batch.letter == Letter::InDoubt && batch.on_the_wire == 1;
                state.closed > 0 && state.batches.iter().any(doubted)
            }),
        ]
    }
}

/// The promises that are broken when a rule is left out: all that are, or at least the first that is found.
fn broken(left_out: LeftOut) -> Vec<&'static str> {
    let model = Almanac { left_out }.checker().threads(2).finish_when(HasDiscoveries::AnyFailures);
    let checker = model.spawn_bfs().join();
    let found = checker.discoveries();
    // Of what must always hold the checker finds where it does not; of what must be possible, where it is.
    let fails = |property: &&Property<Almanac>| match property.expectation {
        Expectation::Always => found.contains_key(property.name),
        _ => left_out == LeftOut::Nothing && !found.contains_key(property.name),
    };
    checker.model().properties().iter().filter(fails).map(|property| property.name).collect()
}

#[test]
fn wherever_processes_die_and_whatever_comes_twice_no_promise_is_broken() {
    assert_eq!(broken(LeftOut::Nothing), [""; 0]);
}

#[test]
fn each_rule_is_needed_for_the_promise_that_it_is_there_for() {
    for (left_out, promise) in [
        (LeftOut::RunKey, "all firings for one time are one run"),
        (LeftOut::CheckpointCompare, "nothing is planned twice"),
        (LeftOut::ClaimFence, "nobody is written to twice"),
        (LeftOut::DoubtStays, "nobody is written to twice"),
        (LeftOut::ClosedBySet, "a closed run was planned whole and worked whole"),
        (LeftOut::PlanCompleteFirst, "a closed run was planned whole and worked whole"),
    ] {
        let broken = broken(left_out);
        assert!(broken.contains(&promise), "without {left_out:?}: {broken:?}");
    }
}
