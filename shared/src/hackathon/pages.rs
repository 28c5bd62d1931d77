//! Pages of a run's teams, and how they are handed to workers.

use serde::{Deserialize, Serialize};

use crate::{
    queue::{MESSAGES_PER_CALL, Queue},
    run::Run,
};

/// How many teams a page has. One process measures so many; of more it hands the others out, where it has a queue.
pub(super) const PAGE: usize = 256;

/// The message that stands for a page of a run's teams. It carries ids, never personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageMessage {
    /// The run.
    pub run: i64,
    /// The position in the roster after which the page begins.
    pub after: i64,
}

/// Some of a run's teams: those after one position, up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) after: i64,
    pub(super) last: i64,
}

impl Span {
    /// All of them.
    pub(super) const ALL: Self = Self { after: 0, last: i64::MAX };

    /// The page that begins after a position.
    pub(super) fn page(after: i64) -> Self {
        Self { after, last: after.saturating_add(PAGE as i64) }
    }
}

/// Sends a message for each page of the run's teams but the first; gives the pages that no worker will hear of, the first
/// among them. A message may be sent twice, and one may be lost: what a page is, the records know.
pub(super) async fn hand_out(queue: &dyn Queue, run: &Run) -> Vec<Span> {
    let teams = usize::try_from(run.planned).unwrap_or(usize::MAX);
    let others: Vec<i64> = (PAGE..teams).step_by(PAGE).map(|after| after as i64).collect();
    let trace = Some(run.trace.as_str()).filter(|trace| !trace.is_empty());
    let (mut kept, mut is_away) = (vec![Span::page(0)], false);
    for call in others.chunks(MESSAGES_PER_CALL) {
        let message = |&after: &i64| serde_json::to_string(&PageMessage { run: run.id, after }).expect("ids are JSON");
        let sent = match is_away {
            true => Ok((0..call.len()).collect()),
            false => queue.send(call.iter().map(message).collect(), trace).await,
        };
        let refused: Vec<usize> = sent.unwrap_or_else(|error| {
            tracing::warn!(
                run = run.id,
                error = format!("{error:#}"),
                "the queue takes no page; those that it has not are measured here"
            );
            is_away = true;
            (0..call.len()).collect()
        });
        kept.extend(refused.into_iter().filter_map(|index| call.get(index)).map(|&after| Span::page(after)));
    }
    tracing::info!(
        run = run.id,
        teams,
        handed_out = others.len() + 1 - kept.len(),
        kept = kept.len(),
        "pages are handed out"
    );
    kept
}
