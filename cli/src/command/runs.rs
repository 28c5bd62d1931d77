//! `almanac runs` and `almanac runs show`.

use anyhow::Context as _;
use futures_util::FutureExt;
use serde_json::json;
use shared::{
    config::PlannerSettings,
    invitation::SendState,
    run::{
        Run, State,
        history::{self, Parked},
    },
};

use super::show;
use crate::{
    args::Common,
    exit::Exit,
    say::say,
    stack::{self, Stack},
};

/// How many doubts are listed.
const DOUBTS: usize = 100;

/// How many causes of parked batches are listed.
const CAUSES: usize = 20;

pub(super) async fn list(common: &Common, limit: usize) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    let runs = stack.records.read(move |tx| history::newest(tx, None, limit).boxed()).await?;
    if !common.json {
        say!("{:>6}  {:<22} {:<16} {:<10} {:<9} {:>9}", "run", "job", "key", "status", "trigger", "planned");
    }
    for run in &runs {
        if common.json {
            let ledger = show::ledger_of(&stack.records, run).await?;
            say!("{}", show::as_json(run, &ledger, &show::cleaned_by(&stack.records, run).await?));
        } else {
            let (state, trigger) = (run.state.as_str(), &run.trigger);
            say!("{:>6}  {:<22} {:<16} {state:<10} {trigger:<9} {:>9}", run.id, run.job, run.key, run.planned);
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn show(common: &Common, id: i64) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    let zone = stack.values.read::<PlannerSettings>()?.timezone;
    let run = stack.records.read(move |tx| Run::find(tx, id).boxed()).await?;
    let run = run.with_context(|| format!("there is no run {id}; `almanac runs` lists them"))?;
    let ledger = show::ledger_of(&stack.records, &run).await?;
    let not_taken = not_taken(&stack, &run).await?;
    // Only a doubt is often moved by what is heard later, and counting all anew may take its time.
    let moves = run.closing_ledger().is_some() && (ledger.in_doubt > 0 || !not_taken.is_empty());
    let now = if moves { show::ledger_now(&stack.records, &run).await? } else { ledger.clone() };
    let cleaned = show::cleaned_by(&stack.records, &run).await?;
    if common.json {
        let mut line = show::as_json(&run, &ledger, &cleaned);
        if now != ledger {
            line["now"] = json!({"sent": now.sent, "failed": now.failed, "in_doubt": now.in_doubt});
        }
        say!("{line}");
        return Ok(Exit::Done);
    }
    show::print(&run, &ledger, &cleaned, zone);
    if now != ledger {
        say!("What was heard since then makes it sent {}, failed {}, in doubt {}.", now.sent, now.failed, now.in_doubt);
    }
    print_parked(&stack, &run).await?;
    print_not_taken(&run, not_taken);
    print_doubts(&stack, &run, now.in_doubt).await?;
    Ok(Exit::Done)
}

/// Says which batches were parked and why, and which run does them again.
pub(super) async fn print_parked(stack: &Stack, run: &Run) -> anyhow::Result<()> {
    let id = run.id;
    let parked = stack.records.read(move |tx| history::parked(tx, id, CAUSES).boxed()).await?;
    let redrives = stack.records.read(move |tx| history::redrives(tx, id).boxed()).await?;
    if parked.is_empty() {
        return Ok(());
    }
    say!("Parked batches, by cause:");
    for Parked { cause, batches, redriven } in &parked {
        let again = if *redriven > 0 { format!("  ({redriven} done again)") } else { String::new() };
        say!("  {batches:>9}  {cause}{again}");
    }
    match redrives.as_slice() {
        [] => say!("`almanac redrive {id}` does them again."),
        runs => say!("Done again by run {}.", runs.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
    }
    Ok(())
}

/// What was in doubt and was not taken, and waits for a redrive: a few more than are listed.
async fn not_taken(stack: &Stack, run: &Run) -> anyhow::Result<Vec<String>> {
    let id = run.id;
    let read = stack.records.read(move |tx| {
        async move {
            match history::has_not_taken(tx, id).await? {
                true => history::letters_in(tx, id, SendState::NotTaken, DOUBTS + 1).await,
                false => Ok(Vec::new()),
            }
        }
        .boxed()
    });
    Ok(read.await?)
}

/// Lists what was not taken, for a person to have it sent.
fn print_not_taken(run: &Run, mut letters: Vec<String>) {
    if letters.is_empty() {
        return;
    }
    let more = letters.len() > DOUBTS;
    letters.truncate(DOUBTS);
    say!("Not taken by their provider, which spoke of all letters around them and never of these:");
    say!("  {}{}", letters.join(" "), if more { " and more" } else { "" });
    if run.state != State::Cancelled {
        say!("`almanac redrive {}` sends them.", run.id);
    }
}

/// Lists what is in doubt, for a person to look into.
pub(super) async fn print_doubts(stack: &Stack, run: &Run, in_doubt: u64) -> anyhow::Result<()> {
    if in_doubt == 0 {
        return Ok(());
    }
    let id = run.id;
    let doubts = stack.records.read(move |tx| history::letters_in(tx, id, SendState::InDoubt, DOUBTS).boxed()).await?;
    say!("In doubt (handed to a provider, no result known, {}):", run.when_in_doubt.means());
    say!("  {}", doubts.join(" "));
    if in_doubt > doubts.len() as u64 {
        say!("  and {} more, all in the run's report", in_doubt - doubts.len() as u64);
    }
    Ok(())
}
