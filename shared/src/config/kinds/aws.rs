//! What stands in AWS, by the names that AWS gives it; and the words for what stands in its place elsewhere.

use std::fmt;
use std::path::PathBuf;

use url::{Host, Url};

use super::{Kind, Wrong};

/// Says that the records keep it.
const RECORDS: &str = "records:";

/// Where the messages of batches go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueAt {
    /// A table of the records.
    Records,
    /// The SQS queue with this URL.
    Sqs(String),
}

/// Where whole files go, such as reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectsAt {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of S3, under a prefix that is empty or ends in `/`.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What stands before every key.
        prefix: String,
    },
}

impl ObjectsAt {
    /// Where the object of that key is: a path or a URL.
    pub fn place(&self, key: &str) -> String {
        match self {
            Self::Folder(folder) => folder.join(key).display().to_string(),
            Self::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}{key}"),
        }
    }
}

/// Where alerts go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertsAt {
    /// A table of the records, and the log.
    Records,
    /// The SNS topic with this ARN.
    Sns(String),
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventsAt {
    /// A table of the records, and the log.
    Records,
    /// The EventBridge bus with this name or ARN.
    EventBridge(String),
}

/// What keeps a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretStore {
    /// Secrets Manager.
    SecretsManager,
    /// Parameter Store of Systems Manager.
    ParameterStore,
}

impl fmt::Display for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretsManager => "Secrets Manager",
            Self::ParameterStore => "Parameter Store",
        })
    }
}

/// The ARN of a secret in Secrets Manager, or of a parameter in Parameter Store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretArn {
    arn: String,
    store: SecretStore,
}

impl SecretArn {
    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// What keeps it.
    pub fn store(&self) -> SecretStore {
        self.store
    }
}

impl fmt::Display for SecretArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

/// Reads a [`QueueAt`].
#[derive(Debug)]
pub struct QueuePlace;

impl Kind for QueuePlace {
    type Value = QueueAt;

