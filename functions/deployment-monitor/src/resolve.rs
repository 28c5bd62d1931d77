//! Names' addresses.

use std::{io, net::SocketAddr};

use async_trait::async_trait;

/// Says where a name leads.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of a name, each with that port, in the order in which they are to be tried.
    ///
    /// # Errors
    /// When it has none, or nobody could be asked.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The system's own.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}
