//! `almanac serve`: every schedule is kept on this machine, and whatever is opened is worked on, until it is stopped.

mod door;

use std::net::SocketAddr;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::{
    clock::Clock,
    config::{MonitorSettings, PlannerSettings},
};
use tokio::net::TcpListener;
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
    let listener = match serve.listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let agenda = Agenda::new(declared, &engine.jobs);
    for entry in agenda.entries() {
        tell_next(common, entry);
    }
    let served = match listener {
        Some(listener) => {
            tell_listening(common, listener.local_addr()?);
            let door = Door::new(stack.records.clone(), Clock::system()).await?;
            tokio::select! {
                served = engine.serve(&agenda, &stop) => served,
                () = door::answer(listener, door) => unreachable!("it answers for ever"),
            }
        }
        None => engine.serve(&agenda, &stop).await,
    };
    stack.close().await;
    served.map(|()| Exit::Done)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening at {address}"))
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

fn tell_listening(common: &Common, address: SocketAddr) {
    if common.json {
        say!("{}", json!({"listening": format!("http://{address}")}));
    } else {
        tell!("unsubscribe links: answered at http://{address}");
    }
}
