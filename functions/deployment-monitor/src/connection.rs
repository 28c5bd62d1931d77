//! Connections to addresses that were checked, plain or secure.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Host;

use crate::Fault;

/// How many of a name's addresses are tried.
const ADDRESSES: usize = 4;

/// Connects to the first of these addresses that takes it, which were checked, within that time.
pub(crate) async fn connect(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, Fault> {
    let ends = Instant::now() + limit;
    let tried = &addresses[..addresses.len().min(ADDRESSES)];
    let mut fault = Fault::Unreachable;
    for (address, left) in tried.iter().zip((1..=tried.len()).rev()) {
        // One that does not answer takes no time from those after it.
        let share = ends.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A probe is one small write; one that cannot set it still works.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Ok(Err(error)) => match Fault::of_io(&error) {
                // Of a machine without IPv6 this says nothing about the server.
                Fault::Unreachable => {}
                other => fault = other,
            },
            Err(_) => fault = Fault::TimedOut,
        }
    }
    Err(fault)
}

/// Makes connections secure: by the system's authorities, and those of the operator.
#[derive(Clone)]
pub(crate) struct Secure(TlsConnector);

impl Secure {
    /// # Errors
    /// When there is no authority to trust, or the operator's file does not hold any.
    pub(crate) fn new(ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        // Some of a system's certificates may be of a kind that is not known here; the others do.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = ca_file {
            add(&mut roots, file).with_context(|| format!("reading PROBE_CA_FILE {}", file.display()))?;
        }
        anyhow::ensure!(
            !roots.is_empty(),
            "the system has no certificates of authorities, and PROBE_CA_FILE is not set"
        );
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS")?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Nothing of one team's sessions is kept for another's.
        config.resumption = Resumption::disabled();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// The certificate must be one for the host's name, whatever address the connection leads to.
    pub(crate) async fn handshake(&self, stream: TcpStream, host: &Host) -> Result<TlsStream<TcpStream>, Fault> {
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| Fault::Tls)?,
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
        };
        self.0.connect(name, stream).await.map_err(|error| Fault::of_handshake(&error))
    }
}

fn add(roots: &mut RootCertStore, file: &Path) -> anyhow::Result<()> {
    let mut found = 0;
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
        found += 1;
    }
    anyhow::ensure!(found > 0, "it holds no certificate; expected PEM, which begins with -----BEGIN CERTIFICATE-----");
    Ok(())
}
