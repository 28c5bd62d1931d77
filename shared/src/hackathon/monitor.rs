//! A monitor: the one skeleton of all of them, as a job.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Criterion, Verdict,
    health::{self, Execution},
    hub::Hub,
    report::{self, Telling},
    settling,
    store::{self, Reported, Series, Team},
};
use crate::{
    clock::Clock,
    firing::Firing,
    records::{Records, RecordsError, Result, Tx},
    run::{
        Run, State,
        control::Control,
        job::{Job, parameters_of},
        missed::MissedPolicy,
        plan::{PlanEnd, move_checkpoint},
    },
    sqs::Deadline,
};

/// What becomes of firings that were missed: a team is judged as it is now, so the last says it all.
pub const WHEN_MISSED: MissedPolicy = MissedPolicy::RunOnceForAll;

/// How many teams are measured between two checkpoints.
const PAGE: usize = 256;

/// The checkpoint at which the roster is there and nobody is measured; after it, the last position that was.
const ROSTER: i64 = 1;

/// The checkpoint at which all are judged.
const JUDGED: i64 = 1 << 52;

/// What one monitor does differently from the others.
#[async_trait]
pub trait Measure: Send + Sync {
    /// What is measured of a team; it is kept in the records.
    type Measured: Serialize + DeserializeOwned + Send + Sync;

    /// What it judges by.
    fn criterion(&self) -> Criterion;

    /// The teams' variables that it reads; no others are kept.
    fn variables(&self) -> &'static [&'static str];

    /// Measures one team. What goes wrong is part of what is measured: no team's failure touches another.
    async fn measure(&self, team: &Team) -> Self::Measured;

    /// Judges all teams together, as of the run's scheduled time: a verdict for each, in their order.
    fn judge(&self, measured: &[Self::Measured], at: DateTime<Utc>) -> Vec<Verdict>;
}

/// A monitor and what it stands on.
#[derive(Clone)]
pub struct Monitor<M> {
    /// What is its own.
    pub measure: M,
    /// Where runs and verdicts are.
    pub records: Records,
    /// The business clock.
    pub clock: Clock,
    /// Whom verdicts are told to.
    pub hub: Arc<Hub>,
    /// Which hackathon, as the Hub names it.
    pub hackathon: String,
    /// How many teams are measured at once.
    pub teams_at_once: usize,
    /// How many runs in a row must say the same of a team whose status changes to and fro before the Hub is told.
    pub settles_after: usize,
    /// How many days verdicts are kept.
    pub kept_days: u32,
}

/// What a run must not see change under it.
#[derive(Debug, Serialize, Deserialize)]
struct Parameters {
    hackathon: String,
}

#[async_trait]
impl<M: Measure> Job for Monitor<M> {
    fn name(&self) -> &'static str {
        self.measure.criterion().job()
    }

    fn records(&self) -> &Records {
        &self.records
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn key(&self, scheduled_at: DateTime<Utc>) -> String {
        scheduled_at.format("%Y-%m-%dT%H:%M:%S").to_string()
    }

    fn when_missed(&self) -> MissedPolicy {
        WHEN_MISSED
    }

    async fn parameters(&self, _: Firing) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&Parameters { hackathon: self.hackathon.clone() })?)
    }

    async fn go_on(&self, run: &Run, deadline: Deadline) -> anyhow::Result<PlanEnd> {
        let begun = Instant::now();
        let went = self.work(run, &deadline).await;
        let (fault, teams) = match &went {
            Ok(work) => (work.fault.clone(), work.teams),
            // What it says may name what nobody but the log may see.
            Err(_) => (Some("it failed: its log says why".to_owned()), 0),
        };
        let execution = Execution { took: begun.elapsed(), teams, fault };
        let (job, now) = (self.name(), self.clock.now());
        let noted = self.records.transaction(move |tx| {
            let execution = execution.clone();
            async move { health::note(tx, job, &execution, now).await }.boxed()
        });
        if let Err(error) = noted.await {
            tracing::warn!(run = run.id, %error, "how the execution went could not be noted");
        }
        went.map(|work| work.end)
    }
}

