//! A server of raw bytes: what it does with a request is said by the first part of its path, so that many teams can have
//! one listener. It answers as a ticket shop should, or misbehaves.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// A running server; it stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// One on 127.0.0.1.
    pub async fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), 0, None).await.expect("a free port")
    }

    /// One by TLS.
    pub async fn secure(tls: TlsAcceptor) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), 0, Some(tls)).await.expect("a free port")
    }

    /// One at an address, where nobody else listens.
    pub async fn start_at(address: IpAddr, port: u16, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind((address, port)).await?;
        let address = listener.local_addr()?;
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let accepting = tokio::spawn(accept(listener, tls, Arc::clone(&heads)));
        Ok(Self { address, heads, accepting })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of a team that has it behave in that manner.
    pub fn url(&self, manner: &str) -> String {
        format!("http://{}/{manner}", self.address)
    }

    /// The heads of the requests that came, one for each connection.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, heads: Arc<Mutex<Vec<String>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let (tls, heads) = (tls.clone(), Arc::clone(&heads));
        // Whoever goes away ends a connection with an error, which is no news here.
        connections.spawn(async move {
            match tls {
                Some(tls) => behave(&mut tls.accept(stream).await?, &heads).await.map(drop),
                None => plain(stream, &heads).await,
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn plain(mut stream: TcpStream, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    if behave(&mut stream, heads).await? == Ending::Reset {
        // To close without having waited for anything is a reset.
        stream.set_zero_linger()?;
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Close,
    Reset,
}

async fn behave<S>(stream: &mut S, heads: &Mutex<Vec<String>>) -> io::Result<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let head = read_head(stream).await?;
    heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    let line = head.lines().next().unwrap_or_default();
    // `reset-017` of a path such as `/reset-017/api/events` is the manner `reset`.
    let manner =
        line.split(['/', '-', ' ']).find(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()));
    match manner.unwrap_or_default() {
        "hang" => std::future::pending().await,
        "reset" => return Ok(Ending::Reset),
        "close" => {}
        "garbage" => stream.write_all(b"\x15\x03\x01\x00\x02\x02\x50 220 mail\r\n\r\n").await?,
        "half" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await?,
        "stall" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await?;
            std::future::pending().await
        }
        "chunks" => stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n").await?,
        "head" => forever(stream, b"HTTP/1.1 200 OK\r\n", &b"X-More: and more of it\r\n".repeat(40)).await?,
        "long" => forever(stream, b"HTTP/1.1 200 OK\r\nX-Long: ", &[b'a'; 1_024]).await?,
        "body" => forever(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", &[b'a'; 1_024]).await?,
        "endless" => {
            let chunk = [&b"400\r\n"[..], &[b'a'; 1_024], b"\r\n"].concat();
            forever(stream, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk).await?;
        }
        // An end there is, but 37 KB later.
        "tall" => answer(stream, "200 OK", &format!("X-Tall: {}\r\n", "a".repeat(400)).repeat(90), "[]").await?,
        "wait" => forever(stream, b"", b"HTTP/1.1 100 Continue\r\n\r\n").await?,
        "broken" => answer(stream, "500 Internal Server Error", "", "").await?,
        "cookie" => answer(stream, "200 OK", "Set-Cookie: session=1\r\n", "[]").await?,
        // Of no shop, and at the root of one.
        _ => shop(stream, line).await?,
    }
    stream.shutdown().await?;
    Ok(Ending::Close)
}

async fn shop<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> io::Result<()> {
    if line.starts_with("POST") && line.contains("/api/bookings ") {
        return answer(stream, "201 Created", "", r#"{"id":1}"#).await;
    }
    if line.contains("/api/bookings/initiatePayment") {
        return answer(stream, "302 Found", "Location: http://127.0.0.1:1/pay\r\n", "").await;
    }
    answer(stream, "200 OK", "", r#"[{"id":1}]"#).await
}

async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, status: &str, headers: &str, body: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).await
}

/// Writes on until the other side has had enough.
async fn forever<S: AsyncWrite + Unpin>(stream: &mut S, head: &[u8], part: &[u8]) -> io::Result<()> {
    stream.write_all(head).await?;
    loop {
        stream.write_all(part).await?;
    }
}

/// Reads a request, and gives its head.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut read = Vec::new();
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok(head.to_owned());
        }
    }
}
