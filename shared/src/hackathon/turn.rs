//! Turns at telling the Hub: of a criterion one process at a time, so that nothing old overtakes something new on its way.

use std::time::Duration;

use futures_util::FutureExt;

use super::store::Series;
use crate::{
    random,
    records::{Records, RecordsError, Result, Tx, never},
};

/// How long a turn may last. Whoever takes longer loses it, and with it the right to note what came of it.
pub(super) const LEASE: Duration = Duration::from_secs(180);

/// How much of it is spent on calls at most: what is left is for noting what they came to.
pub(super) const CALLS: Duration = Duration::from_secs(150);

/// The right to tell the Hub.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    series: Series,
    token: String,
}

impl Turn {
    /// Takes the turn, unless another process has it.
    pub(super) async fn take(records: &Records, series: &Series) -> Result<Option<Self>> {
        let turn = Self { series: series.clone(), token: random::token() };
        let asked = turn.clone();
        let taken = records.transaction(move |tx| {
            let turn = asked.clone();
            async move {
                let [hackathon, criterion] = turn.series.values();
                let sql = "INSERT INTO hub_turns (hackathon, criterion, token, lease_until) VALUES (?, ?, '', ?) \
                           {or ignore criterion}";
                tx.execute(sql, &[hackathon.clone(), criterion.clone(), never().into()]).await?;
                let sql = "UPDATE hub_turns SET token = ?, lease_until = {now+?} \
                           WHERE hackathon = ? AND criterion = ? AND lease_until < {now}";
                let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
                tx.execute(sql, &[(&turn.token).into(), lease.into(), hackathon, criterion]).await?;
                turn.is_ours(tx).await
            }
            .boxed()
        });
        Ok(taken.await?.then_some(turn))
    }

    async fn is_ours(&self, tx: &mut Tx) -> Result<bool> {
        let sql = "SELECT token FROM hub_turns WHERE hackathon = ? AND criterion = ? {for update}";
        let held = tx.row(sql, &self.series.values()).await?.map(|row| row.text(0)).transpose()?;
        Ok(held.as_deref() == Some(&*self.token))
    }

    /// Fails where the turn has been lost.
    pub(super) async fn check(&self, tx: &mut Tx) -> Result<()> {
        if self.is_ours(tx).await? { Ok(()) } else { Err(RecordsError::Fenced) }
    }

    /// Lets others have theirs.
    pub(super) async fn release(self, records: &Records) -> Result<()> {
        let released = records.transaction(move |tx| {
            let turn = self.clone();
            async move {
                let [hackathon, criterion] = turn.series.values();
                let sql = "UPDATE hub_turns SET lease_until = ? WHERE hackathon = ? AND criterion = ? AND token = ?";
                tx.execute(sql, &[never().into(), hackathon, criterion, (&turn.token).into()]).await
            }
            .boxed()
        });
        released.await.map(drop)
    }
}
