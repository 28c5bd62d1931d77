//! How many mails a second this process may send.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Sends a second, shared by every worker of the process. Who asks first goes first.
#[derive(Debug)]
pub struct RateLimit {
    pace: Option<Pace>,
}

#[derive(Debug)]
struct Pace {
    each: Duration,
    /// When the next send may start. Every `acquire` moves it on by what it takes, so nobody has to keep a queue.
    next: Mutex<Instant>,
}

impl RateLimit {
    /// At most `per_second` sends a second, without bursts; `None` sets no limit.
    ///
    /// # Panics
    ///
    /// When the number is not above zero: settings are checked before they come here.
    pub fn new(per_second: Option<f64>) -> Self {
        let pace = per_second.map(|per_second| {
            assert!(per_second > 0.0, "a rate limit is above zero");
            Pace { each: Duration::from_secs_f64(1.0 / per_second), next: Mutex::new(Instant::now()) }
        });
        Self { pace }
    }

    /// The most sends that may start together: a second's worth; `None` sets no limit.
    pub fn burst(&self) -> Option<usize> {
        let pace = self.pace.as_ref()?;
        let in_a_second = 1.0 / pace.each.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and above zero")]
        Some((in_a_second.round() as usize).max(1))
    }

    /// Waits until `sends` sends may start.
    pub async fn acquire(&self, sends: u32) {
        if let Some(pace) = &self.pace {
            sleep_until(pace.reserve(sends)).await;
        }
    }
}

impl Pace {
    /// The moment from which `sends` sends may start; the ones after them may start when their time has passed.
    fn reserve(&self, sends: u32) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Time in which nothing was sent is not saved up: a provider counts each second by itself.
        let start = (*next).max(Instant::now());
        *next = start + self.each * sends;
        start
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::RateLimit;

    #[tokio::test(start_paused = true)]
    async fn workers_together_keep_to_the_rate() {
        let limit = RateLimit::new(Some(10.0));
        let start = Instant::now();
        futures_util::future::join_all((0..5).map(|_| limit.acquire(10))).await;
        assert_eq!(start.elapsed(), Duration::from_secs(4), "50 sends, of which the first 10 need no wait");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_is_not_saved_up_for_a_burst() {
        let limit = RateLimit::new(Some(10.0));
        tokio::time::advance(Duration::from_secs(60)).await;
        let start = Instant::now();
        limit.acquire(10).await;
        limit.acquire(10).await;
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_means_no_wait() {
        let limit = RateLimit::new(None);
        let start = Instant::now();
        limit.acquire(1_000_000).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
