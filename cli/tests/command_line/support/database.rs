//! Databases that are there already: in a home, or on a server of the test's own.

use std::time::Duration;

use futures_util::FutureExt;
use shared::{
    config::Database,
    records::{ConnectOptions, Records},
};

/// A few connections, and some patience.
const OPTIONS: ConnectOptions = ConnectOptions { connections: 4, patience: Duration::from_secs(10) };

/// Opens the database of that URL as it is.
pub async fn connect(url: &str) -> shared::records::Result<Records> {
    let database: Database = url.parse().expect("a url");
    Records::connect(&database, OPTIONS).await
}

/// Opens the database of that URL with an up-to-date schema.
pub async fn open(url: &str) -> Records {
    let records = connect(url).await.expect("a database");
    records.migrate().await.expect("the schema");
    records
}

/// Runs a statement of the operator of a server.
pub async fn command(server: &str, sql: &'static str) {
    let operator = connect(&format!("{server}/information_schema")).await.expect("a server");
    operator.read(|tx| async move { tx.execute(sql, &[]).await }.boxed()).await.expect("the operator may");
}
