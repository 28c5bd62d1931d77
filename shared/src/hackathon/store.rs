//! What monitors keep in the records: rosters, measurements, verdicts. One query per function.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::{Criterion, Status, Verdict, pages::Span};
use crate::records::{RecordsError, Result, Row, Tx, Value, dialect::with_list};

/// After the key of every run, as texts are compared.
pub(super) const AFTER_ALL: &str = "9999-12-31T24:00:00";

/// How many runs' rosters are kept: the last is judged while the Hub names no teams.
const ROSTERS_KEPT: usize = 8;

/// Of how many runs before these the rosters and measurements are deleted at once.
const FORGOTTEN_AT_ONCE: usize = 8;

/// The most characters of a verdict's reason.
const LONGEST_REASON: usize = 255;

/// A team, as a run of a monitor found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its place in the run's roster, from 1.
    pub position: i64,
    /// Its name in URLs and test ids: the Hub's `nickname`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Of its variables, those that the monitor reads.
    pub variables: BTreeMap<String, String>,
}

impl Team {
    fn read(row: &Row) -> Result<Self> {
        let (position, slug, name) = (row.int(0)?, row.text(1)?, row.text(2)?);
        let variables = serde_json::from_str(&row.text(3)?)
            .map_err(|_| RecordsError::Unreadable { column: 3, fault: "is no object of texts" })?;
        Ok(Self { position, slug, name, variables })
    }

    /// The variable of that name, unless it is empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// What became of a verdict on its way to the Hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// It is to be told by the run that gave it.
    Waiting,
    /// The Hub has it.
    Sent,
    /// The Hub does not want it.
    Refused,
    /// The Hub was away: the next run tells it.
    Kept,
    /// A later one makes it needless.
    Superseded,
    /// The team's status has changed to and fro, and has to settle first.
    Settling,
    /// It says nothing that the Hub could be told.
    Withheld,
}

impl Reported {
    const ALL: [Self; 7] =
        [Self::Waiting, Self::Sent, Self::Refused, Self::Kept, Self::Superseded, Self::Settling, Self::Withheld];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Kept => "kept",
            Self::Superseded => "superseded",
            Self::Settling => "settling",
            Self::Withheld => "withheld",
        }
    }
}

impl std::str::FromStr for Reported {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        Self::ALL.into_iter().find(|reported| reported.as_str() == text).ok_or(())
    }
}

/// A verdict that is to be told to the Hub.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The team's slug.
    pub team: String,
    /// What is said of it.
    pub verdict: Verdict,
}

/// A verdict of a run, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The run that gave it.
    pub run: i64,
    /// The team's slug.
    pub team: String,
    /// The scheduled time of that run.
    pub judged_at: DateTime<Utc>,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the Hub has it.
    pub reported: Reported,
    /// Why the Hub refused it; empty otherwise.
    pub error: String,
}

/// Which verdicts are meant: a hackathon's by a criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) hackathon: String,
    pub(crate) criterion: Criterion,
}

impl Series {
    pub(crate) fn values(&self) -> [Value<'static>; 2] {
        [self.hackathon.clone().into(), self.criterion.as_str().into()]
    }

