//! `almanac simulate`: a whole year of schedules, letters and answers in a few minutes, and whether every promise was kept.

use std::{fs, path::Path, sync::Arc, time::Instant};

use anyhow::Context as _;
use chrono::DateTime;
use invitation_worker::InvitationWorker;
use serde_json::json;
use shared::{
    clock::Clock,
    config::{MonitorSettings, PlannerSettings, Values, WorkerSettings},
    links::LinkKeys,
    memory,
};

use super::schedule::asked::schedules_here;
use crate::{
    args::{Common, Simulate},
    engine::Agenda,
    exit::Exit,
    say::{say, tell},
    simulation::{Nowhere, Simulated, Simulation, Year, letterbox::Letterbox, report},
    stack::{self, Stack},
    stop::Stop,
};

/// The settings that a simulated year shares with this machine: what jobs do and when, never where anything is. So it has
/// no Hub, and its monitors are switched off.
fn is_shared(name: &str) -> bool {
    name.starts_with("SCHEDULER_") || name == "INVITATION_EXPIRATION_DAYS"
}

pub(super) async fn simulate(common: &Common, asked: &Simulate) -> anyhow::Result<Exit> {
    let home = stack::home(common)?.join(format!("simulated-{}", asked.year));
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("removing the year simulated before, {}", home.display()))?;
    }
    let begun = Instant::now();
    let stop = Stop::listen();
    let stack = stop.or(Stack::open(settings(&home))).await??;
    let simulated = simulate_on(&stack, common, asked, &stop).await;
    stack.close().await;
    let simulated = simulated?;
    let page = home.join("year.html");
    fs::write(&page, report::page(&simulated)).with_context(|| page.display().to_string())?;
    print(common, &simulated, &page, begun);
    Ok(if simulated.promises.iter().all(|kept| kept.broken == 0) { Exit::Done } else { Exit::Failed })
}

fn settings(home: &Path) -> Values {
    let own = [
        ("ALMANAC_HOME", home.display().to_string()),
        ("DATABASE_URL", format!("sqlite:{}", home.join("almanac.db").display())),
        ("EMAIL_TRANSPORTS", "null:".to_owned()),
    ];
    let shared = std::env::vars().filter(|(name, _)| is_shared(name));
    Values::gather(own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(shared), None)
}

async fn simulate_on(stack: &Stack, common: &Common, asked: &Simulate, stop: &Stop) -> anyhow::Result<Simulated> {
    let (settings, monitors, worker): (PlannerSettings, MonitorSettings, WorkerSettings) = stack.values.read()?;
    let clock = Clock::standing_at(DateTime::UNIX_EPOCH);
    let mut engine = stack.engine(clock.clone()).await?;
    let keys = LinkKeys::of(&stack.records).await?;
    let letterbox = Arc::new(Letterbox::new(clock.clone(), settings.timezone, asked.seed, keys));
    engine.keeper.objects = Arc::new(Nowhere);
    engine.worker = Arc::new(
        InvitationWorker::sending_through(
            vec![letterbox.clone()],
            stack.records.clone(),
            &worker,
            clock.clone(),
            engine.holder.clone(),
        )
        .await?,
    );
    let agenda = Agenda::new(schedules_here(&asked.which, &settings, &monitors)?, &engine.jobs);
    let year = Year {
        year: asked.year,
        users: asked.users,
        contacts_per_user: asked.contacts,
        seed: asked.seed,
        zone: settings.timezone,
    };
    let simulation = Simulation::new(year, &engine, &agenda, letterbox, clock, stop.clone());
    let json = common.json;
    let tell_month = |month| {
        if !json {
            tell!("{}-{month:02} is over", year.year);
        }
    };
    simulation.run(tell_month).await
}

fn print(common: &Common, simulated: &Simulated, page: &Path, begun: Instant) {
    let letters = |what: fn(&crate::simulation::letterbox::Day) -> u64| simulated.days.values().map(what).sum::<u64>();
    let figures = json!({
        "year": simulated.year.year, "seed": simulated.year.seed, "users": simulated.year.users,
        "contacts": u64::from(simulated.year.users) * u64::from(simulated.year.contacts_per_user),
        "runs": simulated.runs, "approved": simulated.approved,
        "invitations": letters(|day| day.invitations), "reminders": letters(|day| day.reminders),
        "answers": letters(|day| day.answers), "bounces": letters(|day| day.bounces),
        "leaving": letters(|day| day.leaving),
        "promises": simulated.promises.iter().map(|kept| json!({"promise": kept.promise, "broken": kept.broken})).collect::<Vec<_>>(),
        "seconds": begun.elapsed().as_secs(), "peak_rss_mib": memory::peak_rss_bytes() >> 20, "report": page,
    });
    if common.json {
        say!("{figures}");
        return;
    }
    say!(
        "{}: {} runs, {} invitations, {} reminders, {} answers; {} s, {} MiB",
        figures["year"],
        figures["runs"],
        figures["invitations"],
        figures["reminders"],
        figures["answers"],
        figures["seconds"],
        figures["peak_rss_mib"],
    );
    for kept in &simulated.promises {
        let verdict = if kept.broken == 0 { "kept".to_owned() } else { format!("BROKEN {} times", kept.broken) };
        say!("  {:<76} {verdict}", kept.promise);
    }
    say!("  report     {}", page.display());
}
