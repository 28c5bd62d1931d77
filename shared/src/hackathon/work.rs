//! What a monitor does of a run, step by step: the roster, the measurements, the verdicts, the Hub. Each step is a
//! transaction that moves the checkpoint, so whoever comes goes on from the last.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use chrono::TimeDelta;
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use super::{
    Measure, Monitor, Verdict,
    pages::{PAGE, Span, hand_out},
    report::{self, Telling},
    settling,
    stage::{BEFORE_HANDING_OUT, HANDING_OUT, JUDGED, ROSTER, Stage},
    store::{self, Reported, Series, Team},
};
use crate::{
    records::{RecordsError, Result, Tx},
    run::{
        Run, State,
        control::Control,
        job::parameters_of,
        plan::{PlanEnd, add_to_checkpoint, move_checkpoint},
    },
    sqs::Deadline,
};

/// What a run must not see change under it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parameters {
    pub(super) hackathon: String,
}

/// What an execution did.
pub(super) struct Work {
    pub(super) end: PlanEnd,
    /// How many teams were judged to the end.
    pub(super) teams: u64,
    /// What was wrong though it went on.
    pub(super) fault: Option<String>,
}

impl Work {
    /// An execution that nothing was wrong with, and that left the run open.
    fn left(end: PlanEnd) -> Self {
        Self { end, teams: 0, fault: None }
    }
}

impl<M: Measure> Monitor<M> {
    /// Goes on with a run from its checkpoint, step by step, to its end: unless time is up, the run is stopped, or only such
    /// pages are left as it has handed to workers.
    pub(super) async fn work(&self, run: &Run, deadline: &Deadline) -> anyhow::Result<Work> {
        let series = self.series(run)?;
        let (mut run, mut fault, mut spans) = (run.clone(), None, vec![Span::ALL]);
        while !run.plan_complete {
            if deadline.is_within(Duration::ZERO) {
                return Ok(Work { fault, ..Work::left(PlanEnd::OutOfTime) });
            }
            match Stage::of(run.checkpoint) {
                Stage::Opened => fault = self.call_the_roll(&run, &series).await?,
                Stage::Measuring if self.has_teams_for_workers(&run) => spans = self.hand_out(&run).await?,
                Stage::Measuring | Stage::HandedOut => {
                    // In this order: of what others measure in between, nothing is taken for missing.
                    if !self.measure_one_of(run.id, &spans, deadline).await? {
                        if self.lacks_measurements(run.id).await? {
                            return Ok(Work { fault, ..Work::left(PlanEnd::HandedOver) });
                        }
                        self.judge(&run, &series).await?;
                    }
                }
                Stage::Judged => {
                    match report::tell(&self.records, &self.hub, &series, run.id, deadline).await? {
                        Telling::Done => {}
                        Telling::Kept(why) => fault = Some(why),
                        Telling::OutOfTime => return Ok(Work { fault, ..Work::left(PlanEnd::OutOfTime) }),
                    }
                    self.end(&run, &series).await?;
                }
            }
            run = self.find(run.id).await?;
            if !run.plan_complete && is_stopped(&run) {
                return Ok(Work { fault, ..Work::left(PlanEnd::Stopped) });
            }
        }
        Ok(Work { end: PlanEnd::Complete, teams: run.planned, fault })
    }

    /// Measures a page of a run's teams, and ends the run where nobody else has anything left to measure.
    pub(super) async fn work_on_page(&self, run: &Run, after: i64, deadline: &Deadline) -> anyhow::Result<Work> {
        self.measure(run.id, Span::page(after), deadline).await?;
        if deadline.is_within(Duration::ZERO) {
            return Ok(Work::left(PlanEnd::OutOfTime));
        }
        if self.lacks_measurements(run.id).await? {
            return Ok(Work::left(PlanEnd::HandedOver));
        }
        // From here on nobody adds to its checkpoint any more. Of several who find it so, one judges and goes on.
        let run = self.find(run.id).await?;
        if is_stopped(&run) {
            return Ok(Work::left(PlanEnd::Stopped));
        }
        let is_left_to_judge = matches!(Stage::of(run.checkpoint), Stage::Measuring | Stage::HandedOut);
        if !is_left_to_judge || !self.judge(&run, &self.series(&run)?).await? {
            return Ok(Work::left(PlanEnd::HandedOver));
        }
        let judged = self.find(run.id).await?;
        self.work(&judged, deadline).await
    }

    fn series(&self, run: &Run) -> anyhow::Result<Series> {
        let Parameters { hackathon } = parameters_of(run.id, &run.parameters)?;
        Ok(Series { hackathon, criterion: self.measure.criterion() })
    }

    /// Fixes which teams are judged: those that the Hub names, or while it is away those of the last run; gives why it
    /// named none.
    async fn call_the_roll(&self, run: &Run, series: &Series) -> anyhow::Result<Option<String>> {
        let mut fault = None;
        let teams = match self.hub.roster(&series.hackathon, self.measure.variables()).await {
            Ok(teams) => teams,
            Err(error) => {
                tracing::error!(run = run.id, error = %error, "the Hub names no teams; those of the last run are judged");
                fault = Some(error.to_string());
                self.last_roster(run.id, series).await.context("reading the last roster")?
            }
        };
        let (id, planned) = (run.id, teams.len() as u64);
        let teams = Arc::new(teams);
        self.move_on(run, Some(ROSTER), planned, move |tx| {
            let teams = teams.clone();
            async move { store::insert_roster(tx, id, &teams).await }.boxed()
        })
        .await?;
        Ok(fault)
    }

