//! Where what passes is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// A step in sending a batch, as it shows on a worker's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The claims have left the worker, and the database has not seen them.
    BeforeClaim,
    /// The claims are committed, and the provider has not seen the call.
    AfterClaim,
    /// The provider has decided, and its reply has not reached the worker.
    AfterCall,
    /// The result has left the worker, and the database has not seen it.
    BeforeResult,
    /// The batch is finished, and whether its run can be closed has not been asked yet.
    BeforeClose,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 5] =
        [Self::BeforeClaim, Self::AfterClaim, Self::AfterCall, Self::BeforeResult, Self::BeforeClose];
}

/// What decides where the gates of one worker hold; clones are one trap.
#[derive(Debug, Clone, Default)]
pub struct Trap(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// When it is sprung, and after how many more times.
    set: Mutex<Option<(Moment, usize)>>,
    holds: watch::Sender<bool>,
}

/// When a trap is sprung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When a worker comes to a step.
    Step(Step),
    /// When anything passes, whatever it is.
    Any,
}

impl Trap {
    /// From now on holds everything as soon as that moment has come so often, counted from 1.
    pub fn set(&self, moment: Moment, times: usize) {
        *self.armed() = Some((moment, times));
    }

    /// Lets everything pass, now and from now on.
    pub fn release(&self) {
        *self.armed() = None;
        self.0.holds.send_replace(false);
    }

    /// Waits until everything is held.
    pub async fn sprung(&self) {
        self.0.holds.subscribe().wait_for(|holds| *holds).await.ok();
    }

    /// A step is reached; comes back when what follows may pass.
    pub(super) async fn reach(&self, step: Step) {
        self.count(Moment::Step(step));
        self.go_on().await;
    }

    /// Something is on its way; comes back when it may pass.
    pub(super) async fn pass(&self) {
        self.count(Moment::Any);
        self.go_on().await;
    }

    fn count(&self, moment: Moment) {
        let mut set = self.armed();
        match set.as_mut() {
            Some((at, times)) if *at == moment && *times <= 1 => {
                *set = None;
                self.0.holds.send_replace(true);
            }
            Some((at, times)) if *at == moment => *times -= 1,
            _ => {}
        }
    }

    async fn go_on(&self) {
        self.0.holds.subscribe().wait_for(|holds| !*holds).await.ok();
    }

    fn armed(&self) -> MutexGuard<'_, Option<(Moment, usize)>> {
        self.0.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
