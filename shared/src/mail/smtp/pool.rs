//! The connections of one process, and never more than it may have.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::connection::Connection;

/// Idle connections and the right to have one. lettre's own pool asks the server before each mail whether the
/// connection still stands, which costs a round trip; here a connection that is gone is noticed by its first command.
pub(super) struct Pool {
    slots: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(connections: usize) -> Self {
        Self { slots: Semaphore::new(connections), idle: Mutex::new(Vec::with_capacity(connections)) }
    }

    /// Waits until one more connection may be in use.
    pub(super) async fn slot(&self) -> SemaphorePermit<'_> {
        self.slots.acquire().await.expect("the pool never closes its semaphore")
    }

    /// The connection that was used last: the ones below it grow old and are closed by the server first.
    pub(super) fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a connection that is ready for its next letter.
    pub(super) fn put(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