/// What an execution did.
struct Work {
    end: PlanEnd,
    /// How many teams were judged to the end.
    teams: u64,
    /// What was wrong though it went on.
    fault: Option<String>,
}

impl<M: Measure> Monitor<M> {
    /// Goes on with a run from its checkpoint, step by step.
    async fn work(&self, run: &Run, deadline: &Deadline) -> anyhow::Result<Work> {
        let Parameters { hackathon } = parameters_of(run.id, &run.parameters)?;
        let series = Series { hackathon, criterion: self.measure.criterion() };
        let (mut run, mut fault) = (run.clone(), None);
        while !run.plan_complete {
            if deadline.is_within(Duration::ZERO) {
                return Ok(Work { end: PlanEnd::OutOfTime, teams: 0, fault });
            }
            match run.checkpoint {
                ..ROSTER => fault = self.call_the_roll(&run, &series).await?,
                ROSTER..JUDGED => self.measure_page(&run, &series, deadline).await?,
                JUDGED.. => {
                    match report::tell(&self.records, &self.hub, &series, run.id, deadline).await? {
                        Telling::Done => {}
                        Telling::Kept(why) => fault = Some(why),
                        Telling::OutOfTime => return Ok(Work { end: PlanEnd::OutOfTime, teams: 0, fault }),
                    }
                    self.end(&run, &series).await?;
                }
            }
            run = self.find(run.id).await?;
            if !run.plan_complete && (run.control != Control::Run || run.state != State::Open) {
                return Ok(Work { end: PlanEnd::Stopped, teams: 0, fault });
            }
        }
        Ok(Work { end: PlanEnd::Complete, teams: run.planned, fault })
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
                    Some(last) => store::teams_after(tx, last, 0, usize::MAX >> 1).await,
                    None => Ok(Vec::new()),
                }
            }
            .boxed()
        });
        read.await
    }

    /// Measures the teams after the checkpoint, or judges all when there are none. When time is nearly up, what is measured
    /// up to the first that is not is kept.
    async fn measure_page(&self, run: &Run, series: &Series, deadline: &Deadline) -> anyhow::Result<()> {
        let (id, after) = (run.id, run.checkpoint - ROSTER);
        let teams = self.records.read(move |tx| store::teams_after(tx, id, after, PAGE).boxed()).await?;
        if teams.is_empty() {
            return self.judge(run, series).await;
        }
        let measure = &self.measure;
        let mut measured: Vec<(i64, String)> = stream::iter(teams)
            .map(|team| async move { (team.position, measure.measure(&team).await) }.boxed())
            .buffer_unordered(self.teams_at_once.max(1))
            .map(|(position, measured)| Ok((position, serde_json::to_string(&measured)?)))
            .take_until(deadline.near(Duration::ZERO))
            .collect::<Vec<anyhow::Result<_>>>()
            .await
            .into_iter()
            .collect::<anyhow::Result<_>>()
            .context("keeping what was measured")?;
        measured.sort_unstable();
        let without_gap = (after + 1..).zip(&measured).take_while(|(expected, (position, _))| expected == position);
        measured.truncate(without_gap.count());
        let Some(last) = measured.last().map(|(position, _)| *position) else { return Ok(()) };
        let measured = Arc::new(measured);
        self.move_on(run, Some(ROSTER + last), 0, move |tx| {
            let measured = measured.clone();
            async move { store::insert_measurements(tx, id, &measured).await }.boxed()
        })
        .await
    }

    async fn judge(&self, run: &Run, series: &Series) -> anyhow::Result<()> {
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
    }

    /// Writes a step's result and moves the checkpoint, in one transaction; nothing, when another process was here first
    /// or the run is stopped.
    async fn move_on<W>(&self, run: &Run, to: Option<i64>, planned: u64, write: W) -> anyhow::Result<()>
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
            Err(RecordsError::Fenced) => Ok(()),
            written => Ok(written?),
        }
    }

    async fn find(&self, run: i64) -> Result<Run> {
        self.records.read(move |tx| async move { Run::find(tx, run).await?.ok_or(RecordsError::Fenced) }.boxed()).await
    }
}
