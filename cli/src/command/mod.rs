//! The commands.

mod bench;
mod board;
mod capacity;
mod config;
mod contact;
mod control;
mod costs;
mod dead_letters;
mod demo;
mod dry_run;
mod feedback;
mod forecast;
mod hackathon;
mod import;
mod intake;
mod migrate;
mod moment;
mod redrive;
mod run;
mod runs;
mod schedule;
mod serve;
mod show;
mod simulate;
mod why;

use shared::run::control::Control;

use crate::{
    args::{Args, Command, ContactCommand, CostsCommand, LettersCommand, RunsCommand},
    exit::Exit,
};

/// Runs a command.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let common = args.common;
    match args.command {
        Command::Demo { people_only, users, contacts } => demo::demo(&common, people_only, users, contacts).await,
        Command::Import { users, contacts, rejects } => import::import(&common, &users, &contacts, rejects).await,
        Command::Run { job, at, dry_run, however_long } => {
            run::run(&common, &job, at.as_deref(), run::How { dry_run, however_long }).await
        }
        Command::Runs { command: None, limit } => runs::list(&common, limit).await,
        Command::Runs { command: Some(RunsCommand::Show { id }), .. } => runs::show(&common, id).await,
        Command::Why { who } => why::why(&common, &who).await,
        Command::Pause { id } => control::set(&common, id, Control::Pause).await,
        Command::Resume { id } => control::set(&common, id, Control::Run).await,
        Command::Cancel { id } => control::set(&common, id, Control::Cancel).await,
        Command::Approve { id } => control::approve(&common, id).await,
        Command::Redrive(redrive) => redrive::redrive(&common, redrive).await,
        Command::DeadLetters { command: None, limit } => dead_letters::list(&common, limit).await,
        Command::DeadLetters { command: Some(LettersCommand::Show { id }), .. } => {
            dead_letters::show(&common, id).await
        }
        Command::Feedback(asked) => feedback::feedback(&common, &asked).await,
        Command::Contact { command: ContactCommand::Restore { id } } => contact::restore(&common, id).await,
        Command::Simulate(asked) => simulate::simulate(&common, &asked).await,
        Command::Serve(asked) => serve::serve(&common, &asked).await,
        Command::Schedule(schedule) => schedule::schedule(&common, &schedule),
        Command::Config { example: true } => config::example(),
        Command::Config { example: false } => config::config(&common),
        Command::Migrate => migrate::migrate(&common).await,
        Command::Capacity(asked) => capacity::capacity(&common, &asked),
        Command::Board { hackathon, html } => board::board(&common, hackathon.as_deref(), html.as_deref()).await,
        Command::Costs { command: None, hackathon } => costs::show(&common, hackathon.as_deref()).await,
        Command::Costs { command: Some(CostsCommand::Import(asked)), hackathon } => {
            costs::import(&common, hackathon.as_deref(), asked).await
        }
        Command::Bench(bench) => bench::bench(&common, &bench).await,
    }
}
