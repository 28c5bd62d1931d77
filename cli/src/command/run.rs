//! `almanac run`: a person's decision. It starts at once, whatever the scheduled time, and waits for the end.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use shared::{
    clock::Clock,
    config::{DeliverySettings, MailSettings, MonitorSettings, PlannerSettings, table},
    firing::{Firing, Trigger},
    hackathon::Criterion,
    run::{Opened, Run, State},
};

use super::{dry_run, moment, runs, show};
use crate::{
    args::Common,
    engine::Engine,
    exit::{Exit, Misused},
    progress::Progress,
    say::{say, tell},
    stack::{self, RunSettings, Stack},
    stop::Stop,
};

/// The jobs that can be run.
fn jobs() -> impl Iterator<Item = &'static str> {
    [monthly_invitations::JOB, reminders::JOB, cleanup::JOB].into_iter().chain(Criterion::ALL.map(Criterion::job))
}

/// How a run is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// It is only to be foretold.
    pub(super) dry_run: bool,
    /// It may take longer than a run should.
    pub(super) however_long: bool,
}

pub(super) async fn run(common: &Common, job: &str, at: Option<&str>, how: How) -> anyhow::Result<Exit> {
    if !jobs().any(|known| known == job) {
        let known: Vec<_> = jobs().collect();
        let message = format!("there is no job {job:?} that can be run: there are {}", known.join(", "));
        return Err(Misused(message).into());
    }
    let monitor = Criterion::of_job(job);
    let writes_letters = job != cleanup::JOB && monitor.is_none();
    if how.dry_run && !writes_letters {
        return Err(Misused(format!("{job} writes to nobody, so it has no --dry-run")).into());
    }
    let values = stack::settings(common);
    if let Some(criterion) = monitor
        && !values.read::<MonitorSettings>()?.enabled.contains(&criterion)
    {
        let switch = table::switch_of(criterion).about.name;
        return Err(Misused(format!("{job} is switched off: {switch}=true switches it on")).into());
    }
    let zone = if how.dry_run {
        // Of mail it needs who would carry it, and how fast.
        values.read::<(PlannerSettings, MailSettings)>()?.0.timezone
    } else {
        let (_, (planner, ..), ..) = values.read::<RunSettings>()?;
        planner.timezone
    };
    let scheduled_at = match at {
        Some(text) => moment::at(text, zone)?,
        None => Clock::system().now(),
    };
    let stop = Stop::listen();
    let stack = stop.or(Stack::open(values)).await??;
    if how.dry_run {
        return stop.or(dry_run::dry_run(&stack, job, scheduled_at, how, common.json)).await?;
    }
    if !how.however_long
        && writes_letters
        && let Some(refusal) = stop.or(dry_run::refusal(&stack, job, scheduled_at)).await??
    {
        refuse(common, &refusal);
        stack.close().await;
        return Ok(Exit::Refused);
    }
    let exit = run_job(common, &stack, job, scheduled_at, stop).await;
    stack.close().await;
    exit
}

fn refuse(common: &Common, refusal: &str) {
    tell!("almanac: not begun: {refusal}");
    if common.json {
        say!("{}", json!({"refused": refusal}));
    }
}

/// Runs the job for that time to its end, or until `stop` is asked, and prints its ledger.
pub(super) async fn run_job(
    common: &Common,
    stack: &Stack,
    job: &str,
    scheduled_at: DateTime<Utc>,
    stop: Stop,
) -> anyhow::Result<Exit> {
    let engine = stop.or(stack.engine(Clock::system())).await??;
    let opened = stop.or(engine.jobs.find(job)?.open(Firing::new(scheduled_at, Trigger::Manual))).await??;
    if !common.json {
        tell!("{}", met(&opened));
    }
    let run = match opened {
        Opened::Closed(run) => {
            // Whoever closed it may have died before it was said.
            stop.or(engine.say_all(run.id)).await??;
            run
        }
        Opened::New(run) | Opened::Joined(run) => return work(common, stack, &engine, &run, stop).await,
    };
    stop.or(print(common, stack, &run, engine.keeper.zone)).await??;
    Ok(Exit::of_run(&run))
}

/// Works an open run to its end, or until `stop` is asked, and prints its ledger.
pub(super) async fn work(
    common: &Common,
    stack: &Stack,
    engine: &Engine,
    run: &Run,
    stop: Stop,
) -> anyhow::Result<Exit> {
    let progress = Progress::new(common.json, stop.clone());
    let run = engine.work_until_closed(run, &progress).await;
    progress.end();
    let run = run?;
    stop.or_soon(print(common, stack, &run, engine.keeper.zone)).await??;
    Ok(Exit::of_run(&run))
}

fn met(opened: &Opened) -> String {
    let run = opened.run();
    match opened {
        Opened::New(_) => format!("Run {} of {} for {} begins.", run.id, run.job, run.key),
        Opened::Joined(_) => format!("Run {} for {} is open: going on with it.", run.id, run.key),
        Opened::Closed(_) => format!("Run {} for {} was closed before; this is its ledger.", run.id, run.key),
    }
}

async fn print(common: &Common, stack: &Stack, run: &Run, zone: Tz) -> anyhow::Result<()> {
    let ledger = show::ledger_of(&stack.records, run).await?;
    let cleaned = show::cleaned_by(&stack.records, run).await?;
    if common.json {
        say!("{}", show::as_json(run, &ledger, &cleaned));
        return Ok(());
    }
    show::print(run, &ledger, &cleaned, zone);
    runs::print_parked(stack, run).await?;
    runs::print_doubts(stack, run, ledger.in_doubt).await?;
    if run.state == State::Open {
        say!("Stopped before its end: the same command goes on with it.");
    } else {
        let delivery: DeliverySettings = stack.values.read()?;
        let report = delivery.objects.place(&shared::report::key(run, "html"));
        say!("  report     {report}");
    }
    Ok(())
}
