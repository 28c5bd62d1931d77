//! `almanac dead-letters`: what came to nothing, and why.

use anyhow::Context as _;
use dead_letters::history::{self, Recorded};
use futures_util::FutureExt;
use serde_json::json;

use crate::{
    args::Common,
    exit::Exit,
    say::say,
    stack::{self, Stack},
};

pub(super) async fn list(common: &Common, limit: usize) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    let letters = stack.records.read(move |tx| history::newest(tx, limit).boxed()).await?;
    for letter in &letters {
        if common.json {
            say!("{}", serde_json::to_string(letter)?);
        } else {
            say!("{}", line(letter));
        }
    }
    if letters.is_empty() && !common.json {
        say!("There is no dead letter.");
    }
    Ok(Exit::Done)
}

pub(super) async fn show(common: &Common, id: i64) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    let letter = stack.records.read(move |tx| history::find(tx, id).boxed()).await?;
    let (letter, content) =
        letter.with_context(|| format!("there is no dead letter {id}; `almanac dead-letters` lists them"))?;
    if common.json {
        say!("{}", json!({"letter": letter, "content": content}));
        return Ok(Exit::Done);
    }
    say!("{}", line(&letter));
    say!("  queue       {}", letter.queue);
    say!("  body        {}", content.body);
    say!("  attributes  {}", content.attributes);
    match letter.kind.as_str() {
        "batch" => say!("`almanac redrive {}` does its batch again, once its run is closed.", letter.run),
        "firing" => say!("Mend the cause, then `almanac run` with the scheduled time, where it is a run's."),
        _ => {}
    }
    Ok(Exit::Done)
}

fn line(letter: &Recorded) -> String {
    let of = match letter.batch {
        0 => String::new(),
        batch => format!(" (batch {batch} of run {})", letter.run),
    };
    let at = letter.recorded_at.format("%Y-%m-%d %H:%M:%S UTC");
    format!("{:>6}  {at}  {} for {}{of}: {}", letter.id, letter.kind, letter.target, letter.cause)
}
