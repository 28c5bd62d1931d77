//! What the quota will let go, said beforehand: nothing is reserved, and nothing is written.

use chrono::TimeDelta;
use futures_util::FutureExt;

use super::{LINES, Quota, known, reputation};

/// What may be sent from now on, as things stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// How many letters a second; `None` where nobody has said.
    pub per_second: Option<f64>,
    /// How many in any 24 hours; `None` for as many as one likes.
    pub per_day: Option<u64>,
    /// How many have gone out in the last 24 hours, by whoever sends with this account.
    pub sent: u64,
    /// Why nothing may be sent at all.
    pub stopped: Option<&'static str>,
}

impl Quota {
    /// Asks the records, and SES where letters go through it, what may be sent. Where SES does not answer its last word counts.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn forecast(&self) -> anyhow::Result<Forecast> {
        let now = self.clock.now();
        let read = self.records.read(move |tx| {
            async move {
                let sent = reputation::accepted_since(tx, now - TimeDelta::days(1)).await?;
                let measured = reputation::measure(tx, now).await?;
                Ok((sent, measured, known::look(tx, super::NAME).await?.known))
            }
            .boxed()
        });
        let (sent, measured, mut known) = read.await?;
        let account = self.account().await;
        if let Some(account) = account {
            (known.per_second, known.per_day) = (account.per_second, account.per_day);
        }
        known.percent_left = measured.verdicts().map(|(_, verdict)| verdict.percent_left);
        let limits = self.limits(&known);
        let over_the_line = known.percent_left.iter().zip(LINES).find(|(left, _)| **left == 0);
        let paused =
            account.filter(|account| !account.may_send).map(|_| "the provider takes no letters from this account");
        #[expect(clippy::cast_precision_loss, reason = "letters of a second")]
        let pace = |limit: super::Limit| limit.letters as f64 / limit.length.as_secs_f64();
        Ok(Forecast {
            per_second: limits.map(|limits| pace(limits.pace)),
            per_day: limits.and_then(|limits| limits.per_day),
            sent: account.map_or(sent, |account| account.sent.max(sent)),
            stopped: over_the_line.map(|(_, line)| line.stopped).or(paused),
        })
    }
}
