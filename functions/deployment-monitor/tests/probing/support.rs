//! What these tests stand on.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deployment_monitor::{Answered, BUILT_IN, Got, Measured, Probe, Prober, Resolver, Rules, SystemResolver};
use serde_json::Value;
use shared::{
    clock::Clock,
    config::{MonitorSettings, ProbeSettings, Values},
    records::Records,
    run::job::Fired,
};
use tests::{
    hub_fake::{self, HubFake},
    monitoring,
};

pub use tests::monitoring::{quarter, verdicts};

/// Lets probes reach servers on this machine.
pub const HERE: (&str, &str) = ("PROBE_ALLOWED_NETWORKS", "127.0.0.0/8");

/// A prober with these settings that asks the system for names.
pub fn prober(settings: &[(&str, &str)]) -> Prober {
    prober_by(settings, Arc::new(SystemResolver))
}

/// A prober with these settings.
pub fn prober_by(settings: &[(&str, &str)], resolver: Arc<dyn Resolver>) -> Prober {
    let settings: ProbeSettings = Values::gather(settings.iter().copied(), None).read().expect("settings");
    Prober::new(&settings, rules().limits, resolver).expect("certificates")
}

/// The rules that are built in.
pub fn rules() -> Rules {
    serde_json::from_str(BUILT_IN).expect("they are read at every start")
}

/// The plan that is built in.
pub fn plan() -> Vec<Probe> {
    rules().probes
}

/// A plan as a rules' file has it.
pub fn plan_of(probes: Value) -> Vec<Probe> {
    serde_json::from_value(probes).expect("probes")
}

/// What each probe came to.
pub fn got(measured: &Measured) -> Vec<Got> {
    match measured {
        Measured::Probed { probes, .. } => probes.iter().map(|probe| probe.got).collect(),
        Measured::Unprobed(unprobed) => panic!("{unprobed:?}"),
    }
}

/// Whether every probe was answered as expected.
pub fn is_right(measured: &Measured) -> bool {
    matches!(measured, Measured::Probed { probes, .. } if probes.iter().all(Answered::as_expected))
}

/// A resolver that says of each name what a test says, in order, and its last word from then on.
#[derive(Debug, Default)]
pub struct Names {
    script: Mutex<BTreeMap<String, Vec<Vec<IpAddr>>>>,
    asked: Mutex<usize>,
}

impl Names {
    /// Of one name.
    pub fn of(name: &str, answers: &[&[&str]]) -> Arc<Self> {
        let address = |text: &&str| text.parse().expect("an address");
        let answers = answers.iter().map(|answer| answer.iter().map(address).collect()).collect();
        Arc::new(Self { script: Mutex::new([(name.to_owned(), answers)].into()), asked: Mutex::default() })
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Resolver for Names {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = script.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok(answer.into_iter().map(|address| (address, port).into()).collect())
    }
}

/// A socket that nobody may connect to.
#[derive(Debug)]
pub struct Trap(TcpListener);

impl Trap {
    /// One on 127.0.0.1.
    pub fn set() -> Self {
        Self::set_at((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port")
    }

    /// One at an address, where nobody else listens.
    pub fn set_at(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.0.local_addr().expect("it listens").port()
    }

    /// Whether anybody has connected: the system keeps connections until they are taken, so none is missed.
    pub fn was_touched(&self) -> bool {
        match self.0.accept() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                false
            }
        }
    }
}

/// Fires the monitor for a moment, to the run's end.
pub async fn fire(records: &Records, hub: &HubFake, at: DateTime<Utc>, others: &[(&str, &str)]) -> Fired {
    let on = [("DEPLOYMENT_MONITOR_ENABLED", "true"), HERE].into_iter().chain(others.iter().copied());
    let settings = hub_fake::settings(hub).into_iter().chain(on.map(|(name, value)| (name, value.to_owned())));
    let (settings, probes): (MonitorSettings, ProbeSettings) = Values::gather(settings, None).read().expect("settings");
    let monitoring = monitoring::monitoring(settings, records, &Clock::standing_at(at)).await;
    let monitor = deployment_monitor::monitor(&monitoring, &probes).expect("rules").expect("it is on");
    monitoring::fire(&*monitor, hub, at).await
}
