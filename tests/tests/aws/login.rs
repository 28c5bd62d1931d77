//! The records behind a login that Secrets Manager holds, on a real server.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;
use shared::{
    aws::secrets::Secrets,
    config::{DatabaseSecret, Kind as _, SecretName},
    random,
    records::{ConnectOptions, Records, SecretLogin},
};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};
use tests::{
    aws_fake::{AwsFake, Behaviour, Service},
    databases::TestDatabase,
};
use url::Url;

use crate::{PATIENCE, aws};

const ARN: &str = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:rds!cluster-1-AbCdEf";
const OPTIONS: ConnectOptions = ConnectOptions { connections: 2, patience: Duration::from_secs(5) };

/// A user of a database's own, whose password changes. It is gone when the database is.
struct User {
    url: Url,
    name: String,
}

impl User {
    async fn create(database: &TestDatabase, password: &str) -> Self {
        let url = Url::parse(&database.url()).expect("a URL");
        let user = Self { url, name: format!("u{}", &random::token()[..16]) };
        let schema = user.schema();
        for host in ["localhost", "%"] {
            user.run(&format!("CREATE USER '{}'@'{host}' IDENTIFIED BY '{password}'", user.name)).await;
            user.run(&format!("GRANT ALL ON {schema}.* TO '{}'@'{host}'", user.name)).await;
        }
        user
    }

    fn schema(&self) -> String {
        self.url.path().trim_start_matches('/').to_owned()
    }

    async fn change_password(&self, password: &str) {
        for host in ["localhost", "%"] {
            self.run(&format!("ALTER USER '{}'@'{host}' IDENTIFIED BY '{password}'", self.name)).await;
        }
    }

    async fn remove(self) {
        for host in ["localhost", "%"] {
            self.run(&format!("DROP USER '{}'@'{host}'", self.name)).await;
        }
    }

    /// Ends the user's connections.
    async fn disconnect(&self) {
        let mut root = MySqlConnection::connect(self.url.as_str()).await.expect("the server");
        let held = sqlx::query_scalar("SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE user = ?");
        let held: Vec<i64> = held.bind(&self.name).fetch_all(&mut root).await.expect("the right to see connections");
        assert!(!held.is_empty(), "it is connected");
        for connection in held {
            self.run(&format!("KILL {connection}")).await;
        }
    }

    async fn run(&self, sql: &str) {
        let mut root = MySqlConnection::connect(self.url.as_str()).await.expect("the server");
        root.execute(AssertSqlSafe(sql.to_owned())).await.expect("the right to make users");
    }

    /// The secret as RDS writes it.
    fn secret(&self, password: &str) -> String {
        let (host, port) = (self.url.host_str().expect("a host"), self.url.port().unwrap_or(3306));
        json!({"engine": "mysql", "username": self.name, "password": password, "host": host, "port": port,
               "dbname": self.schema()})
        .to_string()
    }
}

async fn login(fake: &AwsFake) -> SecretLogin {
    let secrets = Secrets::new(&aws(fake), PATIENCE, Duration::from_secs(3_600)).await.expect("a client");
    let arn = SecretName.parse(ARN).expect("an ARN");
    SecretLogin::new(secrets, DatabaseSecret { arn, host: None, name: None })
}

async fn who(records: &Records) -> shared::records::Result<String> {
    let who = |row: &shared::records::Row| row.text(0);
    records
        .read(move |tx| {
            async move {
                let rows = tx.rows("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)", &[]).await?;
                who(&rows[0])
            }
            .boxed()
        })
        .await
}

#[tokio::test]
async fn a_password_of_any_letters_opens_the_records() {
    let (database, fake) = (TestDatabase::mysql().await, AwsFake::start().await);
    let user = User::create(&database, "p@s:s/w?o#r%d").await;
    fake.set_secret(ARN, &user.secret("p@s:s/w?o#r%d"));
    let records = Records::connect_by_secret(login(&fake).await, OPTIONS).await.expect("opened");
    assert_eq!(who(&records).await.expect("readable"), user.name);
    assert_eq!(fake.count("GetSecretValue"), 1);
    records.close().await;
    user.remove().await;
}

