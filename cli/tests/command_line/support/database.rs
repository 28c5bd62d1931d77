//! Databases, each made for one test and gone after it, also when the test panics.

use std::{env, time::Duration};

use futures_util::FutureExt;
use shared::{
    config, random,
    records::{ConnectOptions, Records},
};
use tempfile::TempDir;

/// A few connections, and some patience.
pub const OPTIONS: ConnectOptions = ConnectOptions { connections: 4, patience: Duration::from_secs(10) };

/// A database of a test's own.
pub enum Database {
    /// A file in a folder of its own.
    Sqlite(TempDir),
    /// A database on the server that the tests use.
    MySql(OwnDatabase),
}

impl Database {
    /// A new SQLite file, to be made by the first who opens it.
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A new and empty database on the MySQL or MariaDB server that the tests use.
    pub async fn mysql() -> Self {
        let server = env::var("ALMANAC_TEST_MYSQL").unwrap_or_else(|_| "mysql://root@127.0.0.1:3306".to_owned());
        Self::MySql(OwnDatabase::make(server.trim_end_matches('/').to_owned()).await)
    }

    /// What `DATABASE_URL` says of it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("almanac.db").display()),
            Self::MySql(own) => format!("{}/{}", own.server, own.name),
        }
    }

    /// Opens it with an up-to-date schema.
    pub async fn open(&self) -> Records {
        open(&self.url()).await
    }
}

/// Opens the database of that URL with an up-to-date schema.
pub async fn open(url: &str) -> Records {
    let records = connect(url).await;
    records.migrate().await.expect("the schema");
    records
}

async fn connect(url: &str) -> Records {
    let url: config::Database = url.parse().expect("a url");
    Records::connect(&url, OPTIONS).await.expect("a database")
}

/// A database on a server, dropped with this value.
pub struct OwnDatabase {
    server: String,
    name: String,
}

impl OwnDatabase {
    async fn make(server: String) -> Self {
        let name = format!("almanac_test_{}", random::token());
        command(&server, format!("CREATE DATABASE {name}")).await;
        Self { server, name }
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), format!("DROP DATABASE {}", self.name));
        // A test's runtime cannot be waited for from within it.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(command(&server, sql));
        });
        if dropping.join().is_err() {
            eprintln!("the database {} could not be dropped", self.name);
        }
    }
}

/// Runs a statement of an operator.
pub async fn command(server: &str, sql: String) {
    let operator = connect(&format!("{server}/information_schema")).await;
    let run = operator.read(|tx| {
        let sql = sql.clone();
        async move { tx.execute(sql, &[]).await }.boxed()
    });
    run.await.expect("the operator may");
    operator.close().await;
}
