//! `almanac board`: how the teams of a hackathon stand.

use std::path::Path;

use anyhow::Context as _;
use chrono::Utc;
use shared::hackathon::board::{Board, Cell};

use super::hackathon;
use crate::{
    args::Common,
    exit::Exit,
    say::say,
    stack::{self, Stack},
};

pub(super) async fn board(common: &Common, hackathon: Option<&str>, html: Option<&Path>) -> anyhow::Result<Exit> {
    let values = stack::settings(common);
    let hackathon = hackathon::meant(hackathon, &values)?;
    let stack = Stack::open(values).await?;
    let board = Board::read(&stack.records, &hackathon, Utc::now()).await;
    stack.close().await;
    let board = board?;
    match html {
        Some(file) => std::fs::write(file, board.page()).with_context(|| format!("writing {}", file.display()))?,
        None if common.json => say!("{}", serde_json::to_string(&board)?),
        None => tell_board(&board),
    }
    Ok(Exit::Done)
}

fn tell_board(board: &Board) {
    if board.teams.is_empty() {
        say!("No team of hackathon {} has been judged yet.", board.hackathon);
    }
    for standing in &board.teams {
        say!("{}: {} points", standing.team, standing.points);
        for (criterion, cell) in &standing.cells {
            say!("  {criterion}: {}", told(cell));
        }
    }
}

fn told(cell: &Cell) -> String {
    let score = cell.score.map_or_else(String::new, |score| format!(", {score}"));
    let since = cell.unknown_since.as_ref().map_or_else(String::new, |why| format!("; nothing newer is known: {why}"));
    format!("{}{score}: {}{since}", cell.status, cell.reason)
}