#[tokio::test]
async fn after_a_rotation_the_secret_is_read_anew_once_and_the_records_go_on() {
    let (database, fake) = (TestDatabase::mysql().await, AwsFake::start().await);
    let user = User::create(&database, "first").await;
    fake.set_secret(ARN, &user.secret("first"));
    let records = Records::connect_by_secret(login(&fake).await, OPTIONS).await.expect("opened");
    who(&records).await.expect("readable");
    user.change_password("second").await;
    fake.set_secret(ARN, &user.secret("second"));
    user.disconnect().await;
    assert_eq!(who(&records).await.expect("readable with the new password"), user.name);
    assert_eq!(fake.count("GetSecretValue"), 2);
    records.close().await;
    user.remove().await;
}

#[tokio::test]
async fn while_a_server_knows_the_new_password_and_the_secret_does_not_the_records_wait() {
    let (database, fake) = (TestDatabase::mysql().await, AwsFake::start().await);
    let user = User::create(&database, "first").await;
    fake.set_secret(ARN, &user.secret("first"));
    let records = Records::connect_by_secret(login(&fake).await, OPTIONS).await.expect("opened");
    who(&records).await.expect("readable");
    user.change_password("second").await;
    user.disconnect().await;
    let rotate = async {
        // The secret has been read anew in vain, then it could not be read.
        fake.script(Service::Secrets, |_, call| match call {
            1..=4 => Behaviour::Refuse(400, "ThrottlingException"),
            _ => Behaviour::Accept,
        });
        while fake.count("GetSecretValue") < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fake.set_secret(ARN, &user.secret("second"));
    };
    let (who, ()) = futures_util::future::join(who(&records), rotate).await;
    assert_eq!(who.expect("readable with the new password"), user.name);
    records.close().await;
    user.remove().await;
}

#[tokio::test]
async fn a_secret_that_the_cache_holds_from_before_a_rotation_is_read_anew_at_the_start() {
    let (database, fake) = (TestDatabase::mysql().await, AwsFake::start().await);
    let user = User::create(&database, "second").await;
    let secrets = Secrets::new(&aws(&fake), PATIENCE, Duration::from_secs(3_600)).await.expect("a client");
    fake.set_secret(ARN, &user.secret("first"));
    secrets.get(&SecretName.parse(ARN).expect("an ARN")).await.expect("held");
    fake.set_secret(ARN, &user.secret("second"));
    let at = DatabaseSecret { arn: SecretName.parse(ARN).expect("an ARN"), host: None, name: None };
    let records = Records::connect_by_secret(SecretLogin::new(secrets, at), OPTIONS).await.expect("opened");
    records.close().await;
    user.remove().await;
}

#[tokio::test]
async fn a_login_that_stays_refused_is_an_error_after_one_more_reading_and_shows_no_password() {
    let (database, fake) = (TestDatabase::mysql().await, AwsFake::start().await);
    let user = User::create(&database, "right").await;
    fake.set_secret(ARN, &user.secret("hunter2"));
    let error = Records::connect_by_secret(login(&fake).await, OPTIONS).await.expect_err("refused");
    assert!(error.is_login_refused());
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    assert_eq!(fake.count("GetSecretValue"), 2);
    user.remove().await;
}

#[tokio::test]
async fn a_secret_without_a_field_names_the_field_and_the_setting() {
    let fake = AwsFake::start().await;
    fake.set_secret(ARN, r#"{"username":"app","password":"hunter2","host":"127.0.0.1"}"#);
    let error = Records::connect_by_secret(login(&fake).await, OPTIONS).await.expect_err("no database");
    let told = "the secret that DATABASE_SECRET names: dbname is missing; expected a database's name, here or in DATABASE_NAME";
    assert_eq!(error.to_string(), told);
    assert!(!format!("{error:?}").contains("hunter2"));
}
