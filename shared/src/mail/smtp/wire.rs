//! A TCP stream that remembers which way it was used last.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// When an exchange fails, this alone tells a mail that never left whole from one whose reply was lost: lettre reads only
/// after all of what it writes has gone to the operating system.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    reading: Arc<AtomicBool>,
}

/// Whether the last use of a [`Wire`] was a read.
#[derive(Debug, Clone)]
pub(super) struct Direction(Arc<AtomicBool>);

impl Wire {
    pub(super) fn new(stream: TcpStream) -> (Self, Direction) {
        let reading = Arc::new(AtomicBool::new(false));
        (Self { stream, reading: Arc::clone(&reading) }, Direction(reading))
    }
}

impl Direction {
    /// Whether everything was written and a reply was being waited for.
    pub(super) fn is_reading(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.reading.store(true, Relaxed);
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.reading.store(false, Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