    fn and<const N: usize>(&self, others: [Value<'static>; N]) -> Vec<Value<'static>> {
        self.values().into_iter().chain(others).collect()
    }
}

pub(super) async fn insert_roster(tx: &mut Tx, run: i64, teams: &[Team]) -> Result<()> {
    let mut values: Vec<Value<'_>> = Vec::new();
    for team in teams {
        let variables = serde_json::to_string(&team.variables).expect("texts are JSON");
        values.extend([run.into(), team.position.into(), (&team.slug).into(), (&team.name).into(), variables.into()]);
    }
    let head = "INSERT INTO monitored_teams (run_id, position, team, name, variables) VALUES";
    tx.insert_rows(head, 5, "", &values).await
}

/// The run's teams, in their order.
pub(super) async fn teams(tx: &mut Tx, run: i64) -> Result<Vec<Team>> {
    let sql = "SELECT position, team, name, variables FROM monitored_teams WHERE run_id = ? ORDER BY position";
    tx.rows(sql, &[run.into()]).await?.iter().map(Team::read).collect()
}

/// Those of a span of the run's teams that nobody has measured, in their order, at most so many.
pub(super) async fn unmeasured(tx: &mut Tx, run: i64, span: Span, most: usize) -> Result<Vec<Team>> {
    let sql = "SELECT t.position, t.team, t.name, t.variables FROM monitored_teams t \
               WHERE t.run_id = ? AND t.position > ? AND t.position <= ? AND NOT EXISTS \
               (SELECT 1 FROM measurements m WHERE m.run_id = t.run_id AND m.position = t.position) \
               ORDER BY t.position LIMIT ?";
    let values = [run.into(), span.after.into(), span.last.into(), most.into()];
    tx.rows(sql, &values).await?.iter().map(Team::read).collect()
}

/// The last run before that one whose verdicts of the series are there: its roster is the last that is known.
pub(super) async fn last_run_before(tx: &mut Tx, series: &Series, run: i64) -> Result<Option<i64>> {
    let mut last = None;
    for reported in Reported::ALL {
        last = last.max(last_reported(tx, series, reported, run).await?);
    }
    Ok(last)
}

/// The last run before that one of whose verdicts this became.
pub(super) async fn last_reported(
    tx: &mut Tx,
    series: &Series,
    reported: Reported,
    before: i64,
) -> Result<Option<i64>> {
    let sql = "SELECT run_id FROM verdicts WHERE hackathon = ? AND criterion = ? AND reported = ? AND run_id < ? \
               ORDER BY run_id DESC LIMIT 1";
    let row = tx.row(sql, &series.and([reported.as_str().into(), before.into()])).await?;
    row.map(|row| row.int(0)).transpose()
}

/// The positions among these that are measured already.
pub(super) async fn measured_among(tx: &mut Tx, run: i64, positions: &[i64]) -> Result<HashSet<i64>> {
    let mut values: Vec<Value<'_>> = vec![run.into()];
    values.extend(positions.iter().map(|&position| Value::from(position)));
    let sql = "SELECT position FROM measurements WHERE run_id = ? AND position IN (?..)";
    tx.rows(with_list(sql, positions.len()), &values).await?.iter().map(|row| row.int(0)).collect()
}

pub(super) async fn insert_measurements(tx: &mut Tx, run: i64, measured: &[(i64, String)]) -> Result<()> {
    let values: Vec<Value<'_>> = measured
        .iter()
        .flat_map(|(position, measured)| [run.into(), (*position).into(), measured.as_str().into()])
        .collect();
    tx.insert_rows("INSERT INTO measurements (run_id, position, measured) VALUES", 3, "", &values).await
}

/// The run's teams, in their order, each with what was measured of it.
pub(super) async fn measured(tx: &mut Tx, run: i64) -> Result<Vec<(Team, String)>> {
    let sql = "SELECT t.position, t.team, t.name, t.variables, m.measured FROM monitored_teams t \
               JOIN measurements m ON m.run_id = t.run_id AND m.position = t.position \
               WHERE t.run_id = ? ORDER BY t.position";
    let rows = tx.rows(sql, &[run.into()]).await?;
    rows.iter().map(|row| Ok((Team::read(row)?, row.text(4)?))).collect()
}

pub(super) async fn insert_verdicts(
    tx: &mut Tx,
    run: i64,
    series: &Series,
    judged_at: DateTime<Utc>,
    verdicts: &[(Team, Verdict, Reported)],
) -> Result<()> {
    let mut values: Vec<Value<'_>> = Vec::new();
    for (team, verdict, reported) in verdicts {
        values.extend([run.into(), team.position.into()]);
        values.extend(series.values());
        values.extend([(&team.slug).into(), judged_at.into(), verdict.status.as_str().into()]);
        values.extend([verdict.score.map_or(-1, i64::from).into(), cut(&verdict.reason).into()]);
        values.extend([verdict.metrics.to_string().into(), reported.as_str().into()]);
    }
    let head = "INSERT INTO verdicts (run_id, position, hackathon, criterion, team, judged_at, status, score, reason, \
                metrics, reported) VALUES";
    tx.insert_rows(head, 11, "", &values).await
}

/// What the last runs of a job before that key said of each team of a series, the latest first, as far as they said
/// anything: so many runs at most.
pub(super) async fn lately(
    tx: &mut Tx,
    series: &Series,
    key: &str,
    runs: usize,
) -> Result<HashMap<String, Vec<(Status, Reported)>>> {
    let mut lately: HashMap<String, Vec<(Status, Reported)>> = HashMap::new();
    for said in said(tx, series, key, runs).await? {
        if said.reported != Reported::Withheld {
            lately.entry(said.team).or_default().push((said.status, said.reported));
        }
    }
    Ok(lately)
}

/// What a criterion said of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) team: String,
    pub(super) status: Status,
    pub(super) score: Option<u32>,
    pub(super) reason: String,
    pub(super) judged_at: DateTime<Utc>,
    pub(super) reported: Reported,
}

/// What the last runs of a series before that key said of each team, those of the latest first; of so many runs at most.
pub(super) async fn said(tx: &mut Tx, series: &Series, key: &str, runs: usize) -> Result<Vec<Said>> {
    let mut said = Vec::new();
    for run in runs_before(tx, series.criterion, key, runs).await? {
        let sql = "SELECT team, status, score, reason, judged_at, reported FROM verdicts \
                   WHERE run_id = ? AND hackathon = ? AND criterion = ?";
        let [hackathon, criterion] = series.values();
        for row in tx.rows(sql, &[run.into(), hackathon, criterion]).await? {
            said.push(Said {
                team: row.text(0)?,
                status: row.parsed(1)?,
                score: u32::try_from(row.int(2)?).ok(),
                reason: row.text(3)?,
                judged_at: row.time(4)?,
                reported: row.parsed(5)?,
            });
        }
    }
    Ok(said)
}

/// The runs of a criterion's job before that key, the latest first, at most so many.
async fn runs_before(tx: &mut Tx, criterion: Criterion, key: &str, most: usize) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM runs WHERE job = ? AND run_key < ? AND parent_id = 0 ORDER BY run_key DESC LIMIT ?";
    let rows = tx.rows(sql, &[criterion.job().into(), key.into(), most.into()]).await?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Deletes what nothing needs any more: measurements and rosters of runs before the last few, and verdicts of before a
/// moment, of at most a run for each thing that can have become of them.
pub(super) async fn forget(tx: &mut Tx, series: &Series, key: &str, before: DateTime<Utc>) -> Result<()> {
    let runs = runs_before(tx, series.criterion, key, ROSTERS_KEPT + FORGOTTEN_AT_ONCE).await?;
    for &run in runs.iter().skip(ROSTERS_KEPT) {
        // One that is paused needs them still.
        let sql = "DELETE FROM measurements WHERE run_id = ? \
                   AND EXISTS (SELECT 1 FROM runs WHERE runs.id = measurements.run_id AND runs.state <> 'open')";
        tx.execute(sql, &[run.into()]).await?;
        let sql = "DELETE FROM monitored_teams WHERE run_id = ? \
                   AND EXISTS (SELECT 1 FROM runs WHERE runs.id = monitored_teams.run_id AND runs.state <> 'open')";
        tx.execute(sql, &[run.into()]).await?;
    }
    for reported in Reported::ALL {
        // An open run needs its own still.
        let sql = "SELECT v.run_id, v.judged_at FROM verdicts v JOIN runs r ON r.id = v.run_id AND r.state <> 'open' \
                   WHERE v.hackathon = ? AND v.criterion = ? AND v.reported = ? ORDER BY v.run_id LIMIT 1";
        let oldest = tx.row(sql, &series.and([reported.as_str().into()])).await?;
        let Some((run, judged_at)) =
            oldest.map(|row| Ok::<_, RecordsError>((row.int(0)?, row.time(1)?))).transpose()?
        else {
            continue;
        };
        if judged_at < before {
            let sql = "DELETE FROM verdicts WHERE run_id = ? AND reported = ?";
            tx.execute(sql, &[run.into(), reported.as_str().into()]).await?;
        }
    }
    Ok(())
}

/// The beginning of a reason, as long as its column.
fn cut(reason: &str) -> &str {
    reason.char_indices().nth(LONGEST_REASON).map_or(reason, |(end, _)| &reason[..end])
}

/// What is kept for the Hub of runs before that one, the oldest first.
pub(super) async fn kept(tx: &mut Tx, series: &Series, before: i64) -> Result<Vec<Told>> {
    let sql = "SELECT team, status, score, reason, metrics FROM verdicts \
               WHERE hackathon = ? AND criterion = ? AND reported = 'kept' AND run_id < ? ORDER BY run_id, position";
    tx.rows(sql, &series.and([before.into()])).await?.iter().map(told).collect()
}

/// What of a run waits to be told.
pub(super) async fn waiting(tx: &mut Tx, run: i64) -> Result<Vec<Told>> {
    let sql = "SELECT team, status, score, reason, metrics FROM verdicts WHERE run_id = ? AND reported = 'waiting' \
               ORDER BY position";
    tx.rows(sql, &[run.into()]).await?.iter().map(told).collect()
}

fn told(row: &Row) -> Result<Told> {
    Ok(Told { team: row.text(0)?, verdict: verdict(row, 1)? })
}

/// A verdict from four columns.
fn verdict(row: &Row, first: usize) -> Result<Verdict> {
    Ok(Verdict {
        status: row.parsed::<Status>(first)?,
        score: u32::try_from(row.int(first + 1)?).ok(),
        reason: row.text(first + 2)?,
        metrics: serde_json::from_str(&row.text(first + 3)?).unwrap_or(Json::Null),
    })
}

/// Notes that the Hub does not want a team's verdict: of the run, or one that was kept.
pub(super) async fn refuse(tx: &mut Tx, which: &Which, team: &str, error: &str) -> Result<()> {
    match which {
        Which::OfRun(run) => {
            let sql = "UPDATE verdicts SET reported = 'refused', report_error = ? \
                       WHERE run_id = ? AND team = ? AND reported = 'waiting'";
            tx.execute(sql, &[error.into(), (*run).into(), team.into()]).await.map(drop)
        }
        Which::Kept { series, before } => {
            let sql = "UPDATE verdicts SET reported = 'refused', report_error = ? WHERE hackathon = ? \
                       AND criterion = ? AND reported = 'kept' AND run_id < ? AND team = ?";
            let [hackathon, criterion] = series.values();
            let values = [error.into(), hackathon, criterion, (*before).into(), team.into()];
            tx.execute(sql, &values).await.map(drop)
        }
    }
}

/// Notes what became of all others.
pub(super) async fn mark(tx: &mut Tx, which: &Which, reported: Reported) -> Result<()> {
    match which {
        Which::OfRun(run) => {
            let sql = "UPDATE verdicts SET reported = ? WHERE run_id = ? AND reported = 'waiting'";
            tx.execute(sql, &[reported.as_str().into(), (*run).into()]).await.map(drop)
        }
        Which::Kept { series, before } => {
            let sql = "UPDATE verdicts SET reported = ? WHERE hackathon = ? AND criterion = ? AND reported = 'kept' \
                       AND run_id < ?";
            let [hackathon, criterion] = series.values();
            let values = [reported.as_str().into(), hackathon, criterion, (*before).into()];
            tx.execute(sql, &values).await.map(drop)
        }
    }
}

/// Which verdicts one call to the Hub tells.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// Those of a run that wait.
    OfRun(i64),
    /// Those of earlier runs that are kept.
    Kept { series: Series, before: i64 },
}

