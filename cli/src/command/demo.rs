//! `almanac demo`: people made up, the same every time, and the month's cycle run over them.

use chrono::{Datelike as _, NaiveDate, Utc};
use serde_json::json;
use shared::{clock::Clock, config::WorkerSettings, mail::providers::Provider, schedule::WallTime};

use super::run;
use crate::{
    args::Common,
    exit::Exit,
    people::{
        PeopleStore,
        demo::{Demo, make_up},
    },
    say::{say, tell},
    stack::{self, RunSettings, Stack},
    stop::Stop,
};

pub(super) async fn demo(common: &Common, people_only: bool, users: u32, contacts: u32) -> anyhow::Result<Exit> {
    let values = stack::settings(common);
    let (_, (planner, ..), worker, _) = values.read::<RunSettings>()?;
    // The people are made up, but a real transport would still try to reach them.
    if !people_only && worker.mail.transports.iter().any(Provider::is_real) {
        anyhow::bail!("the demo writes to a folder or to nobody: leave --mail and EMAIL_TRANSPORTS out, or say null:");
    }
    let stop = Stop::listen();
    let stack = stop.or(Stack::connect(values)).await??;
    // Not given up in between: MySQL would keep half a migration.
    stack.migrate().await?;
    let today = Utc::now().with_timezone(&planner.timezone);
    let day = NaiveDate::from_ymd_opt(today.year(), today.month(), planner.day);
    let cycle = day.and_then(|day| day.and_hms_opt(planner.hour, 0, 0));
    let cycle_at = cycle.and_then(|time| WallTime::of(time, planner.timezone).firing()).unwrap_or_else(Utc::now);
    let store = PeopleStore::new(stack.records.clone(), Clock::system().now());
    let made = stop.or(make_up(&store, Demo { users, contacts_per_user: contacts, cycle_at }, |_| {})).await;
    if made.is_err() {
        stack.close().await;
    }
    let made = made??;
    if common.json {
        say!("{}", json!({"users": users, "contacts_added": made.contacts.inserted}));
    } else {
        tell!("{users} users; {} contacts added, {} were there.", made.contacts.inserted, made.contacts.unchanged);
    }
    if people_only {
        return Ok(Exit::Done);
    }
    let exit = run::run_job(common, &stack, monthly_invitations::JOB, cycle_at, stop).await;
    stack.close().await;
    let exit = exit?;
    if !common.json {
        show_where_to_look(common, &stack, &worker);
    }
    Ok(exit)
}

fn show_where_to_look(common: &Common, stack: &Stack, worker: &WorkerSettings) {
    let home = common.home.as_ref().map_or(String::new(), |home| format!(" --home {}", home.display()));
    for transport in &worker.mail.transports {
        if let Provider::Dir(folder) = transport {
            say!("  mails      {}", folder.display());
        }
    }
    say!("  records    {}", stack.settings.home.join("almanac.db").display());
    say!("Look further:");
    say!("  almanac{home} runs show 1        the ledger again");
    say!("  almanac{home} why 7              why contact 7 was or was not written to");
    say!("  almanac{home} config             every setting and where it comes from");
}
