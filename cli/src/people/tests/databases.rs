//! Real databases, each made for one test and dropped after it.

use std::{env, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use shared::{
    config::Database,
    random,
    records::{ConnectOptions, Records, Row, Value},
};

const OPTIONS: ConnectOptions = ConnectOptions { connections: 4, patience: Duration::from_secs(5) };

/// Runs `test` on each kind of database.
pub(super) async fn on_every_database<F, Fut>(test: F)
where
    F: Fn(Records) -> Fut,
    Fut: Future<Output = ()>,
{
    on_sqlite(&test).await;
    on_mysql(&test).await;
}

async fn on_sqlite<F, Fut>(test: &F)
where
    F: Fn(Records) -> Fut,
    Fut: Future<Output = ()>,
{
    let folder = tempfile::tempdir().expect("a temporary folder");
    let records = open(&Database::Sqlite(folder.path().join("records.db"))).await;
    test(records.clone()).await;
    records.close().await;
}

async fn on_mysql<F, Fut>(test: &F)
where
    F: Fn(Records) -> Fut,
    Fut: Future<Output = ()>,
{
    let server = env::var("ALMANAC_TEST_MYSQL").unwrap_or_else(|_| "mysql://root@127.0.0.1:3306".to_owned());
    let url = |database: &str| format!("{}/{database}", server.trim_end_matches('/')).parse().expect("a url");
    let name = format!("almanac_test_{}", random::token());
    let operator = Records::connect(&url("information_schema"), OPTIONS).await.expect("a server");
    command(&operator, format!("CREATE DATABASE {name}")).await;
    let records = open(&url(&name)).await;
    let outcome = AssertUnwindSafe(test(records.clone())).catch_unwind().await;
    records.close().await;
    command(&operator, format!("DROP DATABASE {name}")).await;
    operator.close().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn open(url: &Database) -> Records {
    let records = Records::connect(url, OPTIONS).await.expect("a database");
    records.migrate().await.expect("the schema");
    records
}

async fn command(records: &Records, sql: String) {
    let run = records.read(|tx| {
        let sql = sql.clone();
        async move { tx.execute(sql, &[]).await }.boxed()
    });
    run.await.expect("the operator may");
}

/// The rows of a query.
pub(super) async fn rows(records: &Records, sql: &'static str, values: &'static [&'static str]) -> Vec<Row> {
    let values: Vec<Value<'static>> = values.iter().map(|&value| value.into()).collect();
    records
        .read(move |tx| {
            let values = values.clone();
            async move { tx.rows(sql, &values).await }.boxed()
        })
        .await
        .expect("a query")
}

/// The number that a query gives.
pub(super) async fn number(records: &Records, sql: &'static str) -> i64 {
    rows(records, sql, &[]).await[0].int(0).expect("a number")
}