/// Of each team of the run only its latest verdict is kept for the Hub.
pub(super) async fn supersede_kept(tx: &mut Tx, series: &Series, run: i64) -> Result<()> {
    let sql = "UPDATE verdicts SET reported = 'superseded' WHERE hackathon = ? AND criterion = ? AND reported = 'kept' \
               AND run_id < ? AND team IN (SELECT t.team FROM monitored_teams t WHERE t.run_id = ?)";
    tx.execute(sql, &series.and([run.into(), run.into()])).await.map(drop)
}

/// What became of a run's teams, by the word that is stored; those of a cancelled run that have no verdict that was told
/// are under `cancelled`.
pub(crate) async fn outcomes(tx: &mut Tx, run: i64) -> Result<BTreeMap<String, u64>> {
    let sql = "SELECT reported, COUNT(*) FROM verdicts WHERE run_id = ? AND reported <> 'waiting' GROUP BY reported";
    let rows = tx.rows(sql, &[run.into()]).await?;
    let mut outcomes: BTreeMap<_, _> =
        rows.iter().map(|row| Ok((row.text(0)?, row.count(1)?))).collect::<Result<_>>()?;
    let sql = "SELECT COUNT(*) FROM runs r JOIN monitored_teams t ON t.run_id = r.id \
               LEFT JOIN verdicts v ON v.run_id = t.run_id AND v.position = t.position AND v.reported <> 'waiting' \
               WHERE r.id = ? AND r.control = 'cancel' AND v.run_id IS NULL";
    let cancelled = tx.row(sql, &[run.into()]).await?.map_or(Ok(0), |row| row.count(0))?;
    if cancelled > 0 {
        outcomes.insert("cancelled".to_owned(), cancelled);
    }
    Ok(outcomes)
}