    /// The teams of the last run of the series; none where there was none.
    async fn last_roster(&self, run: i64, series: &Series) -> Result<Vec<Team>> {
        let series = series.clone();
        let read = self.records.read(move |tx| {
            let series = series.clone();
            async move {
                match store::last_run_before(tx, &series, run).await? {
                    Some(last) => store::teams(tx, last).await,
                    None => Ok(Vec::new()),
                }
            }
            .boxed()
        });
        read.await
    }

    /// Whether the run has more teams than one process measures, where there are others.
    fn has_teams_for_workers(&self, run: &Run) -> bool {
        self.workers.is_some() && run.planned > PAGE as u64
    }

    /// Hands the run's pages to workers; gives those that are measured here. Only then does the checkpoint say so: whoever
    /// is cut off in between leaves it to the next to send them again.
    async fn hand_out(&self, run: &Run) -> anyhow::Result<Vec<Span>> {
        let Some(queue) = &self.workers else { return Ok(vec![Span::ALL]) };
        let kept = hand_out(queue.as_ref(), run).await;
        let id = run.id;
        // Added and not set: a worker may have measured something already.
        let told =
            self.records.transaction(move |tx| add_to_checkpoint(tx, id, BEFORE_HANDING_OUT, HANDING_OUT).boxed());
        match told.await {
            Ok(()) | Err(RecordsError::Fenced) => Ok(kept),
            Err(error) => Err(error.into()),
        }
    }

    /// Measures a page of the first of these spans that has any team left; says whether one has.
    async fn measure_one_of(&self, run: i64, spans: &[Span], deadline: &Deadline) -> anyhow::Result<bool> {
        for &span in spans {
            if self.measure(run, span, deadline).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Judges all teams, each of which is measured; says whether no other process did.
    async fn judge(&self, run: &Run, series: &Series) -> anyhow::Result<bool> {
        let id = run.id;
        let measured = self.records.read(move |tx| store::measured(tx, id).boxed()).await?;
        let (teams, texts): (Vec<Team>, Vec<String>) = measured.into_iter().unzip();
        let read = |text: &String| serde_json::from_str(text).context("reading what was measured");
        let measured: Vec<M::Measured> = texts.iter().map(read).collect::<anyhow::Result<_>>()?;
        let judged_at = run.scheduled_at;
        let verdicts = self.measure.judge(&measured, judged_at);
        anyhow::ensure!(verdicts.len() == teams.len(), "{} teams have {} verdicts", teams.len(), verdicts.len());
        let verdicts: Arc<Vec<(Team, Verdict)>> = Arc::new(teams.into_iter().zip(verdicts).collect());
        let (series, key, runs) = (series.clone(), run.key.clone(), self.settles_after);
        self.move_on(run, Some(JUDGED), 0, move |tx| {
            let (series, key, verdicts) = (series.clone(), key.clone(), verdicts.clone());
            async move {
                // As many that said something may have others between them that did not.
                let lately = store::lately(tx, &series, &key, 2 * runs).await?;
                let becomes = |(team, verdict): &(Team, Verdict)| {
                    let before = lately.get(&team.slug).map_or(&[][..], Vec::as_slice);
                    (team.clone(), verdict.clone(), settling::reported(verdict.status, before, runs))
                };
                let verdicts: Vec<(Team, Verdict, Reported)> = verdicts.iter().map(becomes).collect();
                store::insert_verdicts(tx, id, &series, judged_at, &verdicts).await
            }
            .boxed()
        })
        .await
    }

    /// Ends the run's work, and takes away what nothing needs any more.
    async fn end(&self, run: &Run, series: &Series) -> anyhow::Result<()> {
        let (series, key) = (series.clone(), run.key.clone());
        let before = run.scheduled_at - TimeDelta::days(self.kept_days.into());
        self.move_on(run, None, 0, move |tx| {
            let (series, key) = (series.clone(), key.clone());
            async move { store::forget(tx, &series, &key, before).await }.boxed()
        })
        .await
        .map(drop)
    }

    /// Writes a step's result and moves the checkpoint, in one transaction; says whether it did. It does nothing when
    /// another process was here first or the run is stopped.
    async fn move_on<W>(&self, run: &Run, to: Option<i64>, planned: u64, write: W) -> anyhow::Result<bool>
    where
        W: Fn(&mut Tx) -> BoxFuture<'_, Result<()>> + Send + Sync + 'static,
    {
        let (id, from, write) = (run.id, run.checkpoint, Arc::new(write));
        let written = self.records.transaction(move |tx| {
            let write = write.clone();
            async move {
                move_checkpoint(tx, id, from, to, planned).await?;
                write(tx).await
            }
            .boxed()
        });
        match written.await {
            Err(RecordsError::Fenced) => Ok(false),
            written => Ok(written.map(|()| true)?),
        }
    }

    async fn find(&self, run: i64) -> Result<Run> {
        self.records.read(move |tx| async move { Run::find(tx, run).await?.ok_or(RecordsError::Fenced) }.boxed()).await
    }
}

/// Whether a run is not to go on: closed, or held back by a person.
fn is_stopped(run: &Run) -> bool {
    run.control != Control::Run || run.state != State::Open
}