    fn parse(&self, text: &str) -> Result<QueueAt, Wrong> {
        if text == RECORDS {
            return Ok(QueueAt::Records);
        }
        plain(text)?;
        let url = Url::parse(text).map_err(|_| Wrong::of_value("is not a URL"))?;
        if !["https", "http"].contains(&url.scheme()) {
            return Err(Wrong::of_value("is neither an https nor an http URL"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(Wrong::unsaid("a queue's URL has no user, password, query or fragment"));
        }
        let mut parts = url.path().trim_start_matches('/').split('/');
        let (account, queue, rest) = (parts.next(), parts.next(), parts.next());
        let account = account.is_some_and(|account| account.len() == 12 && digits(account));
        if !account || queue.is_none_or(str::is_empty) || rest.is_some() {
            return Err(Wrong::of_value("does not end in an account's number and a queue's name"));
        }
        no_fifo(text)?;
        Ok(QueueAt::Sqs(text.to_owned()))
    }

    fn expected(&self) -> String {
        "an SQS queue's URL, such as https://sqs.eu-west-3.amazonaws.com/123456789012/invitations, or records:"
            .to_owned()
    }
}

/// Reads an [`ObjectsAt`].
#[derive(Debug)]
pub struct ObjectsPlace;

impl Kind for ObjectsPlace {
    type Value = ObjectsAt;

    fn parse(&self, text: &str) -> Result<ObjectsAt, Wrong> {
        if text.chars().any(char::is_control) {
            return Err(Wrong::of_value("holds a control character"));
        }
        let Some(place) = text.strip_prefix("s3://") else {
            // A mistyped scheme must not become a folder of that name.
            return match text.contains("://") {
                true => Err(Wrong::of_value("begins with a scheme other than s3://")),
                false => Ok(ObjectsAt::Folder(PathBuf::from(text))),
            };
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(named) {
            return Err(Wrong::of_value("names no bucket: 3 to 63 small letters, digits, dots and hyphens"));
        }
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() && crate::objects::check_key(prefix).is_err() {
            return Err(Wrong::of_value("has a prefix that is not plain names joined by /"));
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(ObjectsAt::S3 { bucket: bucket.to_owned(), prefix })
    }

    fn expected(&self) -> String {
        "s3://BUCKET, s3://BUCKET/PREFIX or a path".to_owned()
    }
}

/// Reads an [`AlertsAt`].
#[derive(Debug)]
pub struct AlertsPlace;

impl Kind for AlertsPlace {
    type Value = AlertsAt;

    fn parse(&self, text: &str) -> Result<AlertsAt, Wrong> {
        if text == RECORDS {
            return Ok(AlertsAt::Records);
        }
        let topic = arn(text, "sns")?;
        if topic.is_empty() || !topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
            return Err(Wrong::of_value("names no topic"));
        }
        no_fifo(text)?;
        Ok(AlertsAt::Sns(text.to_owned()))
    }

    fn expected(&self) -> String {
        "an SNS topic's ARN, such as arn:aws:sns:eu-west-3:123456789012:alerts, or records:".to_owned()
    }
}

/// Reads an [`EventsAt`].
#[derive(Debug)]
pub struct EventsPlace;

impl Kind for EventsPlace {
    type Value = EventsAt;

    fn parse(&self, text: &str) -> Result<EventsAt, Wrong> {
        if text == RECORDS {
            return Ok(EventsAt::Records);
        }
        let name = match text.starts_with("arn:") {
            true => {
                let bus = arn(text, "events")?;
                bus.strip_prefix("event-bus/").ok_or_else(|| Wrong::of_value("is not the ARN of an event bus"))?
            }
            false => text,
        };
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        match name.len() {
            1..=256 if name.bytes().all(named) => Ok(EventsAt::EventBridge(text.to_owned())),
            _ => Err(Wrong::of_value("is no name of an event bus")),
        }
    }

    fn expected(&self) -> String {
        "an EventBridge bus's name or ARN, or records:".to_owned()
    }
}

/// Reads a [`SecretArn`].
#[derive(Debug)]
pub struct SecretName;

impl Kind for SecretName {
    type Value = SecretArn;

    fn parse(&self, text: &str) -> Result<SecretArn, Wrong> {
        let (store, name, more) = match arn(text, "ssm") {
            Ok(parameter) => (SecretStore::ParameterStore, parameter.strip_prefix("parameter/"), "/_.-"),
            Err(_) => (SecretStore::SecretsManager, arn(text, "secretsmanager")?.strip_prefix("secret:"), "/_+=.@!-"),
        };
        let named = |byte: u8| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte);
        match name {
            Some(name) if !name.is_empty() && name.bytes().all(named) => Ok(SecretArn { arn: text.to_owned(), store }),
            // The text may be the secret itself, so it is not repeated.
            Some(_) | None => Err(Wrong::unsaid("it is not the ARN of a secret or a parameter")),
        }
    }

    fn expected(&self) -> String {
        "the ARN of a secret or a parameter, such as arn:aws:secretsmanager:eu-west-3:123456789012:secret:almanac-AbCdEf \
         or arn:aws:ssm:eu-west-3:123456789012:parameter/almanac"
            .to_owned()
    }
}

/// A host's name or address, without a port.
#[derive(Debug)]
pub struct HostName;

impl Kind for HostName {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Wrong> {
        plain(text)?;
        match Host::parse(text) {
            Ok(_) if text.len() <= 253 => Ok(text.to_owned()),
            Ok(_) | Err(_) => Err(Wrong::of_value("is no host name")),
        }
    }

    fn expected(&self) -> String {
        "a host name without a port, such as db.example.org".to_owned()
    }
}

/// A database's name.
#[derive(Debug)]
pub struct DatabaseName;

impl Kind for DatabaseName {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Wrong> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        match text.len() {
            1..=64 if text.bytes().all(named) => Ok(text.to_owned()),
            _ => Err(Wrong::of_value("is no name of a database")),
        }
    }

    fn expected(&self) -> String {
        "at most 64 letters, digits, underscores and hyphens".to_owned()
    }
}

fn plain(text: &str) -> Result<(), Wrong> {
    let odd = text.chars().any(|c| c.is_control() || c.is_whitespace());
    if odd { Err(Wrong::of_value("holds a blank or a control character")) } else { Ok(()) }
}

/// What is sent has no group, without which a FIFO queue or topic takes nothing.
fn no_fifo(text: &str) -> Result<(), Wrong> {
    if text.ends_with(".fifo") { Err(Wrong::of_value("is FIFO; a standard one is needed")) } else { Ok(()) }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What an ARN of that service names: `arn:PARTITION:SERVICE:REGION:ACCOUNT:` and this. The text is not repeated, as a
/// secret may stand where its ARN belongs.
fn arn<'t>(text: &'t str, service: &str) -> Result<&'t str, Wrong> {
    let wrong = |what: &str| Err(Wrong::unsaid(format!("it {what}")));
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, of, region, account, resource] = parts[..] else { return wrong("is not an ARN") };
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match () {
        () if arn != "arn" || !word(partition) => wrong("is not an ARN"),
        () if of != service => wrong(&format!("is not an ARN of {service}")),
        () if !word(region) => wrong("names no region"),
        () if account.len() != 12 || !digits(account) => wrong("names no account of 12 digits"),
        () => Ok(resource),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_names_is_read_and_records_stand_for_the_records() {
        let url = "https://sqs.eu-west-3.amazonaws.com/123456789012/almanac-invitations";
        assert_eq!(QueuePlace.parse(url), Ok(QueueAt::Sqs(url.to_owned())));
        assert_eq!(QueuePlace.parse("records:"), Ok(QueueAt::Records));
        assert!(QueuePlace.parse("http://127.0.0.1:9324/000000000000/invitations").is_ok());
        let topic = "arn:aws:sns:eu-west-3:123456789012:almanac-alerts";
        assert_eq!(AlertsPlace.parse(topic), Ok(AlertsAt::Sns(topic.to_owned())));
        for bus in ["almanac", "default", "arn:aws-cn:events:cn-north-1:123456789012:event-bus/almanac"] {
            assert_eq!(EventsPlace.parse(bus), Ok(EventsAt::EventBridge(bus.to_owned())));
        }
        let s3 = |bucket: &str, prefix: &str| ObjectsAt::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        assert_eq!(ObjectsPlace.parse("s3://almanac-objects"), Ok(s3("almanac-objects", "")));
        assert_eq!(ObjectsPlace.parse("s3://almanac-objects/a/b/"), Ok(s3("almanac-objects", "a/b/")));
        assert_eq!(ObjectsPlace.parse("a/folder"), Ok(ObjectsAt::Folder("a/folder".into())));
        for secret in ["almanac/db-AbCdEf", "rds!cluster-2b8a-AbCdEf"] {
            let arn = format!("arn:aws:secretsmanager:eu-west-3:123456789012:secret:{secret}");
            let secret = SecretName.parse(&arn).expect("an ARN");
            assert_eq!((secret.as_str(), secret.store()), (&*arn, SecretStore::SecretsManager));
        }
        let parameter = SecretName.parse("arn:aws:ssm:eu-west-3:123456789012:parameter/almanac/db").expect("an ARN");
        assert_eq!(parameter.store(), SecretStore::ParameterStore);
        assert_eq!(
            HostName.parse("proxy.abc.eu-west-3.rds.amazonaws.com").as_deref(),
            Ok("proxy.abc.eu-west-3.rds.amazonaws.com")
        );
    }

    #[test]
    fn what_names_nothing_in_aws_is_refused_in_plain_words() {
        for text in [
            "InvitationsQueue",
            "ftp://sqs/123456789012/q",
            "https://sqs.eu-west-3.amazonaws.com/q",
            "https://u:p@sqs/123456789012/q",
            "https://sqs/123456789012/",
            "https://sqs/123456789012/q/x",
            "https://sqs.eu-west-3.amazonaws.com/123456789012/q.fifo",
        ] {
            assert!(QueuePlace.parse(text).is_err(), "{text}");
        }
        for text in ["s3://", "s3://Objects", "s3://ab", "s3://almanac/../x", "https://almanac.s3.amazonaws.com"] {
            assert!(ObjectsPlace.parse(text).is_err(), "{text}");
        }
        for text in [
            "AlertsTopic",
            "arn:aws:sqs:eu-west-3:123456789012:x",
            "arn:aws:sns:eu-west-3:12:x",
            "arn:aws:sns::123456789012:x",
            "arn:aws:sns:eu-west-3:123456789012:",
            "arn:aws:sns:eu-west-3:123456789012:alerts.fifo",
        ] {
            assert!(AlertsPlace.parse(text).is_err(), "{text}");
        }
        for text in ["a bus", "arn:aws:events:eu-west-3:123456789012:rule/x", "arn:aws:sns:eu-west-3:123456789012:x"] {
            assert!(EventsPlace.parse(text).is_err(), "{text}");
        }
        for text in ["db.example.org:3306", "a b", "user@db", "a/b"] {
            assert!(HostName.parse(text).is_err(), "{text}");
        }
        assert!(DatabaseName.parse("alm`anac").is_err());
        let wrong = AlertsPlace.parse("arn:aws:sqs:eu-west-3:123456789012:x").expect_err("another service");
        assert_eq!(wrong.said_of("", false), "it is not an ARN of sns");
    }

    #[test]
    fn a_secret_that_stands_where_its_arn_belongs_is_not_repeated() {
        for text in [
            "hunter2",
            "arn:aws:secretsmanager:eu-west-3:123456789012:hunter2",
            "arn:aws:ssm:eu-west-3:123456789012:parameter/hunter2!",
            r#"{"password":"hunter2"}"#,
        ] {
            let said = SecretName.parse(text).expect_err("no ARN").said_of(text, false);
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
