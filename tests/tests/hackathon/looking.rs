//! A measure that only looks at teams, and remembers whom it looked at.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared::{
    hackathon::{Criterion, Measure, Team, Verdict},
    sqs::Deadline,
};
use tokio::sync::watch;

/// Looks at teams: what is measured of one is its position. It can say that it has come to one of them, and stay there.
#[derive(Debug, Clone)]
pub struct Looking {
    looked_at: Arc<Mutex<Vec<String>>>,
    awaited: Arc<AtomicI64>,
    hangs: watch::Sender<bool>,
    reached: watch::Sender<bool>,
}

impl Looking {
    /// One that hangs at nobody.
    pub fn new() -> Self {
        let [hangs, reached] = [(); 2].map(|()| watch::Sender::new(false));
        Self { looked_at: Arc::default(), awaited: Arc::default(), hangs, reached }
    }

    /// A deadline that is there as soon as it comes to the team at that position, with which it ends like with any.
    pub fn until(&self, position: i64) -> Deadline {
        self.awaited.store(position, Ordering::SeqCst);
        self.reached.send_replace(false);
        Deadline::none().or_when(self.reached.subscribe())
    }

    /// The same, and it does not end with that team.
    pub fn stuck_at(&self, position: i64) -> Deadline {
        self.hangs.send_replace(true);
        self.until(position)
    }

    /// Waits until it has come to that team.
    pub async fn is_there(&self) {
        self.reached.subscribe().wait_for(|reached| *reached).await.expect("it lives as long as this");
    }

    /// From now on it hangs at nobody, and ends with whom it hung at.
    pub fn goes_on(&self) {
        self.awaited.store(0, Ordering::SeqCst);
        self.hangs.send_replace(false);
    }

    /// Whom it has looked at, in order.
    pub fn looked_at(&self) -> Vec<String> {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Measure for Looking {
    type Measured = u32;

    fn criterion(&self) -> Criterion {
        Criterion::BudgetTracking
    }

    fn variables(&self) -> &'static [&'static str] {
        &[]
    }

    async fn measure(&self, team: &Team) -> u32 {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).push(team.slug.clone());
        // Whoever works beside it has a turn.
        tokio::task::yield_now().await;
        if team.position == self.awaited.load(Ordering::SeqCst) {
            self.reached.send_replace(true);
            self.hangs.subscribe().wait_for(|hangs| !hangs).await.expect("it lives as long as this");
        }
        u32::try_from(team.position).expect("small")
    }

    fn judge(&self, measured: &[u32], _: DateTime<Utc>) -> Vec<Verdict> {
        measured.iter().map(|points| Verdict::passed(*points, "it was there", serde_json::json!({}))).collect()
    }
}