/// A run's verdicts in the order of its roster, at most so many; none where it is another job's.
pub async fn verdicts_of(tx: &mut Tx, run: i64, most: usize) -> Result<Vec<Past>> {
    let sql = "SELECT run_id, team, judged_at, reported, report_error, status, score, reason, metrics FROM verdicts \
               WHERE run_id = ? ORDER BY position LIMIT ?";
    tx.rows(sql, &[run.into(), most.into()]).await?.iter().map(past).collect()
}

/// What a criterion has said of a team, the latest first, at most so many.
pub async fn history(tx: &mut Tx, hackathon: &str, criterion: Criterion, team: &str, most: usize) -> Result<Vec<Past>> {
    let sql = "SELECT run_id, team, judged_at, reported, report_error, status, score, reason, metrics FROM verdicts \
               WHERE hackathon = ? AND criterion = ? AND team = ? ORDER BY run_id DESC LIMIT ?";
    let values = [hackathon.into(), criterion.as_str().into(), team.into(), most.into()];
    tx.rows(sql, &values).await?.iter().map(past).collect()
}

fn past(row: &Row) -> Result<Past> {
    Ok(Past {
        run: row.int(0)?,
        team: row.text(1)?,
        judged_at: row.time(2)?,
        reported: row.parsed(3)?,
        error: row.text(4)?,
        verdict: verdict(row, 5)?,
    })
}
