//! The sending quota as the send log keeps it (`shared::mail::quota`): at most so many letters in any stretch of a length.

use std::collections::VecDeque;

use super::{DAY, Micros, SECOND};

/// How many letters may go out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// In any second.
    pub per_second: f64,
    /// In any 24 hours; `None` for as many as one likes.
    pub per_day: Option<u64>,
    /// How many went out in the last 24 hours before the run; they are taken to have their place until the day is over.
    pub sent: u64,
}

/// At most so many letters in any stretch.
#[derive(Debug, Clone)]
struct Window {
    letters: u64,
    length: Micros,
    /// When letters were granted, and how many had been by then.
    grants: VecDeque<(Micros, u64)>,
    granted: u64,
}

impl Window {
    fn new(letters: u64, length: Micros) -> Self {
        Self { letters: letters.max(1), length, grants: VecDeque::new(), granted: 0 }
    }

    /// The first moment from `now` on at which so many more letters have room.
    fn earliest(&mut self, now: Micros, letters: u64) -> Micros {
        let Some(gone) = (self.granted + letters).checked_sub(self.letters).filter(|gone| *gone > 0) else {
            return now;
        };
        // Those must have left the stretch. Grants come in the order of time, so what has left once has left for ever.
        while self.grants.front().is_some_and(|(_, granted)| *granted < gone) {
            self.grants.pop_front();
        }
        self.grants.front().map_or(now, |(at, _)| now.max(at + self.length))
    }

    fn add(&mut self, at: Micros, letters: u64) {
        self.granted += letters;
        self.grants.push_back((at, self.granted));
    }
}

/// Both limits of a quota.
#[derive(Debug, Clone)]
pub(super) struct Limiter {
    pace: Window,
    day: Option<Window>,
    last: Micros,
}

impl Limiter {
    /// The limiter of a quota of which a volley asks for so many letters at once.
    ///
    /// A quota that grants less than a volley a second is played by the volley: as many letters in so much longer a stretch.
    /// That is the same pace, without an event for every second of a run of weeks.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "letters of a second"
    )]
    pub(super) fn new(quota: Pace, volley: u64) -> Self {
        let stretch = (volley as f64 / quota.per_second).ceil().max(1.0);
        let letters = (quota.per_second * stretch).floor().max(1.0) as u64;
        let mut day = quota.per_day.map(|letters| Window::new(letters, DAY));
        if let Some(day) = day.as_mut().filter(|_| quota.sent > 0) {
            day.add(0, quota.sent.min(day.letters));
        }
        Self { pace: Window::new(letters, stretch as Micros * SECOND), day, last: 0 }
    }

    /// The most letters of one grant.
    pub(super) fn most(&self) -> u64 {
        self.day.as_ref().map_or(self.pace.letters, |day| day.letters.min(self.pace.letters))
    }

    /// When so many letters may start, at most [`Limiter::most`], for who asks at `now`.
    pub(super) fn turn(&mut self, now: Micros, letters: u64) -> Micros {
        // As in the log: no grant starts before the one before it.
        let at = self.pace.earliest(now.max(self.last), letters);
        self.day.as_mut().map_or(at, |day| day.earliest(at, letters))
    }

    /// Takes that turn.
    pub(super) fn take(&mut self, at: Micros, letters: u64) {
        self.pace.add(at, letters);
        if let Some(day) = &mut self.day {
            day.add(at, letters);
        }
        self.last = at;
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, Limiter, Micros, Pace, SECOND};

    /// When each of so many grants of 200 letters starts.
    fn turns(quota: Pace, grants: usize) -> Vec<Micros> {
        let mut limiter = Limiter::new(quota, 200);
        let mut turn = || {
            let at = limiter.turn(0, 200);
            limiter.take(at, 200);
            at
        };
        (0..grants).map(|_| turn()).collect()
    }

    #[test]
    fn a_second_takes_its_letters_and_the_next_ones_wait() {
        let quota = Pace { per_second: 600.0, per_day: None, sent: 0 };
        assert_eq!(turns(quota, 7), [0, 0, 0, 1, 1, 1, 2].map(|second| second * SECOND));
    }

    #[test]
    fn a_slow_pace_is_the_same_pace_by_the_volley() {
        let quota = Pace { per_second: 14.0, per_day: None, sent: 0 };
        assert_eq!(turns(quota, 3), [0, 15, 30].map(|second| second * SECOND));
    }

    #[test]
    fn a_days_letters_wait_for_those_of_the_day_before() {
        let quota = Pace { per_second: 1_000.0, per_day: Some(400), sent: 200 };
        assert_eq!(turns(quota, 4), [0, DAY, DAY, 2 * DAY]);
    }
}
