//! `almanac bench`: what a month's cycle takes, and where wanted its reminders, measured from the trigger to the balanced
//! ledger.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use async_trait::async_trait;
use chrono::{DateTime, Months, Utc};
use futures_util::FutureExt;
use serde_json::json;
use shared::{
    clock::Clock,
    config::{
        ReminderSettings, Values,
        table::{APP_BASE_URL, EMAIL_FROM_ADDRESS},
    },
    firing::{Firing, Trigger},
    letters::ReminderKind,
    memory,
    records::{Dialect, Records, Tx},
    run::{Run, State, ledger::Ledger},
};

use super::show;
use crate::{
    args::{self, Common},
    engine::{Engine, Watch},
    exit::Exit,
    people::bench,
    say::say,
    stack::{self, Stack},
    stop::{Stop, Stopped},
};

pub(super) async fn bench(common: &Common, asked: &args::Bench) -> anyhow::Result<Exit> {
    let values = settings(common, asked.workers);
    let stop = Stop::listen();
    let stack = stop.or(Stack::connect(values)).await??;
    // Not given up in between: MySQL would keep half a migration.
    stack.migrate().await?;
    let measured = measure(&stack, asked, &stop).await;
    stack.close().await;
    measured
}

fn settings(common: &Common, workers: Option<usize>) -> Values {
    let workers = workers.map(|workers| ("SCHEDULER_MAX_WORKERS", workers.to_string()));
    // The people are made up, so mails may name a sender and an application that do not exist.
    stack::settings_and(common, workers).assuming(&[
        (&APP_BASE_URL.about, "https://almanac.example"),
        (&EMAIL_FROM_ADDRESS.about, "invitations@almanac.example"),
    ])
}

async fn measure(stack: &Stack, asked: &args::Bench, stop: &Stop) -> anyhow::Result<Exit> {
    let peopled = Instant::now();
    stop.or(make_people(&stack.records, asked)).await??;
    let people = peopled.elapsed();

    let scheduled_at = stop.or(next_month(&stack.records)).await??;
    // Letters are sent in the month that they are of, so that a later bench's reminders are not of these.
    let engine = stop.or(stack.engine(Clock::running_from(scheduled_at))).await??;
    let bench = Bench { stack, engine: &engine, asked, stop };
    let cycle = bench.run(monthly_invitations::JOB, scheduled_at).await?;
    say!("{}", bench.figures(&cycle, "invitations_per_s", people));
    if !asked.reminders {
        return Ok(Exit::of_run(&cycle.run));
    }
    let days = stack.values.read::<ReminderSettings>()?.days;
    let due = cycle.run.finished_at + days.delay(ReminderKind::First);
    let reminders = bench.run(reminders::JOB, due).await?;
    say!("{}", bench.figures(&reminders, "reminders_per_s", Duration::ZERO));
    Ok(Exit::of_run(&reminders.run))
}

/// A bench under way.
struct Bench<'b> {
    stack: &'b Stack,
    engine: &'b Engine,
    asked: &'b args::Bench,
    stop: &'b Stop,
}

/// A run, and what it took.
struct Measured {
    run: Run,
    ledger: Ledger,
    /// From the trigger to the balanced ledger.
    wall: Duration,
    /// Until every subject was planned.
    planned_after: Duration,
    /// Until what the run had to say was said.
    total: Duration,
    cpu_s: f64,
    statements: u64,
    calls: u64,
}

