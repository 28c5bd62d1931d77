//! `almanac redrive`: what a closed run left behind is done again, as a run of its own.

use anyhow::Context as _;
use serde_json::json;
use shared::{
    clock::Clock,
    run::{
        Opened,
        redrive::{self, Wanted},
    },
};

use super::run;
use crate::{
    args::{self, Common},
    exit::Exit,
    say::{say, tell},
    stack::{self, RunSettings, Stack},
    stop::Stop,
};

pub(super) async fn redrive(common: &Common, asked: args::Redrive) -> anyhow::Result<Exit> {
    let values = stack::settings(common);
    if !asked.dry_run && !asked.leave {
        // What the work needs is asked for before anything is opened.
        values.read::<RunSettings>()?;
    }
    let stop = Stop::listen();
    let stack = stop.or(Stack::open_existing(values)).await??;
    let letters_per_second = asked.rate.unwrap_or(0);
    let wanted = Wanted { cause: asked.cause, batches: asked.batches, letters_per_second };
    if asked.dry_run {
        return stop.or(preview(common, &stack, asked.id, &wanted)).await?;
    }
    let opened = stop.or(redrive::open(&stack.records, &Clock::system(), asked.id, &wanted)).await??;
    if !common.json {
        tell!("{}", met(&opened));
    }
    let child = opened.run();
    if asked.leave {
        if common.json {
            say!("{}", json!({"run": child.id, "parent": child.parent, "status": child.state.as_str()}));
        }
        return Ok(Exit::Done);
    }
    let engine = stop.or(stack.engine(Clock::system())).await?.context("starting the engine")?;
    let exit = run::work(common, &stack, &engine, child, stop).await;
    stack.close().await;
    exit
}

async fn preview(common: &Common, stack: &Stack, id: i64, wanted: &Wanted) -> anyhow::Result<Exit> {
    let takes = redrive::preview(&stack.records, id, wanted).await?;
    if common.json {
        let line = json!({
            "run": id, "batches": takes.batches, "planned": takes.planned, "not_taken": takes.not_taken,
        });
        say!("{line}");
    } else {
        say!(
            "A redrive of run {id} would take {} parked batches, in which {} letters were planned, and {} letters that \
             were not taken by their provider. What was sent, refused for good or is in doubt stays as it is.",
            takes.batches,
            takes.planned,
            takes.not_taken
        );
    }
    Ok(Exit::Done)
}

fn met(opened: &Opened) -> String {
    let run = opened.run();
    match opened {
        Opened::New(_) => format!("Run {} does again what run {} left behind.", run.id, run.parent),
        _ => format!("Run {} is doing again what run {} left behind: going on with it.", run.id, run.parent),
    }
}
