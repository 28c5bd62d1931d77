//! A row that somebody has locked and stands still with, on a server. (SQLite has one writer, so nobody else writes there
//! meanwhile.)

use std::sync::Arc;

use futures_util::FutureExt;
use shared::records::{Records, Value};
use tokio::{sync::Notify, task::JoinHandle};

/// A transaction under way that has changed rows.
#[derive(Debug)]
pub struct RowLock {
    let_go: Arc<Notify>,
    holding: JoinHandle<()>,
}

impl RowLock {
    /// Changes rows by that statement, and keeps them.
    pub async fn taken(records: &Records, sql: &'static str, values: Vec<Value<'static>>) -> Self {
        let (taken, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (records, says, waits) = (records.clone(), taken.clone(), let_go.clone());
        let holding = tokio::spawn(async move {
            let held = records.transaction(move |tx| {
                let (values, says, waits) = (values.clone(), says.clone(), waits.clone());
                async move {
                    tx.execute(sql, &values).await?;
                    says.notify_one();
                    waits.notified().await;
                    Ok(())
                }
                .boxed()
            });
            held.await.expect("held and let go");
        });
        taken.notified().await;
        Self { let_go, holding }
    }

    /// Commits the change.
    pub async fn let_go(self) {
        self.let_go.notify_one();
        self.holding.await.expect("no panic");
    }
}