impl Bench<'_> {
    /// Runs a job for that time, from the trigger to the end.
    async fn run(&self, job: &str, scheduled_at: DateTime<Utc>) -> anyhow::Result<Measured> {
        let Self { stack, engine, stop, .. } = self;
        let (statements, cpu) = (stack.records.statements(), cpu_seconds());
        let begun = Instant::now();
        let watch = Phases { begun, planned: Mutex::new(None), cpu_when_closed: Mutex::new(None), stop };
        let opened = stop.or(engine.jobs.find(job)?.open(Firing::new(scheduled_at, Trigger::Manual))).await??;
        let run = engine.work_until_closed(opened.run(), &watch).await?;
        // The report is written after the ledger balanced; the run's own times leave it out.
        let total = begun.elapsed();
        let wall = (run.finished_at - run.started_at).to_std().unwrap_or(total);
        let cpu_s = locked(&watch.cpu_when_closed).unwrap_or_else(cpu_seconds) - cpu;
        if run.state == State::Open {
            return Err(Stopped.into());
        }
        let ledger = show::ledger_of(&stack.records, &run).await?;
        ensure!(run.state == State::Completed, "run {} is {}: {}", run.id, run.state.as_str(), run.error);
        let planned_after = locked(&watch.planned).unwrap_or(wall);
        let run_id = run.id;
        let calls = stack.records.read(move |tx| calls_of(tx, run_id).boxed()).await?;
        let statements = stack.records.statements() - statements;
        Ok(Measured { run, ledger, wall, planned_after, total, cpu_s, statements, calls })
    }

    /// The figures of a run before which making the people took so long, its speed under a name of its own.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn figures(&self, measured: &Measured, speed: &str, people: Duration) -> serde_json::Value {
        let Measured { run, ledger, wall, planned_after, total, cpu_s, statements, calls } = measured;
        json!({
            speed: (ledger.sent as f64 / wall.as_secs_f64()).round(),
            "wall_s": round(wall.as_secs_f64()),
            "peak_rss_mib": round(memory::peak_rss_bytes() as f64 / 1_048_576.0),
            "cpu_s": round(*cpu_s),
            "cpu_s_per_100k": round(cpu_s * 100_000.0 / ledger.sent.max(1) as f64),
            "phases_s": {"people": round(people.as_secs_f64()), "plan": round(planned_after.as_secs_f64()),
                         "send": round(wall.saturating_sub(*planned_after).as_secs_f64()),
                         "report": round(total.saturating_sub(*wall).as_secs_f64())},
            "database_statements": statements,
            "provider_calls": calls,
            "planned": ledger.planned, "sent": ledger.sent, "failed": ledger.failed, "in_doubt": ledger.in_doubt,
            "balanced": ledger.is_balanced(),
            "users": self.asked.users, "contacts": self.asked.contacts, "workers": self.engine.workers,
            "records": match self.stack.records.dialect() { Dialect::MySql => "mysql", Dialect::Sqlite => "sqlite" },
            "run": run.id,
        })
    }
}

/// Makes the people, or finds those that an earlier bench of the same size made here.
async fn make_people(records: &Records, asked: &args::Bench) -> anyhow::Result<()> {
    let (users, contacts) = records.read(|tx| count_people(tx).boxed()).await?;
    let wanted = (u64::from(asked.users), u64::from(asked.users) * u64::from(asked.contacts));
    match (users, contacts) {
        (0, 0) => {
            let people = bench::Bench {
                users: asked.users,
                contacts_per_user: asked.contacts,
                letters: bench::Letters::default(),
            };
            bench::add(records, people, |_| {}).await.context("making up people")
        }
        there if there == wanted => Ok(()),
        _ => bail!(
            "the records hold {users} users with {contacts} contacts: a bench wants records of its own, empty ones"
        ),
    }
}

async fn count_people(tx: &mut Tx) -> shared::records::Result<(u64, u64)> {
    let users = tx.row("SELECT COUNT(*) FROM users", &[]).await?;
    let contacts = tx.row("SELECT COUNT(*) FROM contacts", &[]).await?;
    Ok((users.map_or(Ok(0), |row| row.count(0))?, contacts.map_or(Ok(0), |row| row.count(0))?))
}

/// The 28th of a month after all those that were run here: the same people can be invited again.
async fn next_month(records: &Records) -> anyhow::Result<DateTime<Utc>> {
    let first: DateTime<Utc> = "2026-11-28T17:00:00Z".parse()?;
    let runs = records.read(|tx| async move { tx.row("SELECT COUNT(*) FROM runs", &[]).await }.boxed()).await?;
    let runs = u32::try_from(runs.map_or(Ok(0), |row| row.count(0))?)?;
    first.checked_add_months(Months::new(runs)).context("there are no more months")
}

async fn calls_of(tx: &mut Tx, run_id: i64) -> shared::records::Result<u64> {
    let sql = "SELECT COUNT(*) FROM batches b JOIN sends s ON s.batch_id = b.id WHERE b.run_id = ?";
    tx.row(sql, &[run_id.into()]).await?.map_or(Ok(0), |row| row.count(0))
}

/// Notes when the plan was complete, and what had been used when the run was closed.
struct Phases<'s> {
    begun: Instant,
    planned: Mutex<Option<Duration>>,
    cpu_when_closed: Mutex<Option<f64>>,
    stop: &'s Stop,
}

fn locked<T: Copy>(value: &Mutex<Option<T>>) -> Option<T> {
    *value.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[async_trait]
impl Watch for Phases<'_> {
    async fn progress(&self, _: &Records, run: &Run) {
        if run.plan_complete {
            let mut planned = self.planned.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            planned.get_or_insert_with(|| self.begun.elapsed());
        }
        if run.state != State::Open {
            let mut cpu = self.cpu_when_closed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            cpu.get_or_insert_with(cpu_seconds);
        }
    }

    async fn stopped(&self) {
        self.stop.asked().await;
    }
}

/// The processor time that this process has used, in seconds.
fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    // Fields 14 and 15, counted after the command's name, which may hold blanks; Linux counts in hundredths.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn round(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
