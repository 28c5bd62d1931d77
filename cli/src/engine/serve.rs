//! The engine as it stays: it keeps the schedules and works on whatever they, or anybody else, open.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::{sync::Notify, task::JoinSet};

use super::{Agenda, Engine, KEEP_EVERY, end, long_told};
use crate::stop::Stop;

impl Engine {
    /// Keeps the schedules and works until the process is asked to end; what was begun is finished first.
    ///
    /// # Errors
    /// When a worker's task fails. What is away is waited for.
    pub async fn serve(&self, agenda: &Agenda, stop: &Stop) -> anyhow::Result<()> {
        let (told, nobody) = (self.stop.subscribe(), Arc::new(Notify::new()));
        self.stop.send_replace(false);
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            workers.spawn(self.pump(nobody.clone()).run());
        }
        let keeping = async {
            let mut keep = tokio::time::interval(KEEP_EVERY);
            keep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                keep.tick().await;
                if *told.borrow() {
                    return;
                }
                self.keep().await;
            }
        };
        let kept = async {
            tokio::select! {
                () = keeping => {}
                () = long_told(&told) => {}
            }
        };
        let stopping = async {
            stop.asked().await;
            self.stop.send_replace(true);
        };
        tokio::join!(agenda.keep(&told), kept, stopping);
        end(workers, None).await.context("ending what was begun")
    }
}
