//! How much memory this process uses, and saying so when it is too much.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;

use crate::{
    events::{HighMemoryUsage, MemoryUsage},
    records::{Records, Result},
    run::outbox,
};

/// The most memory that this process has had resident, in bytes; 0 where the system does not say.
pub fn peak_rss_bytes() -> u64 {
    of_status("VmHWM:")
}

/// The memory that this process has resident now, in bytes; 0 where the system does not say.
pub fn rss_bytes() -> u64 {
    of_status("VmRSS:")
}

fn of_status(name: &str) -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let kilobytes = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
    kilobytes.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// No run: what a process says about itself.
const NO_RUN: i64 = 0;

/// Looks whether this process uses more memory than it should. It is said once, and again only after it had fallen.
#[derive(Debug)]
pub struct MemoryWatch {
    limit_bytes: u64,
    /// The share of the limit from which on it is too much, 0 to 1.
    threshold: f64,
    above: AtomicBool,
}

impl MemoryWatch {
    /// A watch over that share of so many MiB.
    pub fn new(limit_mb: u64, threshold: f64) -> Self {
        Self { limit_bytes: limit_mb.max(1) * 1_048_576, threshold, above: AtomicBool::new(false) }
    }

    /// Looks now; when it is too much, the event goes into the outbox.
    ///
    /// # Errors
    /// When the records cannot take it; the next look says it then, and also when this one is given up.
    pub async fn look(&self, records: &Records, job: &'static str) -> Result<()> {
        let Some(usage) = self.crossed(rss_bytes(), peak_rss_bytes()) else { return Ok(()) };
        tracing::warn!(rss_bytes = usage.rss_bytes, limit_bytes = usage.limit_bytes, "too much memory is used");
        // Until it is noted it has not been said.
        self.above.store(false, Ordering::Relaxed);
        let event = HighMemoryUsage::new(job, usage);
        let put = records.transaction(move |tx| {
            let event = event.clone();
            async move { outbox::put_event(tx, NO_RUN, &event).await }.boxed()
        });
        put.await?;
        self.above.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What is used, when it is too much now and was not before.
    fn crossed(&self, rss_bytes: u64, peak_rss_bytes: u64) -> Option<MemoryUsage> {
        #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
        let above = rss_bytes as f64 > self.threshold * self.limit_bytes as f64;
        let was_above = self.above.swap(above, Ordering::Relaxed);
        (above && !was_above).then_some(MemoryUsage { rss_bytes, peak_rss_bytes, limit_bytes: self.limit_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_said_once_until_it_has_fallen_again() {
        let watch = MemoryWatch::new(1, 0.5);
        let said = [524_288, 524_289, 1_048_576, 524_289, 10, 600_000].map(|rss| watch.crossed(rss, rss).is_some());
        assert_eq!(said, [false, true, false, false, false, true]);
    }

    #[test]
    fn what_is_resident_now_is_never_more_than_the_most() {
        let now = rss_bytes();
        assert!(0 < now && now <= peak_rss_bytes());
    }
}
