//! A circuit breaker: after several failures in a row nothing is tried for a while, and then one thing first.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A circuit breaker, closed at first.
#[derive(Debug)]
pub struct Breaker {
    failures: u32,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when nothing is tried, once it is open.
    open_until: Option<Instant>,
}

impl Breaker {
    /// One that opens after so many failures in a row, and stays open for so long.
    pub fn new(failures: u32, rest: Duration) -> Self {
        Self { failures, rest, state: Mutex::default() }
    }

    /// Whether something may be tried now. Of an open one's first trial after its rest the others await the end, for as
    /// long as another rest.
    pub fn lets_through(&self) -> bool {
        let mut state = self.state();
        match state.open_until {
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                state.open_until = Some(Instant::now() + self.rest);
                true
            }
            None => true,
        }
    }

    /// Something went well.
    pub fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// Something failed.
    pub fn failed(&self) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.failures {
            state.open_until = Some(Instant::now() + self.rest);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURES: u32 = 4;
    const REST: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn after_four_failures_nothing_is_tried_for_half_a_minute_and_then_one_thing() {
        let breaker = Breaker::new(FAILURES, REST);
        for _ in 0..FAILURES {
            assert!(breaker.lets_through());
            breaker.failed();
        }
        assert!(!breaker.lets_through());
        tokio::time::advance(REST - Duration::from_millis(1)).await;
        assert!(!breaker.lets_through());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(breaker.lets_through(), "a trial");
        assert!(!breaker.lets_through(), "and no other beside it");
        breaker.failed();
        tokio::time::advance(REST).await;
        assert!(breaker.lets_through());
        breaker.succeeded();
        assert!(breaker.lets_through() && breaker.lets_through());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_count_in_a_row_only() {
        let breaker = Breaker::new(FAILURES, REST);
        for _ in 0..3 {
            (1..FAILURES).for_each(|_| breaker.failed());
            breaker.succeeded();
        }
        assert!(breaker.lets_through());
    }
}
