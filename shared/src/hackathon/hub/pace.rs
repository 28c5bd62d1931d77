//! So many calls a minute and no more, in any minute.

use std::{collections::VecDeque, time::Duration};

use tokio::{sync::Mutex, time::Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// Remembers the calls of the last minute. Who waits is let go in the order of their coming.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    calls: Mutex<VecDeque<Instant>>,
}

impl Pace {
    /// At most so many calls in any minute; at least one.
    pub(super) fn new(per_minute: u32) -> Self {
        Self { most: per_minute.max(1) as usize, calls: Mutex::default() }
    }

    /// Waits until there is room for one more call, which counts from now on.
    pub(super) async fn wait(&self) {
        let mut calls = self.calls.lock().await;
        if calls.len() == self.most
            && let Some(oldest) = calls.pop_front()
        {
            tokio::time::sleep_until(oldest + MINUTE).await;
        }
        calls.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_minute_has_more_calls_than_it_may() {
        let (pace, begun, mut calls) = (Pace::new(3), Instant::now(), Vec::new());
        for _ in 0..8 {
            pace.wait().await;
            calls.push(begun.elapsed().as_secs());
        }
        assert_eq!(calls, [0, 0, 0, 60, 60, 60, 120, 120]);
    }
}
