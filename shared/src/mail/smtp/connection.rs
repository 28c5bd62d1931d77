//! One SMTP connection, driven step by step so that it is always known how far a letter came.

use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::reply::{Failure, queue_id};
use super::settings::{Login, SmtpSettings, Tls};
use super::wire::{Direction, Wire};

/// An open connection between two letters, or in the middle of one.
pub(super) struct Connection {
    inner: AsyncSmtpConnection,
    /// Not known for implicit TLS, which lettre opens by itself.
    direction: Option<Direction>,
    command_timeout: Duration,
}

/// What became of a message's content.
pub(super) enum Delivery {
    /// Taken, under this id (empty when the server names none).
    Taken(String),
    /// Definitely not taken.
    NotTaken(Failure),
    /// Wholly written, but no reply came.
    NoReply,
}

/// For the TCP connection; the dialogue that follows has the command's time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Connection {
    /// Connects, encrypts and logs in.
    pub(super) async fn open(settings: &SmtpSettings, hello: &ClientId) -> Result<Self, Failure> {
        let (inner, direction) = match settings.tls {
            Tls::Implicit => (open_encrypted(settings, hello).await?, None),
            Tls::None | Tls::Opportunistic | Tls::Required => {
                let (inner, direction) = open_plain(settings, hello).await?;
                (inner, Some(direction))
            }
        };
        let mut connection = Self { inner, direction, command_timeout: settings.command_timeout };
        connection.encrypt(settings, hello).await?;
        if let Some(login) = &settings.login {
            connection.log_in(login, settings).await?;
        }
        Ok(connection)
    }

    async fn encrypt(&mut self, settings: &SmtpSettings, hello: &ClientId) -> Result<(), Failure> {
        match settings.tls {
            Tls::None | Tls::Implicit => return Ok(()),
            Tls::Opportunistic if !self.inner.can_starttls() => return Ok(()),
            Tls::Required if !self.inner.can_starttls() => return Err(Failure::Lost("the server offers no STARTTLS")),
            Tls::Opportunistic | Tls::Required => {}
        }
        let upgrade = self.inner.starttls(tls_parameters(settings)?, hello);
        in_time(settings.command_timeout, upgrade).await
    }

    async fn log_in(&mut self, login: &Login, settings: &SmtpSettings) -> Result<(), Failure> {
        if !self.inner.is_encrypted() && !settings.on_loopback() {
            return Err(Failure::Lost("the server offers no TLS, and a password needs it"));
        }
        let credentials = Credentials::new(login.user.clone(), login.password.clone());
        let logged_in = self.inner.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
        in_time(settings.command_timeout, logged_in).await.map(drop)
    }

    /// Whether the server takes addresses that are not ASCII.
    pub(super) fn takes_utf8_addresses(&self) -> bool {
        self.inner.server_info().supports_feature(Extension::SmtpUtfEight)
    }

    /// Names sender and recipient (two whole commands) and asks to send the content.
    pub(super) async fn begin(&mut self, mail: &str, rcpt: &str) -> Result<(), Failure> {
        self.command(mail).await?;
        self.command(rcpt).await?;
        let go_ahead = self.command("DATA\r\n").await?;
        if go_ahead.has_code(354) { Ok(()) } else { Err(Failure::Lost("unexpected reply to DATA")) }
    }

    /// Sends a message's content, whose last line must be the lone dot, in one write.
    pub(super) async fn finish(&mut self, content: &str) -> Delivery {
        match self.command(content).await {
            Ok(response) if response.code().severity == smtp::response::Severity::PositiveCompletion => {
                Delivery::Taken(queue_id(&response))
            }
            Ok(_) => Delivery::NoReply,
            Err(failure @ Failure::Reply(_)) => Delivery::NotTaken(failure),
            Err(failure) if self.left_unfinished() => Delivery::NotTaken(failure),
            Err(_) => Delivery::NoReply,
        }
    }

    /// Forgets a refused letter. Without success the connection must not be used again.
    pub(super) async fn reset(&mut self) -> bool {
        self.command("RSET\r\n").await.is_ok()
    }

    /// Whether the last command is known not to have left this machine whole.
    fn left_unfinished(&self) -> bool {
        self.direction.as_ref().is_some_and(|direction| !direction.is_reading())
    }

    async fn command(&mut self, command: &str) -> Result<Response, Failure> {
        in_time(self.command_timeout, self.inner.command(command)).await
    }
}

async fn open_plain(settings: &SmtpSettings, hello: &ClientId) -> Result<(AsyncSmtpConnection, Direction), Failure> {
    let connecting = TcpStream::connect((settings.host.as_str(), settings.port));
    let stream = timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(|_| Failure::TimedOut)?
        .map_err(|_| Failure::Lost("no connection"))?;
    // Each command is one write that waits for its reply: there is nothing to collect into fuller packets.
    stream.set_nodelay(true).map_err(|_| Failure::Lost("no connection"))?;
    let (wire, direction) = Wire::new(stream);
    let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(wire), hello);
    Ok((in_time(settings.command_timeout, connecting).await?, direction))
}

async fn open_encrypted(settings: &SmtpSettings, hello: &ClientId) -> Result<AsyncSmtpConnection, Failure> {
    let server = (settings.host.as_str(), settings.port);
    let tls = Some(tls_parameters(settings)?);
    let connecting = AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT_TIMEOUT), hello, tls, None);
    in_time(settings.command_timeout, connecting).await
}

fn tls_parameters(settings: &SmtpSettings) -> Result<TlsParameters, Failure> {
    TlsParameters::new(settings.host.clone()).map_err(|_| Failure::Lost("TLS cannot be set up"))
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = Result<T, smtp::Error>>) -> Result<T, Failure> {
    match timeout(limit, step).await {
        Ok(result) => result.map_err(|error| Failure::from_error(&error)),
        Err(_) => Err(Failure::TimedOut),
    }
}

/// The name that this machine greets with: an address literal stands for "no name", a domain names the sender's.
pub(super) fn hello(domain: &str) -> ClientId {
    match domain.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) if domain.is_ascii() => ClientId::Domain(domain.to_owned()),
        Err(_) => ClientId::default(),
    }
}
