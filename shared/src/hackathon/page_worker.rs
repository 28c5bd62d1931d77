//! The worker that a page of a run's teams is handed to: it measures them, and ends the run where it finds nothing left.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use futures_util::FutureExt;

use super::{pages::PageMessage, stage::Stage};
use crate::{
    run::{Run, State, close, control::Control, job::Job, plan::PlanEnd},
    sqs::{Deadline, Message, Outcome, RecordHandler},
};

/// A job whose runs' teams may be measured by several processes, a page each.
#[async_trait]
pub trait PagedJob: Job {
    /// Measures the page of an open run's teams after a position, until the deadline; ends the run where it was the last.
    async fn go_on_with_page(&self, run: &Run, after: i64, deadline: Deadline) -> anyhow::Result<PlanEnd>;
}

/// Takes pages' messages for the monitors of one function.
///
/// A message may come twice, late or never: it only says where to look for what is missing. What it asks for of a run that
/// is judged, closed or held back is nothing; a run that goes on after a pause does so by its planner.
pub struct PageWorker {
    monitors: Vec<Arc<dyn PagedJob>>,
}

impl PageWorker {
    /// The worker of these monitors, all of which keep their runs in the same records.
    pub fn new(monitors: Vec<Arc<dyn PagedJob>>) -> Self {
        Self { monitors }
    }

    async fn work(&self, page: PageMessage, deadline: Deadline) -> anyhow::Result<Outcome> {
        let skip = |reason: String| Ok(Outcome::Skip { reason });
        let Some(records) = self.monitors.first().map(|monitor| monitor.records()) else {
            return skip("every monitor of this function is switched off".to_owned());
        };
        let Some(run) = records.read(move |tx| Run::find(tx, page.run).boxed()).await? else {
            return skip(format!("there is no run {}", page.run));
        };
        let Some(monitor) = self.monitors.iter().find(|monitor| monitor.name() == run.job) else {
            return skip(format!("{} is switched off, or is no monitor of this function", run.job));
        };
        if run.state != State::Open || run.control != Control::Run || Stage::of(run.checkpoint) == Stage::Judged {
            tracing::info!(
                state = run.state.as_str(),
                control = run.control.as_str(),
                "nothing is to be measured of it"
            );
            return Ok(Outcome::Done);
        }
        match monitor.go_on_with_page(&run, page.after, deadline).await? {
            PlanEnd::OutOfTime => return Ok(Outcome::Retry { cause: "time was up before the page was".to_owned() }),
            PlanEnd::HandedOver | PlanEnd::Stopped => {}
            PlanEnd::Complete => {
                if let Some(run) = close::try_close(records, monitor.clock(), run.id).await? {
                    tracing::info!(run = run.id, state = run.state.as_str(), "the run is closed");
                }
            }
        }
        Ok(Outcome::Done)
    }
}

#[async_trait]
impl RecordHandler for PageWorker {
    async fn handle(&self, message: &Message, deadline: Deadline) -> anyhow::Result<Outcome> {
        let page: PageMessage =
            serde_json::from_str(&message.body).context("the message is not {\"run\":…,\"after\":…}")?;
        self.work(page, deadline).await
    }
}
