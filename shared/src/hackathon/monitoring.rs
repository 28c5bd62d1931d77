//! What monitors stand on, whichever they are.

use std::sync::Arc;

use anyhow::Context as _;

use super::{Criterion, Measure, Monitor, PagedJob, hub::Hub};
use crate::{aws::Aws, clock::Clock, config::MonitorSettings, queue::Queue, records::Records};

/// What every monitor of a hackathon stands on.
#[derive(Clone)]
pub struct Monitoring {
    /// Where runs and verdicts are.
    pub records: Records,
    /// The business clock.
    pub clock: Clock,
    hub: Arc<Hub>,
    hackathon: String,
    settings: MonitorSettings,
    workers: Option<Arc<dyn Queue>>,
}

impl Monitoring {
    /// What the settings say; none where no monitor is switched on.
    ///
    /// # Errors
    /// When no client of the Hub can be made.
    pub async fn of(
        settings: MonitorSettings,
        aws: &Aws,
        records: &Records,
        clock: &Clock,
    ) -> anyhow::Result<Option<Self>> {
        let Some(at) = &settings.hub else { return Ok(None) };
        let hub = Hub::from_settings(at, aws).await.context("the client of the Hub")?;
        let hackathon = at.hackathon.clone();
        let (records, clock) = (records.clone(), clock.clone());
        Ok(Some(Self { records, clock, hub, hackathon, settings, workers: None }))
    }

    /// The same, where workers are told of pages of teams by a queue, if there is one.
    #[must_use]
    pub fn with_workers(self, workers: Option<Arc<dyn Queue>>) -> Self {
        Self { workers, ..self }
    }

    /// Whether the monitor of a criterion is switched on.
    pub fn is_on(&self, criterion: Criterion) -> bool {
        self.settings.enabled.contains(&criterion)
    }

    /// The monitor around what is its own.
    pub fn job<M: Measure + 'static>(&self, measure: M) -> Arc<dyn PagedJob> {
        Arc::new(Monitor {
            measure,
            records: self.records.clone(),
            clock: self.clock.clone(),
            hub: self.hub.clone(),
            hackathon: self.hackathon.clone(),
            teams_at_once: self.settings.teams_at_once,
            settles_after: self.settings.settles_after,
            kept_days: self.settings.kept_days,
            workers: self.workers.clone(),
        })
    }
}
