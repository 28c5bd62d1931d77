//! Gates: proxies between a worker and what it talks to, which see what passes and hold everything at a step that a test
//! names. So a process can be killed, or stand still, exactly there, and its code knows nothing of it.

mod http;
mod mysql;
mod trap;

use std::{io, net::SocketAddr};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub use trap::{Moment, Step, Trap};

/// What is spoken through a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// MySQL's client/server protocol, without TLS or compression.
    MySql,
    /// HTTP/1.1 to a stand-in for SES.
    Ses,
}

/// A gate on a port of its own. Dropping it ends every connection through it.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Gate {
    /// A gate before a server. What `trap` holds stands still on all its connections, in both directions.
    pub async fn before(server: SocketAddr, protocol: Protocol, trap: Trap) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Self { address, serving: tokio::spawn(serve(listener, server, protocol, trap)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, protocol: Protocol, trap: Trap) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let trap = trap.clone();
        connections.spawn(async move {
            // A connection that breaks, on either side, ends here as it would without a gate.
            connect(client, server, protocol, &trap).await.ok();
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(client: TcpStream, server: SocketAddr, protocol: Protocol, trap: &Trap) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    match protocol {
        Protocol::MySql => mysql::pass(client, server, trap).await,
        Protocol::Ses => http::pass(client, server, trap).await,
    }
}
