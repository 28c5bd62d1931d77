//! Looking into the records.

use futures_util::FutureExt;
use shared::records::{Records, Row};

/// The rows of a query.
pub async fn rows(records: &Records, sql: &'static str) -> Vec<Row> {
    records.read(move |tx| async move { tx.rows(sql, &[]).await }.boxed()).await.expect("a query")
}

/// The number that a query gives.
pub async fn number(records: &Records, sql: &'static str) -> u64 {
    rows(records, sql).await[0].count(0).expect("a number")
}

/// Changes something behind the program's back.
pub async fn change(records: &Records, sql: &'static str) {
    records.transaction(move |tx| async move { tx.execute(sql, &[]).await }.boxed()).await.expect("a change");
}
