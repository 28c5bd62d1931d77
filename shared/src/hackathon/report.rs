//! Telling the Hub: what earlier runs kept for it, then what this run has found; each in one bulk update.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt;

use super::{
    hub::{Hub, HubError, Refusal},
    store::{self, Reported, Series, Told, Which},
    turn::{CALLS, Turn},
};
use crate::{records::Records, sqs::Deadline};

/// How often a process looks whether another's turn is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The most letters of what the Hub says of an item.
const LONGEST_ERROR: usize = 255;

/// What telling came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Telling {
    /// Nothing of the run waits any more: the Hub has it, or refused it.
    Done,
    /// Nothing of it waits, but the Hub could not be told: it is kept. And why.
    Kept(String),
    /// Time was nearly up.
    OutOfTime,
}

/// Tells the Hub what a run has found, when it is this process' turn.
pub(super) async fn tell(
    records: &Records,
    hub: &Hub,
    series: &Series,
    run: i64,
    deadline: &Deadline,
) -> anyhow::Result<Telling> {
    let turn = loop {
        if deadline.is_within(Duration::ZERO) {
            return Ok(Telling::OutOfTime);
        }
        if let Some(turn) = Turn::take(records, series).await.context("taking the turn at the Hub")? {
            break turn;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = deadline.near(Duration::ZERO) => {}
        }
    };
    let told = tokio::select! {
        told = tell_in_turn(records, hub, series, run, &turn) => told,
        () = deadline.near(Duration::ZERO) => Ok(Telling::OutOfTime),
    };
    turn.release(records).await.context("giving the turn at the Hub back")?;
    told
}

async fn tell_in_turn(records: &Records, hub: &Hub, series: &Series, run: i64, turn: &Turn) -> anyhow::Result<Telling> {
    let of_run = Which::OfRun(run);
    let of_series = series.clone();
    let newest = records
        .read(move |tx| {
            let series = of_series.clone();
            async move { store::last_reported(tx, &series, Reported::Sent, i64::MAX).await }.boxed()
        })
        .await?;
    if newest.is_some_and(|newest| newest > run) {
        note(records, turn, &of_run, Reported::Superseded, Vec::new()).await?;
        return Ok(Telling::Done);
    }
    let calls = tell_all(records, hub, series, run, turn);
    match tokio::time::timeout(CALLS, calls).await.unwrap_or(Err(Untold::Hub(HubError::Slow))) {
        Ok(()) => Ok(Telling::Done),
        Err(Untold::Hub(error)) => {
            tracing::error!(run, criterion = %series.criterion, error = %error, "the Hub was not told; it is kept for the next run");
            keep(records, series, run, turn).await?;
            Ok(Telling::Kept(error.to_string()))
        }
        Err(Untold::Ours(error)) => Err(error),
    }
}

/// Why the Hub was not told.
enum Untold {
    Hub(HubError),
    Ours(anyhow::Error),
}

impl From<anyhow::Error> for Untold {
    fn from(error: anyhow::Error) -> Self {
        Self::Ours(error)
    }
}

async fn tell_all(records: &Records, hub: &Hub, series: &Series, run: i64, turn: &Turn) -> Result<(), Untold> {
    let of_earlier = Which::Kept { series: series.clone(), before: run };
    for which in [of_earlier, Which::OfRun(run)] {
        let asked = which.clone();
        let told = records.read(move |tx| {
            let which = asked.clone();
            async move {
                match &which {
                    Which::OfRun(run) => store::waiting(tx, *run).await,
                    Which::Kept { series, before } => store::kept(tx, series, *before).await,
                }
            }
            .boxed()
        });
        let told: Vec<Told> = told.await.context("reading what the Hub is to be told")?;
        if told.is_empty() {
            continue;
        }
        let answer = hub.update(&series.hackathon, series.criterion, &told).await.map_err(Untold::Hub)?;
        for refusal in &answer.refused {
            tracing::warn!(run, team = refusal.team, criterion = %series.criterion, "the Hub refused a verdict");
        }
        note(records, turn, &which, Reported::Sent, answer.refused).await?;
    }
    Ok(())
}

/// Notes what the Hub has, and what it refused.
async fn note(
    records: &Records,
    turn: &Turn,
    which: &Which,
    reported: Reported,
    refused: Vec<Refusal>,
) -> anyhow::Result<()> {
    let (turn, which) = (turn.clone(), which.clone());
    let noted = records.transaction(move |tx| {
        let (turn, which, refused) = (turn.clone(), which.clone(), refused.clone());
        async move {
            turn.check(tx).await?;
            for refusal in &refused {
                store::refuse(tx, &which, &refusal.team, &shortened(&refusal.error)).await?;
            }
            store::mark(tx, &which, reported).await
        }
        .boxed()
    });
    noted.await.context("noting what the Hub was told")
}

/// Keeps what the run has found for the next one to tell, in place of what is kept already of the same teams.
async fn keep(records: &Records, series: &Series, run: i64, turn: &Turn) -> anyhow::Result<()> {
    let (turn, series) = (turn.clone(), series.clone());
    let kept = records.transaction(move |tx| {
        let (turn, series) = (turn.clone(), series.clone());
        async move {
            turn.check(tx).await?;
            store::supersede_kept(tx, &series, run).await?;
            store::mark(tx, &Which::OfRun(run), Reported::Kept).await
        }
        .boxed()
    });
    kept.await.context("keeping what the Hub was not told")
}

/// One line that fits its column.
fn shortened(error: &str) -> String {
    error.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_ERROR).collect()
}
