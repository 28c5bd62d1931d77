//! What looks on while the engine works.

use async_trait::async_trait;
use shared::{records::Records, run::Run};

/// Shown how a run goes, and asked whether to stop.
#[async_trait]
pub trait Watch: Send + Sync {
    /// Something may have changed.
    async fn progress(&self, records: &Records, run: &Run);

    /// Ends when the engine is to stop before the run is closed.
    async fn stopped(&self);
}
