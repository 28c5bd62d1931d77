//! A circuit breaker: after several failures in a row nothing is tried for a while, and then one thing first.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// After how many failures in a row it opens: those of one call, so that what follows it does not wait as long again.
const FAILURES: u32 = 4;

/// For how long it stays open.
const REST: Duration = Duration::from_secs(30);

/// A circuit breaker, closed at first.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when nothing is tried, once it is open.
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether something may be tried now. Of an open one's first trial after its rest the others await the end, for as
    /// long as another rest.
    pub(super) fn lets_through(&self) -> bool {
        let mut state = self.state();
        match state.open_until {
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                state.open_until = Some(Instant::now() + REST);
                true
            }
            None => true,
        }
    }

    /// Something went well.
    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// Something failed.
    pub(super) fn failed(&self) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.open_until = Some(Instant::now() + REST);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_four_failures_nothing_is_tried_for_half_a_minute_and_then_one_thing() {
        let breaker = Breaker::default();
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
        let breaker = Breaker::default();
        for _ in 0..3 {
            (1..FAILURES).for_each(|_| breaker.failed());
            breaker.succeeded();
        }
        assert!(breaker.lets_through());
    }
}
