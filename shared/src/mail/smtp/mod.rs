//! SMTP: one letter per connection at a time, a call's letters side by side.
//!
//! A letter's answer follows from the step that failed. A reply is definite. Until the last byte of the message has left,
//! the server cannot have taken it: refused. After that and without a reply: unknown.

mod connection;
mod pool;
mod reply;
mod settings;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use self::connection::{Connection, Delivery};
use self::pool::Pool;
use self::reply::Failure;
pub use self::settings::SmtpSettings;
use super::message::Composer;
use super::providers::Sender;
use super::{Answer, Call, Capacity, Letter, Mailer};

/// Sends through one SMTP server.
pub struct SmtpMailer {
    settings: SmtpSettings,
    composer: Composer,
    hello: ClientId,
    mail_from: String,
    mail_from_utf8: String,
    pool: Pool,
}

/// Calls under way at once, whose letters together fill the connections.
const CALLS: usize = 4;
/// More side by side than this only makes a claim, and so what can be in doubt, larger.
const MOST_IN_A_CLAIM: usize = 16;

/// How many times one command's time all that comes before a message may take, connecting twice included. So a letter is
/// answered after at most three times that time.
const BEGINNING: u32 = 2;

impl SmtpMailer {
    /// A mailer for that server. It connects when the first letter comes.
    pub fn new(settings: SmtpSettings, sender: &Sender) -> anyhow::Result<Self> {
        let address = sender.address.as_str();
        anyhow::ensure!(address.is_ascii(), "the sender's address has letters that many SMTP servers refuse");
        Ok(Self {
            composer: Composer::new(sender),
            hello: connection::hello(address.rsplit('@').next().unwrap_or_default()),
            mail_from: format!("MAIL FROM:<{address}>\r\n"),
            mail_from_utf8: format!("MAIL FROM:<{address}> SMTPUTF8\r\n"),
            pool: Pool::new(settings.connections),
            settings,
        })
    }

    async fn deliver(&self, call: Call<'_>, letter: &Letter, at: DateTime<Utc>) -> Answer {
        let _slot = self.pool.slot().await;
        let mut connection = match timeout(BEGINNING * self.settings.command_timeout, self.begin(letter)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(answer)) => return answer,
            Err(_) => return Failure::TimedOut.refused(),
        };
        let mut content = self.composer.compose(call, letter, at);
        content.push_str(".\r\n");
        match connection.finish(&content).await {
            Delivery::Taken(provider_id) => {
                self.pool.put(connection);
                Answer::Accepted { provider_id }
            }
            Delivery::NotTaken(failure) => {
                if !failure.ended_connection() {
                    self.pool.put(connection);
                }
                failure.refused()
            }
            Delivery::NoReply => Answer::Unknown { cause: "no reply after the message".to_owned() },
        }
    }

    /// A connection that waits for the letter's content. A connection that is lost before that, most often because the
    /// server closed it while it was idle, is replaced once.
    async fn begin(&self, letter: &Letter) -> Result<Connection, Answer> {
        let (first, reused) = match self.pool.take() {
            Some(idle) => (idle, true),
            None => (self.open().await?, false),
        };
        match self.name_recipient(first, letter).await {
            Err(failure) if failure.is_closed(reused) => {
                let second = self.open().await?;
                self.name_recipient(second, letter).await.map_err(|failure| failure.refused())
            }
            named => named.map_err(|failure| failure.refused()),
        }
    }

    async fn open(&self) -> Result<Connection, Answer> {
        Connection::open(&self.settings, &self.hello).await.map_err(|failure| failure.refused_before_any_letter())
    }

    async fn name_recipient(&self, mut connection: Connection, letter: &Letter) -> Result<Connection, Failure> {
        let ascii = letter.to.as_str().is_ascii();
        if !ascii && !connection.takes_utf8_addresses() {
            self.pool.put(connection);
            return Err(Failure::Unfit("the server takes no address with such letters"));
        }
        let mail = if ascii { &self.mail_from } else { &self.mail_from_utf8 };
        match connection.begin(mail, &format!("RCPT TO:<{}>\r\n", letter.to)).await {
            Ok(()) => Ok(connection),
            Err(failure) => {
                if !failure.ended_connection() && connection.reset().await {
                    self.pool.put(connection);
                }
                Err(failure)
            }
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn capacity(&self) -> Capacity {
        let claim = (self.settings.connections / CALLS).clamp(1, MOST_IN_A_CLAIM);
        let longest_call = (BEGINNING + 1) * self.settings.command_timeout;
        Capacity { claim, calls: CALLS.min(self.settings.connections), longest_call }
    }

    async fn send(&self, call: Call<'_>) -> Vec<Answer> {
        let now = Utc::now();
        let deliveries: FuturesOrdered<_> = call.letters.iter().map(|letter| self.deliver(call, letter, now)).collect();
        deliveries.collect().await
    }
}
