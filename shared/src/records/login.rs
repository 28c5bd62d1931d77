//! The login of a database that a secret holds, in the form that RDS gives it, and its rotation.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use super::RecordsError;
use crate::{
    aws::secrets::{Secret, SecretError, Secrets},
    config::DatabaseSecret,
};

/// MySQL's own port, which RDS leaves out of the secrets that it manages itself.
const PORT: u16 = 3306;

/// The login that a secret holds.
#[derive(Debug)]
pub struct SecretLogin {
    secrets: Secrets,
    at: DatabaseSecret,
    used: Mutex<Option<Secret>>,
}

/// Why the secret gives no login. Never holds a value of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// It could not be read.
    #[error("the secret that DATABASE_SECRET names: {0}")]
    Secret(#[from] SecretError),
    /// It is not JSON, or not an object.
    #[error(
        "the secret that DATABASE_SECRET names is not a JSON object; expected username, password, host, port, dbname"
    )]
    NotAnObject,
    /// A field of it is missing or wrong.
    #[error("the secret that DATABASE_SECRET names: {field} {fault}; expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        fault: &'static str,
        /// What would be right.
        expected: &'static str,
    },
}

impl SecretLogin {
    /// The login that the secret at `at` holds.
    pub fn new(secrets: Secrets, at: DatabaseSecret) -> Self {
        Self { secrets, at, used: Mutex::default() }
    }

    /// How to connect.
    pub(super) async fn options(&self) -> Result<MySqlConnectOptions, RecordsError> {
        let secret = self.secrets.get(&self.at.arn).await;
        self.use_secret(secret.map_err(|error| RecordsError::Login(error.into()))?)
    }

    /// How to connect after the database refused the login: the secret is read anew, for it may have been rotated.
    pub(super) async fn renewed(&self) -> Result<MySqlConnectOptions, RecordsError> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(used) = used else { return self.options().await };
        tracing::warn!("the database refuses the login; the secret that DATABASE_SECRET names is read anew");
        let secret = self.secrets.renew(&self.at.arn, &used).await;
        self.use_secret(secret.map_err(|error| RecordsError::Login(error.into()))?)
    }

    fn use_secret(&self, secret: Secret) -> Result<MySqlConnectOptions, RecordsError> {
        let options = connect_options(secret.expose(), &self.at).map_err(RecordsError::Login)?;
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret);
        Ok(options)
    }
}

fn connect_options(secret: &str, at: &DatabaseSecret) -> Result<MySqlConnectOptions, LoginError> {
    // The parser's own error may repeat what it read.
    let Ok(Value::Object(fields)) = serde_json::from_str(secret) else { return Err(LoginError::NotAnObject) };
    if let Some(engine) = fields.get("engine").and_then(Value::as_str)
        && !["mysql", "mariadb"].iter().any(|known| engine.contains(known))
    {
        return Err(LoginError::Field {
            field: "engine",
            fault: "is another database's",
            expected: "mysql or mariadb",
        });
    }
    let given = |value: &Option<String>, field, expected| match value {
        Some(value) => Ok(value.clone()),
        None => text(&fields, field, expected).map(str::to_owned),
    };
    let host = given(&at.host, "host", "a host name, here or in DATABASE_HOST")?;
    let name = given(&at.name, "dbname", "a database's name, here or in DATABASE_NAME")?;
    let options = MySqlConnectOptions::new()
        .username(text(&fields, "username", "a user's name")?)
        .password(text(&fields, "password", "a password")?)
        .port(port(&fields)?)
        .ssl_mode(tls_to(&host));
    Ok(options.host(&host).database(&name))
}

fn text<'f>(
    fields: &'f Map<String, Value>,
    field: &'static str,
    expected: &'static str,
) -> Result<&'f str, LoginError> {
    let wrong = |fault| Err(LoginError::Field { field, fault, expected });
    match fields.get(field) {
        None | Some(Value::Null) => wrong("is missing"),
        Some(Value::String(text)) if text.is_empty() => wrong("is empty"),
        Some(Value::String(text)) => Ok(text),
        Some(_) => wrong("is not a text"),
    }
}

fn port(fields: &Map<String, Value>) -> Result<u16, LoginError> {
    let port = match fields.get("port") {
        None | Some(Value::Null) => return Ok(PORT),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let wrong = LoginError::Field { field: "port", fault: "is no port", expected: "a number from 1 to 65535" };
    port.filter(|&port| port > 0).ok_or(wrong)
}

/// A password from a secret goes over a network only encrypted. Who answers is not proved: RDS signs with its own
/// authority, which no list of public ones has, so the private network has to stand for it.
fn tls_to(host: &str) -> MySqlSslMode {
    let here = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if here || host == "localhost" { MySqlSslMode::Preferred } else { MySqlSslMode::Required }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kind as _, SecretName};

    fn at(host: Option<&str>, name: Option<&str>) -> DatabaseSecret {
        let arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:almanac-AbCdEf";
        let arn = SecretName.parse(arn).expect("an ARN");
        DatabaseSecret { arn, host: host.map(str::to_owned), name: name.map(str::to_owned) }
    }

    const WHOLE: &str =
        r#"{"engine":"mysql","username":"app","password":"p@ss:/?#","host":"db","port":3307,"dbname":"almanac"}"#;

    #[test]
    fn a_secret_in_rds_s_form_is_a_login_whatever_letters_its_password_has() {
        let options = connect_options(WHOLE, &at(None, None)).expect("whole");
        assert_eq!((options.get_host(), options.get_port()), ("db", 3307));
        assert_eq!((options.get_username(), options.get_database()), ("app", Some("almanac")));
        assert!(matches!(options.get_ssl_mode(), MySqlSslMode::Required));
        let options = connect_options(WHOLE, &at(Some("127.0.0.1"), Some("other"))).expect("whole");
        assert_eq!((options.get_host(), options.get_database()), ("127.0.0.1", Some("other")));
        assert!(matches!(options.get_ssl_mode(), MySqlSslMode::Preferred));
    }

    #[test]
    fn a_secret_that_rds_manages_needs_only_a_host_and_a_name_beside_it() {
        let managed = r#"{"username":"admin","password":"hunter2"}"#;
        let options = connect_options(managed, &at(Some("proxy"), Some("almanac"))).expect("enough");
        assert_eq!((options.get_host(), options.get_port()), ("proxy", 3306));
        let error = connect_options(managed, &at(None, None)).expect_err("no host").to_string();
        assert_eq!(
            error,
            "the secret that DATABASE_SECRET names: host is missing; expected a host name, here or in DATABASE_HOST"
        );
    }

    #[test]
    fn a_wrong_field_is_named_and_no_value_is_said() {
        for (secret, field) in [
            (r#"{"password":"hunter2","host":"db","dbname":"a"}"#, "username is missing"),
            (r#"{"username":"hunter2","password":"","host":"db","dbname":"a"}"#, "password is empty"),
            (r#"{"username":"a","password":5,"host":"hunter2","dbname":"a"}"#, "password is not a text"),
            (r#"{"username":"a","password":"hunter2","host":"db","dbname":"a","port":"hunter2"}"#, "port is no port"),
            (r#"{"username":"a","password":"hunter2","host":"db","dbname":"a","port":0}"#, "port is no port"),
            (r#"{"engine":"postgres","password":"hunter2"}"#, "engine is another database's"),
            ("hunter2", "is not a JSON object"),
            (r#"["hunter2"]"#, "is not a JSON object"),
        ] {
            let error = connect_options(secret, &at(None, None)).expect_err("wrong").to_string();
            assert!(error.contains(field) && !error.contains("hunter2"), "{error}");
        }
    }
}
