//! The simulation: every batch and every volley of calls, as they happen.
//!
//! - The planner writes a page of batches at a time. When its own time is over, the keeper starts it again.
//! - The mapping lets so many invocations begin at first, and more every minute while messages wait. An invocation takes a
//!   few messages and works on all of them at once; it ends when the last of them is done.
//! - A batch is prepared in one transaction. Then it asks the quota for a volley, waits for its turn, claims it in a
//!   transaction that settles the volley before, makes its calls, and asks again.
//! - Who would wait too long for a turn hands its batch back to the keeper (`invitation_worker::sending`). While the quota is
//!   so busy, whatever else is in the queue is received in vain and handed back as well; that is counted, not played.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    hash::{Hash as _, Hasher as _},
};

use siphasher::sip::SipHasher13;

use super::{
    Micros, SECOND, Work,
    limit::Limiter,
    line::Line,
    micros,
    setup::{Mapping, Setup},
};

/// For how long letters wait for their turn in a worker: `invitation_worker::sending`.
const LONGEST_TURN: Micros = 20 * SECOND;

/// After how long at most a batch that was handed back asks again: `shared::mail::quota`.
const LONGEST_WAIT: Micros = 900 * SECOND;

/// How many commits' time a visit in vain takes: the batch is read, the quota asked, the batch handed back.
const COMMITS_OF_A_VISIT: u32 = 3;

/// What a run came to. Times are microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// When the last batch was done.
    pub finished: Micros,
    /// How many workers there were at most.
    pub workers: u64,
    /// How often a worker was invoked.
    pub invocations: u64,
    /// How long all invocations took together.
    pub worked: Micros,
    /// How often a batch was received only to be handed back: the quota had no room.
    pub in_vain: u64,
    /// How many messages were sent.
    pub messages: u64,
    /// How many volleys the quota was asked for, if it was.
    pub asked: u64,
    /// How long the planner worked.
    pub planned: Micros,
    /// How often it was started.
    pub plannings: u64,
    /// How long the database's processors worked.
    pub recorded: Micros,
    /// How many transactions it had.
    pub transactions: u64,
}

/// Plays the work from the trigger to its end.
pub fn simulate(setup: &Setup, work: Work) -> Outcome {
    let mut simulation = Simulation::new(setup, work);
    while let Some(Reverse((at, _, event))) = simulation.events.pop() {
        simulation.now = at;
        simulation.happen(event);
    }
    simulation.outcome
}

/// A batch in a worker's hands, or on its way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Batch {
    left: u64,
    is_prepared: bool,
    /// Whether its worker has it since the last time that it asked for a turn.
    is_received: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The planner has written its page.
    Planned,
    /// One more invocation may be there.
    Opened,
    /// Fewer messages than an invocation takes have waited long enough.
    WindowOver,
    /// The quota has room again for who waits at most [`LONGEST_TURN`].
    RoomAhead,
    /// A worker begins with a batch, or comes back to it.
    Begun(usize, Batch),
    /// What was called is answered: the next volley.
    Answered(usize, Batch),
    /// A volley's turn has come.
    Turn(usize, Batch, u64),
    /// A batch is done.
    Done(usize),
    /// The keeper sends a fresh message.
    Returned(Batch),
}

/// A place for an invocation.
struct Slot {
    open: usize,
    begun: Micros,
    is_warm: bool,
    processor: Line,
}

struct Simulation<'s> {
    setup: &'s Setup,
    events: BinaryHeap<Reverse<(Micros, u64, Event)>>,
    /// Of events at one moment, the one that was foreseen first comes first.
    foreseen: u64,
    now: Micros,
    unplanned: Work,
    planner_began: Micros,
    queue: VecDeque<Batch>,
    slots: Vec<Slot>,
    idle: Vec<usize>,
    busy: u64,
    window: bool,
    room_ahead: bool,
    /// How many batches were received and have not asked yet.
    asking: u64,
    limiter: Option<Limiter>,
    send_log: Line,
    database: Line,
    call: Micros,
    /// How much shorter or longer.
    spread: Micros,
    calls: u64,
    outcome: Outcome,
}

impl<'s> Simulation<'s> {
    fn new(setup: &'s Setup, work: Work) -> Self {
        let mut simulation = Self {
            setup,
            events: BinaryHeap::new(),
            foreseen: 0,
            now: 0,
            unplanned: work,
            planner_began: 0,
            queue: VecDeque::new(),
            slots: Vec::new(),
            idle: Vec::new(),
            busy: 0,
            window: false,
            room_ahead: false,
            asking: 0,
            limiter: setup.quota.map(|quota| Limiter::new(quota, setup.instance.volley)),
            send_log: Line::of(1),
            database: Line::of(usize::try_from(setup.database.lanes).unwrap_or(usize::MAX)),
            call: micros(setup.call_s),
            spread: micros(setup.call_s * setup.call_spread.clamp(0.0, 1.0)),
            calls: 0,
            outcome: Outcome::default(),
        };
        if work.letters > 0 {
            simulation.begin_planning(0);
            simulation.expect(0, Event::Opened);
        }
        simulation
    }

