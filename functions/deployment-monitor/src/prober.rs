//! Probing one team's server: where it is, whether it may be asked, and what it answers.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use http_body_util::Full;
use hyper::{
    Request,
    body::Bytes,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use shared::config::ProbeSettings;
use tokio::{sync::Semaphore, time::timeout};
use url::Host;

use crate::{
    AddressPolicy, Answered, Endpoint, Fault, Got, Limits, Measured, Probe, Resolver, Unprobed,
    connection::{Secure, connect},
    exchange::{Answer, Reading, exchange},
};

/// How many connections there are at once, of all teams together. A function has 1,024 file descriptors; were they used
/// up, a team would be judged by what others do.
const CONNECTIONS: usize = 512;

/// Asks teams' servers.
pub struct Prober {
    timeout: Duration,
    user_agent: HeaderValue,
    limits: Limits,
    policy: AddressPolicy,
    secure: Secure,
    resolver: Arc<dyn Resolver>,
    connections: Semaphore,
}

impl Prober {
    /// One that asks by these settings, within these limits.
    ///
    /// # Errors
    /// When there is no authority by which to trust a certificate, or the operator's file of them cannot be read.
    pub fn new(settings: &ProbeSettings, limits: Limits, resolver: Arc<dyn Resolver>) -> anyhow::Result<Self> {
        Ok(Self {
            timeout: settings.timeout,
            user_agent: HeaderValue::from_str(&settings.user_agent)?,
            limits,
            policy: AddressPolicy { allowed: settings.allowed_networks.clone() },
            secure: Secure::new(settings.ca_file.as_deref())?,
            resolver,
            connections: Semaphore::new(CONNECTIONS),
        })
    }

    /// Sends all probes of a plan to the server of that address, if it may be asked.
    pub async fn measure(&self, address: &str, plan: &[Probe]) -> Measured {
        let located = async {
            let endpoint = Endpoint::parse(address)?;
            let addresses = self.locate(&endpoint).await?;
            Ok((endpoint, addresses))
        };
        let (endpoint, addresses) = match located.await {
            Ok(located) => located,
            Err(unprobed) => return Measured::Unprobed(unprobed),
        };
        let to = &Server { endpoint: &endpoint, addresses: &addresses };
        let probes: Vec<BoxFuture<'_, Answered>> = plan.iter().map(|probe| self.probe(to, probe).boxed()).collect();
        let probes = stream::iter(probes).buffered(self.limits.probes_at_once.max(1)).collect().await;
        Measured::Probed { https: endpoint.https, probes }
    }

    /// The addresses that connections are made to: those of the name, asked for once for all probes, that may be probed.
    async fn locate(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, Unprobed> {
        let addresses = match &endpoint.host {
            Host::Ipv4(address) => vec![(IpAddr::from(*address), endpoint.port).into()],
            Host::Ipv6(address) => vec![(IpAddr::from(*address), endpoint.port).into()],
            Host::Domain(name) => match timeout(self.timeout, self.resolver.addresses(name, endpoint.port)).await {
                Ok(Ok(addresses)) if !addresses.is_empty() => addresses,
                _ => return Err(Unprobed::Unresolved),
            },
        };
        self.policy.permitted(addresses).map_err(Unprobed::Address)
    }

    async fn probe(&self, server: &Server<'_>, probe: &Probe) -> Answered {
        // It is never closed. A probe that waits here is not timed: it is not the team's fault.
        let _connection = self.connections.acquire().await;
        let began = Instant::now();
        let answer = timeout(self.timeout, self.ask(server, probe)).await.unwrap_or(Err(Fault::TimedOut));
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let got = match answer {
            Err(fault) => Got::Fault(fault),
            Ok(answer) if !probe.statuses.contains(&answer.status) => Got::OtherStatus(answer.status),
            Ok(answer) => match &probe.answer {
                Some(condition) if !condition.holds(&answer.body) => Got::OtherBody(answer.status),
                _ => Got::Expected(answer.status),
            },
        };
        Answered { probe: probe.name(), critical: probe.critical, got, micros }
    }

    async fn ask(&self, server: &Server<'_>, probe: &Probe) -> Result<Answer, Fault> {
        let request = self.request(server.endpoint, probe).ok_or(Fault::Other)?;
        let reading = Reading { most: self.limits.body_bytes, keep: probe.answer.is_some() };
        let stream = connect(server.addresses, self.timeout).await?;
        if server.endpoint.https {
            let stream = self.secure.handshake(stream, &server.endpoint.host).await?;
            exchange(stream, request, reading).await
        } else {
            exchange(stream, request, reading).await
        }
    }

    /// `None` where the path of the address holds what no request can, which reading it has ruled out.
    fn request(&self, endpoint: &Endpoint, probe: &Probe) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(probe.method.method())
            .uri(format!("{}{}", endpoint.base, probe.path))
            .header(HOST, &endpoint.authority)
            .header(USER_AGENT, &self.user_agent)
            .header(ACCEPT, "application/json, */*")
            .header(CONNECTION, "close");
        if probe.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = probe.body.as_ref().map(ToString::to_string).unwrap_or_default();
        request.body(Full::from(body)).ok()
    }
}

/// A team's server, found.
struct Server<'a> {
    endpoint: &'a Endpoint,
    addresses: &'a [SocketAddr],
}
