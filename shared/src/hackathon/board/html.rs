//! The board as a page.

use maud::{Markup, html};

use super::{Board, Cell, Point, Standing};
use crate::page;

/// The look of run reports, and what a board has beside it.
const STYLE: &str = concat!(include_str!("../../report/page.css"), include_str!("board.css"));

/// A sparkline's size.
const WIDTH: usize = 96;
const HEIGHT: usize = 22;

/// How much room its marks need at the edges.
const MARGIN: usize = 3;

pub(super) fn page(board: &Board) -> Markup {
    let title = format!("Board of hackathon {}", board.hackathon);
    let teams = board.teams.len();
    let body = html! {
        main {
            header {
                p.kind { "Almanac board" }
                h1 { "Hackathon " span.key { (board.hackathon) } }
                p.note {
                    "As of " (board.as_of.format("%Y-%m-%d %H:%M UTC")) ", " (teams) @if teams == 1 { " team." } @else { " teams." }
                }
            }
            section {
                @if board.teams.is_empty() { p.empty { "No team has been judged yet." } } @else { (table(board)) }
            }
            @if !board.costs.is_empty() { (super::costs::section(&board.costs)) }
        }
        footer { "Lines show the points of up to " (super::HISTORY) " verdicts, the latest on the right." }
    };
    page::page(&title, STYLE, Some("board"), &body)
}

fn table(board: &Board) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Team" }
                th.number scope="col" { "Points" }
                @for criterion in &board.criteria { th scope="col" { (criterion.replace('_', " ")) } }
            } }
            tbody { @for standing in &board.teams { (row(board, standing)) } }
        } }
    }
}

fn row(board: &Board, standing: &Standing) -> Markup {
    html! {
        tr {
            th scope="row" { (standing.team) }
            td.number { (standing.points) }
            @for criterion in &board.criteria {
                td { @if let Some(cell) = standing.cells.get(criterion) { (shown(cell)) } @else { span.empty { "–" } } }
            }
        }
    }
}

fn shown(cell: &Cell) -> Markup {
    html! {
        p class={ "status " (tone(cell.status)) } {
            @if let Some(score) = cell.score { strong { (score) } " " }
            (cell.status.replace('_', " "))
        }
        (sparkline(&cell.history))
        p.why { (cell.reason) }
        @if let Some(why) = &cell.unknown_since { p.why { "Nothing newer is known: " (why) } }
        @if let Some(why) = untold(cell.reported) { p.why { (why) } }
    }
}

/// Why the Hub does not show it, where that is so.
fn untold(reported: &str) -> Option<&'static str> {
    match reported {
        "kept" => Some("The Hub was away: the next run tells it."),
        "settling" => Some("The Hub is told when it has settled."),
        "refused" => Some("The Hub refused it: the run's report says why."),
        "waiting" => Some("The Hub is being told."),
        _ => None,
    }
}

fn tone(status: &str) -> &'static str {
    match status {
        "PASSED" => "good",
        "FAILED" => "bad",
        _ => "neutral",
    }
}

/// Points over time, between none and the most of them; what has no points lies at the bottom.
fn sparkline(history: &[Point]) -> Markup {
    let most = history.iter().filter_map(|point| point.score).max().unwrap_or(0).max(1) as usize;
    let place = |(number, point): (usize, &Point)| {
        let x = MARGIN + number * (WIDTH - 2 * MARGIN) / history.len().saturating_sub(1).max(1);
        let room = HEIGHT - 2 * MARGIN;
        let y = HEIGHT - MARGIN - point.score.unwrap_or(0) as usize * room / most;
        (x, y, tone(point.status))
    };
    let places: Vec<_> = history.iter().enumerate().map(place).collect();
    let line: Vec<String> = places.iter().map(|(x, y, _)| format!("{x},{y}")).collect();
    let said: Vec<String> = history
        .iter()
        .map(|point| point.score.map_or_else(|| point.status.to_owned(), |score| score.to_string()))
        .collect();
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ "history: " (said.join(", ")) } {
            polyline.curve points=(line.join(" ")) {}
            @for (x, y, tone) in &places { circle class=(tone) cx=(x) cy=(y) r="2" {} }
        }
    }
}
