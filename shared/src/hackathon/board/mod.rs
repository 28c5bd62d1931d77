//! The board of a hackathon: teams by criteria, each with its verdict, why, and what was said before.

mod costs;
mod html;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde::Serialize;

use super::{
    Criterion, Status,
    costs::Costs,
    store::{self, Reported, Said, Series},
};
use crate::records::{Records, Result};

/// How many verdicts of a criterion the history of a team shows.
pub const HISTORY: usize = 24;

/// A hackathon's board.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Board {
    /// The hackathon, as the Hub names it.
    pub hackathon: String,
    /// When it was drawn up.
    pub as_of: DateTime<Utc>,
    /// What somebody has been judged by.
    pub criteria: Vec<&'static str>,
    /// The teams, those with the most points first.
    pub teams: Vec<Standing>,
    /// What providers have billed, where anything is known of it.
    #[serde(skip_serializing_if = "Costs::is_empty")]
    pub costs: Costs,
}

/// A team's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its slug.
    pub team: String,
    /// The points of all criteria together.
    pub points: u32,
    /// What each criterion says of it.
    pub cells: BTreeMap<&'static str, Cell>,
}

/// What a criterion says of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// `PASSED`, `FAILED` or `NO_DATA`; `UNKNOWN` where nothing else was ever said.
    pub status: &'static str,
    /// The points.
    pub score: Option<u32>,
    /// Why.
    pub reason: String,
    /// As of when.
    pub judged_at: DateTime<Utc>,
    /// Whether the Hub has it: `sent`, `refused`, `kept`, `settling`, `superseded`, `waiting` or `withheld`.
    pub reported: &'static str,
    /// Why nothing was found out since, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_since: Option<String>,
    /// What was said before and now, the oldest first.
    pub history: Vec<Point>,
}

/// A verdict of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The status.
    pub status: &'static str,
    /// The points.
    pub score: Option<u32>,
}

impl Board {
    /// Reads a hackathon's board.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn read(records: &Records, hackathon: &str, as_of: DateTime<Utc>) -> Result<Self> {
        let mut cells: BTreeMap<String, BTreeMap<&'static str, Cell>> = BTreeMap::new();
        let mut criteria = Vec::new();
        for criterion in Criterion::ALL {
            let series = Series { hackathon: hackathon.to_owned(), criterion };
            let said = records.read(move |tx| {
                let series = series.clone();
                async move { store::said(tx, &series, store::AFTER_ALL, HISTORY).await }.boxed()
            });
            let by_team = by_team(said.await?);
            if !by_team.is_empty() {
                criteria.push(criterion.as_str());
            }
            for (team, said) in by_team {
                cells.entry(team).or_default().extend(Cell::of(said).map(|cell| (criterion.as_str(), cell)));
            }
        }
        let mut teams: Vec<Standing> = cells.into_iter().map(|(team, cells)| Standing::new(team, cells)).collect();
        teams.sort_by(|one, other| (other.points, &one.team).cmp(&(one.points, &other.team)));
        let costs = Costs::read(records, hackathon).await?;
        Ok(Self { hackathon: hackathon.to_owned(), as_of, criteria, teams, costs })
    }

    /// The board as one page: no scripts, nothing from elsewhere.
    pub fn page(&self) -> String {
        html::page(self).into_string()
    }
}

fn by_team(said: Vec<Said>) -> BTreeMap<String, Vec<Said>> {
    let mut by_team: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for one in said {
        by_team.entry(one.team.clone()).or_default().push(one);
    }
    by_team
}

impl Standing {
    fn new(team: String, cells: BTreeMap<&'static str, Cell>) -> Self {
        let points = cells.values().filter_map(|cell| cell.score).fold(0, u32::saturating_add);
        Self { team, points, cells }
    }
}

impl Cell {
    /// A cell of what was said of a team, the latest first; none where nothing was.
    fn of(said: Vec<Said>) -> Option<Self> {
        let latest = said.first()?;
        let known = said.iter().find(|one| one.status != Status::Unknown).unwrap_or(latest);
        let unknown_since =
            (latest.status == Status::Unknown && known.status != Status::Unknown).then(|| latest.reason.clone());
        Some(Self {
            status: known.status.as_str(),
            score: known.score,
            reason: known.reason.clone(),
            judged_at: known.judged_at,
            reported: Reported::as_str(known.reported),
            unknown_since,
            history: said.iter().rev().map(|one| Point { status: one.status.as_str(), score: one.score }).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(hour: u32, status: Status, score: Option<u32>, reason: &str) -> Said {
        Said {
            team: "red".to_owned(),
            status,
            score,
            reason: reason.to_owned(),
            judged_at: format!("2026-11-08T{hour:02}:00:00Z").parse().expect("a moment"),
            reported: if status == Status::Unknown { Reported::Withheld } else { Reported::Sent },
        }
    }

    #[test]
    fn a_cell_shows_what_is_known_and_says_when_nothing_newer_could_be_found_out() {
        let passed = said(9, Status::Passed, Some(30), "well done");
        let away = said(10, Status::Unknown, None, "Prometheus is away");
        let cell = Cell::of(vec![away.clone(), passed.clone()]).expect("a cell");
        assert_eq!((cell.status, cell.score, &*cell.reason), ("PASSED", Some(30), "well done"));
        assert_eq!(cell.unknown_since.as_deref(), Some("Prometheus is away"));
        assert_eq!(cell.history.iter().map(|point| point.status).collect::<Vec<_>>(), ["PASSED", "UNKNOWN"]);
        let cell = Cell::of(vec![passed]).expect("a cell");
        assert_eq!(cell.unknown_since, None);
        let cell = Cell::of(vec![away]).expect("a cell");
        assert_eq!((cell.status, &*cell.reason, cell.unknown_since), ("UNKNOWN", "Prometheus is away", None));
        assert_eq!(Cell::of(Vec::new()), None);
    }

    #[test]
    fn the_page_shows_each_cell_with_its_reason_and_escapes_what_others_wrote() {
        let cells = BTreeMap::from([(
            "DEPLOYED_SOLUTION",
            Cell::of(vec![
                said(10, Status::Failed, Some(25), "3 of 12 <script>"),
                said(9, Status::Passed, Some(90), ""),
            ])
            .expect("a cell"),
        )]);
        let board = Board {
            hackathon: "7".to_owned(),
            as_of: "2026-11-08T10:05:00Z".parse().expect("a moment"),
            criteria: vec!["BUDGET_TRACKING", "DEPLOYED_SOLUTION"],
            teams: vec![Standing::new("red<b>".to_owned(), cells)],
            costs: Costs::default(),
        };
        insta::assert_snapshot!(board.page());
    }
}