    fn expect(&mut self, at: Micros, event: Event) {
        self.foreseen += 1;
        self.events.push(Reverse((at, self.foreseen, event)));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Planned => self.planned(),
            Event::Opened => self.open(),
            Event::WindowOver => {
                self.window = false;
                self.take(true);
            }
            Event::RoomAhead => {
                self.room_ahead = false;
                self.take(true);
            }
            Event::Begun(slot, batch) => self.begin(slot, batch),
            Event::Answered(slot, batch) => self.go_on(slot, batch),
            Event::Turn(slot, batch, letters) => self.send(slot, batch, letters),
            Event::Done(slot) => self.let_go(slot),
            Event::Returned(batch) => {
                self.outcome.messages += 1;
                self.queue.push_back(batch);
                self.take(false);
            }
        }
    }

    // ---- The planner

    fn begin_planning(&mut self, at: Micros) {
        self.planner_began = at;
        self.outcome.plannings += 1;
        self.expect(at + micros(self.setup.planner.page_s), Event::Planned);
    }

    fn planned(&mut self) {
        let page = micros(self.setup.planner.page_s);
        self.outcome.planned += page;
        for _ in 0..self.setup.planner.batches_per_page {
            let left = self.unplanned.letters.min(self.unplanned.letters_per_batch);
            if left > 0 {
                self.unplanned.letters -= left;
                self.outcome.messages += 1;
                self.queue.push_back(Batch { left, is_prepared: false, is_received: false });
            }
        }
        if self.unplanned.letters > 0 {
            let works = self.setup.planner.works_s.map_or(Micros::MAX, micros);
            if self.now + page <= self.planner_began.saturating_add(works) {
                self.expect(self.now + page, Event::Planned);
            } else {
                self.begin_planning(self.next_keeping(self.now));
            }
        }
        self.take(false);
    }

    /// When the keeper looks next, from that moment on.
    fn next_keeping(&self, at: Micros) -> Micros {
        let every = micros(self.setup.keeper_every_s).max(1);
        at.div_ceil(every) * every
    }

    // ---- The mapping

    /// Opens the places of the beginning, and then one after the other.
    fn open(&mut self) {
        let Mapping { at_first, more_a_minute, most, .. } = self.setup.mapping;
        let there = self.slots.len() as u64;
        let now = if there == 0 { at_first.clamp(1, most) } else { 1 };
        for _ in 0..now {
            self.idle.push(self.slots.len());
            self.slots.push(Slot { open: 0, begun: 0, is_warm: false, processor: Line::of(1) });
        }
        if there + now < most && more_a_minute > 0 {
            self.expect(self.now + 60 * SECOND / more_a_minute, Event::Opened);
        }
        self.take(false);
    }

    /// Has idle places take what is in the queue.
    fn take(&mut self, is_enough: bool) {
        let Mapping { messages, window_s, .. } = self.setup.mapping;
        while !self.idle.is_empty() && !self.queue.is_empty() {
            let window = micros(window_s);
            if (self.queue.len() as u64) < messages && window > 0 && !is_enough {
                if !self.window {
                    self.window = true;
                    self.expect(self.now + window, Event::WindowOver);
                }
                return;
            }
            let room = self.room();
            let Some(slot) = self.idle.pop_if(|_| room > 0) else { return };
            self.invoke(slot, messages.min(room));
        }
    }

    /// For how many more batches the quota has a turn soon enough. Where it has none, what is in the queue is received in
    /// vain until it has.
    fn room(&mut self) -> u64 {
        let (now, volley) = (self.now, self.setup.instance.volley);
        let (Some(limiter), Some(quota)) = (&mut self.limiter, self.setup.quota) else { return u64::MAX };
        let letters = volley.min(limiter.most());
        #[expect(clippy::cast_precision_loss, reason = "letters of a volley")]
        let each = micros(letters as f64 / quota.per_second).max(1);
        let wait = limiter.turn(now, letters) - now + self.asking * each;
        if let Some(left) = LONGEST_TURN.checked_sub(wait) {
            return 1 + left / each;
        }
        if !self.room_ahead {
            self.room_ahead = true;
            self.expect(now + wait - LONGEST_TURN, Event::RoomAhead);
            self.outcome.in_vain += self.visits_in(wait - LONGEST_TURN, wait);
        }
        0
    }

    /// How many messages are received in vain in a time in which whoever asks has to wait so long: each batch when its
    /// wait is over and the keeper has looked, but no more than all places together can receive.
    #[expect(clippy::cast_possible_truncation, reason = "a quotient of counts that fit")]
    fn visits_in(&self, time: Micros, wait: Micros) -> u64 {
        let again = u128::from(wait.min(LONGEST_WAIT) + micros(self.setup.keeper_every_s) / 2).max(1);
        let visit = u128::from(micros(self.setup.database.commit_s) * u64::from(COMMITS_OF_A_VISIT)).max(1);
        let places = u128::from(self.slots.len() as u64 * self.setup.mapping.messages);
        let time = u128::from(time);
        (time * self.queue.len() as u128 / again).min(time * places / visit) as u64
    }

    fn invoke(&mut self, slot: usize, messages: u64) {
        let batches = messages.clamp(1, self.queue.len() as u64);
        let place = &mut self.slots[slot];
        let start = if place.is_warm { 0 } else { micros(self.setup.instance.cold_start_s) };
        (place.is_warm, place.begun) = (true, self.now);
        self.outcome.invocations += 1;
        self.busy += 1;
        self.outcome.workers = self.outcome.workers.max(self.busy);
        for _ in 0..batches {
            if let Some(batch) = self.queue.pop_front() {
                self.slots[slot].open += 1;
                self.asking += 1;
                let batch = Batch { is_received: true, ..batch };
                self.expect(self.now + start, Event::Begun(slot, batch));
            }
        }
    }

    /// One of an invocation's batches is done; with the last it ends.
    fn let_go(&mut self, slot: usize) {
        self.outcome.finished = self.outcome.finished.max(self.now);
        let place = &mut self.slots[slot];
        place.open -= 1;
        if place.open == 0 {
            self.outcome.worked += self.now - place.begun;
            self.busy -= 1;
            self.idle.push(slot);
            self.take(false);
        }
    }

    // ---- A batch

    fn begin(&mut self, slot: usize, batch: Batch) {
        let letters = if batch.is_prepared { 0 } else { batch.left };
        let done = self.record(letters);
        self.expect(done, Event::Answered(slot, Batch { is_prepared: true, ..batch }));
    }

    /// Asks for the next volley, or ends.
    fn go_on(&mut self, slot: usize, batch: Batch) {
        self.asking -= u64::from(batch.is_received);
        let batch = Batch { is_received: false, ..batch };
        if batch.left == 0 {
            let done = self.record(0);
            return self.expect(done, Event::Done(slot));
        }
        let letters = batch.left.min(self.setup.instance.volley);
        let Some(limiter) = &mut self.limiter else { return self.send(slot, batch, letters) };
        let letters = letters.min(limiter.most());
        let turn = limiter.turn(self.now, letters);
        if turn - self.now > LONGEST_TURN {
            return self.hand_back(slot, batch, turn - self.now);
        }
        limiter.take(turn, letters);
        self.outcome.asked += 1;
        let granted = self.send_log.serve(self.now, micros(self.setup.send_log_s));
        self.expect(turn.max(granted), Event::Turn(slot, batch, letters));
    }

    fn hand_back(&mut self, slot: usize, batch: Batch, wait: Micros) {
        let done = self.record(0);
        self.expect(done, Event::Done(slot));
        self.expect(self.next_keeping(done + wait.min(LONGEST_WAIT)), Event::Returned(batch));
    }

    /// Claims a volley, and calls.
    fn send(&mut self, slot: usize, batch: Batch, letters: u64) {
        let claimed = self.record(letters);
        #[expect(clippy::cast_precision_loss, reason = "letters of a volley")]
        let work = micros(letters as f64 * self.setup.instance.letter_s);
        let called = self.slots[slot].processor.serve(claimed, work);
        let answered = called + self.slowest_call();
        self.expect(answered, Event::Answered(slot, Batch { left: batch.left - letters, ..batch }));
    }

    /// A transaction about so many letters: half of a letter's work each time, when it is written and when it is claimed.
    fn record(&mut self, letters: u64) -> Micros {
        let database = &self.setup.database;
        #[expect(clippy::cast_precision_loss, reason = "letters of a batch")]
        let work = micros(database.transaction_s + letters as f64 * database.letter_s / 2.0);
        self.outcome.transactions += 1;
        let done = self.database.serve(self.now, work);
        self.outcome.recorded = self.database.worked;
        done + micros(database.commit_s)
    }

    /// How long the slowest of a volley's calls takes.
    fn slowest_call(&mut self) -> Micros {
        self.calls += 1;
        let longest = (0..4_u8).map(|call| {
            let mut hasher = SipHasher13::new_with_keys(self.setup.seed, self.calls);
            call.hash(&mut hasher);
            hasher.finish() >> 32
        });
        // A fraction of 2^32, of what lies between the shortest and the longest.
        let longest = u128::from(longest.max().unwrap_or(0));
        self.call - self.spread + ((u128::from(2 * self.spread) * longest) >> 32) as Micros
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::{Database, Instance, Pace, Planner};

    /// A stack on which only calls take time: two workers of one batch each, and a volley is 200 letters.
    fn setup() -> Setup {
        Setup {
            planner: Planner { batches_per_page: 10, page_s: 0.0, works_s: None },
            mapping: Mapping { at_first: 2, more_a_minute: 0, most: 2, messages: 1, window_s: 0.0 },
            instance: Instance { cold_start_s: 0.0, volley: 200, letter_s: 0.0, connections: 2, memory_mib: 512 },
            call_s: 0.0,
            call_spread: 0.5,
            database: Database { lanes: 1, letter_s: 0.0, transaction_s: 0.0, commit_s: 0.0 },
            quota: None,
            send_log_s: 0.0,
            keeper_every_s: 1.0,
            seed: 1,
        }
    }

    const WORK: Work = Work { letters: 20_000, letters_per_batch: 1_000 };

    #[test]
    fn commits_are_one_after_the_other_where_there_is_one_writer() {
        let mut setup = setup();
        setup.database.transaction_s = 0.01;
        let outcome = simulate(&setup, WORK);
        // Of each of 20 batches: prepared, five volleys, done.
        assert_eq!((outcome.transactions, outcome.finished), (140, micros(1.4)));
    }

    #[test]
    fn a_pace_is_kept_from_the_first_second_to_the_last() {
        let setup = Setup { quota: Some(Pace { per_second: 1_000.0, per_day: None, sent: 0 }), ..setup() };
        let outcome = simulate(&setup, WORK);
        assert_eq!(outcome.finished, 19 * SECOND);
    }

    #[test]
    fn a_day_s_quota_makes_the_rest_wait_for_the_next_and_everything_else_is_handed_back() {
        let setup = Setup { quota: Some(Pace { per_second: 1_000.0, per_day: Some(8_000), sent: 0 }), ..setup() };
        let outcome = simulate(&setup, WORK);
        assert_eq!(outcome.finished / crate::capacity::DAY, 2);
        assert!(outcome.in_vain > 12 * 90, "a dozen batches ask four times an hour: {outcome:?}");
    }

    #[test]
    fn places_open_five_a_second_after_the_first_five() {
        let mut setup = setup();
        setup.mapping = Mapping { at_first: 5, more_a_minute: 300, most: 1_000, messages: 1, window_s: 0.0 };
        // A batch takes ten seconds, and the place for the last of 54 is there after 49 fifths of a second.
        setup.instance.letter_s = 0.05;
        let outcome = simulate(&setup, Work { letters: 54 * 200, letters_per_batch: 200 });
        assert_eq!((outcome.workers, outcome.finished), (54, micros(19.8)));
    }

    #[test]
    fn a_planner_whose_time_is_over_goes_on_when_the_keeper_looks() {
        let mut setup = setup();
        setup.planner = Planner { batches_per_page: 1, page_s: 1.0, works_s: Some(10.0) };
        setup.keeper_every_s = 60.0;
        let outcome = simulate(&setup, WORK);
        assert_eq!((outcome.plannings, outcome.finished), (2, 70 * SECOND));
    }

    #[test]
    fn a_cold_start_is_waited_for_once_and_an_invocation_lasts_as_long_as_its_slowest_batch() {
        let mut setup = setup();
        setup.instance.cold_start_s = 3.0;
        setup.mapping.messages = 4;
        let outcome = simulate(&setup, WORK);
        assert_eq!((outcome.invocations, outcome.workers, outcome.finished), (5, 2, 3 * SECOND));
        assert_eq!(outcome.worked, 2 * 3 * SECOND);
    }

    #[test]
    fn the_same_seed_plays_the_same_run_and_another_one_nearly_the_same() {
        let setup = Setup { call_s: 0.5, ..setup() };
        let outcome = simulate(&setup, WORK);
        assert_eq!(simulate(&setup, WORK), outcome);
        let other = simulate(&Setup { seed: 2, ..setup }, WORK);
        assert_ne!(other, outcome);
        assert!(other.finished.abs_diff(outcome.finished) < outcome.finished / 10, "{other:?} {outcome:?}");
    }

    #[test]
    fn nothing_takes_no_time() {
        assert_eq!(simulate(&setup(), Work { letters: 0, letters_per_batch: 1_000 }), Outcome::default());
    }
}
