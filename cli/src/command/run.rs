//! `almanac run`: a person's decision. It starts at once, whatever the scheduled time, and waits for the end.

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use shared::{
    clock::Clock,
    config::{DeliverySettings, PlannerSettings},
    firing::{Firing, Trigger},
    run::{Opened, Run, State},
};

use super::{dry_run, runs, show};
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
const JOBS: [&str; 3] = [monthly_invitations::JOB, reminders::JOB, cleanup::JOB];

pub(super) async fn run(common: &Common, job: &str, at: Option<&str>, dry_run: bool) -> anyhow::Result<Exit> {
    if !JOBS.contains(&job) {
        let message = format!("there is no job {job:?} that can be run: there are {}", JOBS.join(", "));
        return Err(Misused(message).into());
    }
    if dry_run && job == cleanup::JOB {
        return Err(Misused("the clean-up writes to nobody, so it has no --dry-run".to_owned()).into());
    }
    let values = stack::settings(common);
    let zone = if dry_run {
        // It needs nothing of mail.
        values.read::<PlannerSettings>()?.timezone
    } else {
        let (_, (planner, ..), ..) = values.read::<RunSettings>()?;
        planner.timezone
    };
    let scheduled_at = match at {
        Some(text) => scheduled_time(text, zone).map_err(|error| Misused(format!("{error:#}")))?,
        None => Clock::system().now(),
    };
    let stop = Stop::listen();
    let stack = stop.or(Stack::open(values)).await??;
    if dry_run {
        return stop.or(dry_run::dry_run(&stack, job, scheduled_at, common.json)).await?;
    }
    let exit = run_job(common, &stack, job, scheduled_at, stop).await;
    stack.close().await;
    exit
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

/// Reads a time of the schedule's zone: `2026-11-05T18:00`, with seconds or an offset if wanted.
pub(super) fn scheduled_time(text: &str, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let local = local.with_context(|| format!("--at {text:?} is not a time: expected one such as 2026-11-05T18:00"))?;
    // In autumn an hour comes twice; the first one is meant, as EventBridge Scheduler means it.
    let time = zone.from_local_datetime(&local).earliest();
    let time = time.with_context(|| format!("--at {text} does not exist in {zone}: the clocks go forward over it"))?;
    Ok(time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::scheduled_time;
    use chrono_tz::Europe::Paris;

    #[test]
    fn a_time_is_read_in_the_schedules_zone_unless_it_says_its_own() {
        let utc = |text| scheduled_time(text, Paris).expect("a time").to_rfc3339();
        assert_eq!(utc("2026-11-05T18:00"), "2026-11-05T17:00:00+00:00");
        assert_eq!(utc("2026-07-05T18:00:30"), "2026-07-05T16:00:30+00:00");
        assert_eq!(utc("2026-11-05T18:00:00Z"), "2026-11-05T18:00:00+00:00");
        assert_eq!(utc("2026-10-25T02:30"), "2026-10-25T00:30:00+00:00");
    }

    #[test]
    fn a_time_that_is_none_or_does_not_exist_is_refused() {
        for (text, words) in [("tomorrow", "is not a time"), ("2026-03-29T02:30", "does not exist in Europe/Paris")] {
            let error = scheduled_time(text, Paris).expect_err("no time").to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
