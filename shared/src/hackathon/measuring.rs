//! Measuring teams: those that nobody has measured, many at once, by as many processes as there are.

use std::{pin::pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures_util::{FutureExt, StreamExt, stream};

use super::{
    Measure, Monitor,
    pages::{PAGE, Span},
    stage::MEASURING,
    store::{self, Team},
};
use crate::{
    records::{Records, RecordsError, Result},
    run::plan::add_to_checkpoint,
    sqs::Deadline,
};

/// How many measured teams are kept in one transaction; so many at most are measured in vain by a process that dies.
const PORTION: usize = 64;

impl<M: Measure> Monitor<M> {
    /// Measures those of a span's teams that nobody has measured, a page of them at most; says whether there were any.
    /// When time is nearly up, or the run is not to go on, what is measured by then is kept.
    pub(super) async fn measure(&self, run: i64, span: Span, deadline: &Deadline) -> anyhow::Result<bool> {
        let teams = self.records.read(move |tx| store::unmeasured(tx, run, span, PAGE).boxed()).await?;
        if teams.is_empty() {
            return Ok(false);
        }
        let measure = &self.measure;
        let portions = stream::iter(teams)
            .map(|team| async move { (team.position, measure.measure(&team).await) }.boxed())
            .buffer_unordered(self.teams_at_once.max(1))
            .map(|(position, measured)| Ok((position, serde_json::to_string(&measured)?)))
            .take_until(deadline.near(Duration::ZERO))
            .chunks(PORTION);
        let mut portions = pin!(portions);
        while let Some(portion) = portions.next().await {
            let portion = portion.into_iter().collect::<anyhow::Result<_>>().context("keeping what was measured")?;
            match keep(&self.records, run, portion).await {
                Err(RecordsError::Fenced) => break,
                kept => kept?,
            }
        }
        Ok(true)
    }

    /// Whether any of the run's teams is to be measured still.
    pub(super) async fn lacks_measurements(&self, run: i64) -> Result<bool> {
        let one: Vec<Team> = self.records.read(move |tx| store::unmeasured(tx, run, Span::ALL, 1).boxed()).await?;
        Ok(!one.is_empty())
    }
}

/// Keeps what was measured of teams, each by its position, and counts it as the run's progress. Of a team that others have
/// measured meanwhile, theirs stands.
async fn keep(records: &Records, run: i64, measured: Vec<(i64, String)>) -> Result<()> {
    let measured = Arc::new(measured);
    let kept = records.transaction(move |tx| {
        let measured = measured.clone();
        async move {
            // Whoever keeps something of this run waits here for the others, so that each sees what is there.
            tx.row("SELECT id FROM runs WHERE id = ? {for update}", &[run.into()]).await?;
            let positions: Vec<i64> = measured.iter().map(|(position, _)| *position).collect();
            let there = store::measured_among(tx, run, &positions).await?;
            let new: Vec<_> = measured.iter().filter(|(position, _)| !there.contains(position)).cloned().collect();
            add_to_checkpoint(tx, run, MEASURING, new.len() as u64).await?;
            store::insert_measurements(tx, run, &new).await
        }
        .boxed()
    });
    kept.await
}
