//! An SMTP server that takes everything, counts it, and misbehaves on request.
//!
//! It is written for benchmarks as well: bytes are looked at in blocks, and only the one header that is counted is read.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::JoinHandle;

use crate::tally::Tally;

/// What the server does with one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it.
    Accept,
    /// Takes it, but only replies after this time.
    AcceptAfter(Duration),
    /// Takes it and closes the connection instead of replying.
    AcceptAndDrop,
    /// Takes it, replies, and closes the connection: the next mail finds a dead one.
    AcceptThenClose,
    /// The same, but says goodbye (421) first, as servers do with an idle connection.
    AcceptThenGoodbye,
    /// Closes the connection instead of replying to `RCPT`.
    DropAtRcpt,
    /// Asks for the message and closes the connection before reading it.
    DropBeforeContent,
    /// Refuses the recipient with this reply, such as `550 5.1.1 no such user`.
    RefuseAtRcpt(String),
    /// Reads the message and refuses it with this reply.
    RefuseAfterData(String),
}

/// Decides about a mail by its number (from 0, in the order of `MAIL` commands) and its `RCPT` line.
pub type Script = dyn Fn(usize, &str) -> Behaviour + Send + Sync;

/// A running server; it stops when it is dropped.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Box<Script>,
    /// What `AUTH PLAIN` must say before a mail is taken, if anything.
    login: std::sync::OnceLock<String>,
    tally: Tally,
    mails: std::sync::atomic::AtomicUsize,
    connections: std::sync::atomic::AtomicUsize,
    keep: bool,
    messages: std::sync::Mutex<Vec<Vec<u8>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tally.fmt(f)
    }
}

impl SmtpSink {
    /// A server on a free port of this machine that takes everything.
    pub async fn start() -> io::Result<Self> {
        Self::with_script(|_, _| Behaviour::Accept).await
    }

    /// A server on a free port of this machine that follows `script` and keeps what it receives.
    pub async fn with_script(script: impl Fn(usize, &str) -> Behaviour + Send + Sync + 'static) -> io::Result<Self> {
        Self::listen("127.0.0.1:0", script, true).await
    }

    /// A server on `address`; `keep` says whether whole messages are kept.
    pub async fn listen(
        address: impl ToSocketAddrs,
        script: impl Fn(usize, &str) -> Behaviour + Send + Sync + 'static,
        keep: bool,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let shared = Arc::new(Shared {
            script: Box::new(script),
            login: Default::default(),
            tally: Tally::default(),
            mails: Default::default(),
            connections: Default::default(),
            keep,
            messages: Default::default(),
        });
        Ok(Self {
            address: listener.local_addr()?,
            shared: Arc::clone(&shared),
            accepting: tokio::spawn(accept(listener, shared)),
        })
    }

    /// From now on, takes mails only from who logs in so (RFC 4616).
    pub fn demand_login(&self, user: &str, password: &str) {
        let response = data_encoding::BASE64.encode(format!("\0{user}\0{password}").as_bytes());
        self.shared.login.set(response).expect("demanded once");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it received, also when the sender was not told.
    pub fn tally(&self) -> &Tally {
        &self.shared.tally
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The messages received, as they came over the wire, without the last dot.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        self.shared.messages().clone()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn messages(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.messages.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn receive(&self, message: &[u8]) {
        if self.keep {
            self.messages().push(message.to_vec());
        }
        self.tally.add([header(message, b"X-Almanac-Invitation: ").unwrap_or_default()]);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // A client that goes away ends its session with an error, which is no news here.
        sessions.spawn(Session { stream, read: Vec::with_capacity(32 * 1024), shared: Arc::clone(&shared) }.run());
    }
}

struct Session {
    stream: TcpStream,
    /// Bytes that were read and not yet used.
    read: Vec<u8>,
    shared: Arc<Shared>,
}

impl Session {
    async fn run(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.reply("220 sink").await?;
        let mut behaviour = Behaviour::Accept;
        let mut number = 0;
        let mut known = self.shared.login.get().is_none();
        while let Some(line) = self.line().await? {
            match verb(&line).as_slice() {
                b"EHLO" => self.reply("250-sink\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n250 SMTPUTF8").await?,
                b"AUTH" => {
                    known = self.shared.login.get().is_some_and(|login| line.ends_with(login.as_bytes()));
                    self.reply(if known { "235 2.7.0 OK" } else { "535 5.7.8 wrong" }).await?;
                }
                b"MAIL" if !known => self.reply("530 5.7.0 log in first").await?,
                b"MAIL" => {
                    number = self.shared.mails.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    self.reply("250 2.1.0 OK").await?;
                }
                b"RCPT" => {
                    behaviour = (self.shared.script)(number, &String::from_utf8_lossy(&line));
                    match &behaviour {
                        Behaviour::DropAtRcpt => return Ok(()),
                        Behaviour::RefuseAtRcpt(reply) => self.reply(&reply.clone()).await?,
                        _ => self.reply("250 2.1.5 OK").await?,
                    }
                }
                b"DATA" => {
                    self.reply("354 go ahead").await?;
                    if behaviour == Behaviour::DropBeforeContent || !self.content(&behaviour, number).await? {
                        return Ok(());
                    }
                }
                b"QUIT" => return self.reply("221 bye").await,
                _ => self.reply("250 2.0.0 OK").await?,
            }
        }
        Ok(())
    }

    /// Reads a message and does what it is told to; says whether the connection goes on.
    async fn content(&mut self, behaviour: &Behaviour, number: usize) -> io::Result<bool> {
        let Some(end) = self.end_of_content().await? else { return Ok(false) };
        let refused = matches!(behaviour, Behaviour::RefuseAfterData(_));
        if !refused {
            self.shared.receive(&self.read[..end]);
        }
        self.read.drain(..end + END.len());
        match behaviour {
            Behaviour::AcceptAndDrop => return Ok(false),
            Behaviour::AcceptAfter(time) => tokio::time::sleep(*time).await,
            Behaviour::RefuseAfterData(reply) => {
                self.reply(reply).await?;
                return Ok(true);
            }
            _ => {}
        }
        self.reply(&format!("250 2.0.0 Ok: queued as {number}")).await?;
        if *behaviour == Behaviour::AcceptThenGoodbye {
            self.reply("421 4.4.2 idle for too long").await?;
        }
        Ok(!matches!(behaviour, Behaviour::AcceptThenClose | Behaviour::AcceptThenGoodbye))
    }

    /// The next line, without its end; `None` when the client has gone.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            if let Some(at) = find(&self.read[searched..], b"\n") {
                let line = self.read.drain(..searched + at + 1).collect::<Vec<_>>();
                return Ok(Some(line.trim_ascii_end().to_vec()));
            }
            searched = self.read.len();
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads until the lone dot and says where it starts.
    async fn end_of_content(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            if let Some(at) = find(&self.read[searched..], END) {
                return Ok(Some(searched + at));
            }
            searched = self.read.len().saturating_sub(END.len());
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn reply(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await
    }
}

const END: &[u8] = b"\r\n.\r\n";

fn verb(line: &[u8]) -> Vec<u8> {
    line.iter().take(4).map(u8::to_ascii_uppercase).collect()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// The value of a header that is known to be written on one line.
fn header(message: &[u8], name: &[u8]) -> Option<String> {
    let from = find(message, name)? + name.len();
    let length = find(&message[from..], b"\r\n")?;
    Some(String::from_utf8_lossy(&message[from..from + length]).into_owned())
}
