//! `almanac serve`: every schedule is kept on this machine, and whatever is opened is worked on, until it is stopped.

mod admin;
mod door;
mod http;

use std::net::SocketAddr;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::{
    clock::Clock,
    config::{MonitorSettings, PlannerSettings},
};
use tokio::{net::TcpListener, task::JoinSet};
use unsubscribe::Door;

use super::schedule::asked;
use crate::{
    args::{Common, Serve},
    engine::{Agenda, Entry},
    exit::Exit,
    say::{say, tell},
    stack::{self, Stack},
    stop::Stop,
};

pub(super) async fn serve(common: &Common, serve: &Serve) -> anyhow::Result<Exit> {
    let values = stack::settings(common);
    let (settings, monitors): (PlannerSettings, MonitorSettings) = values.read()?;
    let declared = asked::schedules_here(&serve.which, &settings, &monitors)?;
    let stop = Stop::listen();
    let stack = stop.or(Stack::open(values)).await??;
    let engine = stop.or(stack.engine(Clock::system())).await??;
    let (links, operators) = (listen(serve.listen).await?, listen(serve.admin).await?);
    let agenda = Agenda::new(declared, &engine.jobs);
    for entry in agenda.entries() {
        tell_next(common, entry);
    }
    let mut doors = JoinSet::new();
    if let Some(listener) = links {
        tell_listening(common, "listening", "unsubscribe links", listener.local_addr()?);
        doors.spawn(door::answer(listener, Door::new(stack.records.clone(), Clock::system()).await?));
    }
    if let Some(listener) = operators {
        tell_listening(common, "admin", "health, metrics and board", listener.local_addr()?);
        doors.spawn(admin::answer(listener, stack.records.clone(), monitors));
    }
    let served = engine.serve(&agenda, &stop).await;
    doors.shutdown().await;
    stack.close().await;
    served.map(|()| Exit::Done)
}

async fn listen(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    TcpListener::bind(address).await.map(Some).with_context(|| format!("listening at {address}"))
}

fn tell_next(common: &Common, entry: &Entry) {
    let (job, zone) = (entry.job.name(), entry.schedule.zone);
    let next: Option<DateTime<Utc>> = entry.firings_after(Utc::now()).next();
    if common.json {
        say!("{}", json!({"job": job, "next": next, "when_missed": entry.job.when_missed().as_str()}));
        return;
    }
    match next {
        Some(next) => tell!("{job}: fires next at {}", next.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z")),
        None => tell!("{job}: fires no more"),
    }
}

fn tell_listening(common: &Common, field: &str, what: &str, address: SocketAddr) {
    if common.json {
        say!("{}", json!({field: format!("http://{address}")}));
    } else {
        tell!("{what}: answered at http://{address}");
    }
}
