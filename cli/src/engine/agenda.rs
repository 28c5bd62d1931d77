//! What this machine fires by itself: the schedules of the template, each with the job that it is for.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::join_all};
use shared::{
    firing::{Firing, Trigger},
    run::{job::Job, missed},
    schedule::Schedule,
    sqs::Deadline,
    template::Declared,
};

use super::{Jobs, Stopping, long_told, say_failure};

/// How often an entry looks at the clock: so that one that was moved, or a machine that slept, is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a firing that could not be fired waits for the next try.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// The schedules that are kept here.
pub struct Agenda(Vec<Entry>);

/// A job, and when it is fired.
#[derive(Clone)]
pub struct Entry {
    /// The job.
    pub job: Arc<dyn Job>,
    /// When.
    pub schedule: Schedule,
}

impl Agenda {
    /// The schedules among these that are switched on and have a job here. The others are of functions whose work the
    /// engine does by itself, such as the keeper's.
    pub fn new(declared: Vec<Declared>, jobs: &Jobs) -> Self {
        let here = |declared: Declared| {
            let job = jobs.find(&declared.job).ok()?.clone();
            (declared.state == "ENABLED").then_some(Entry { job, schedule: declared.schedule })
        };
        Self(declared.into_iter().filter_map(here).collect())
    }

    /// Its entries.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Fires whatever falls due, and what fell due while nobody was there, until told to stop.
    pub(super) async fn keep(&self, stop: &Stopping) {
        join_all(self.0.iter().map(|entry| entry.keep(stop.clone()))).await;
    }
}

impl Entry {
    /// Its firings after a moment.
    pub fn firings_after(&self, moment: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        self.schedule.firings_after(moment)
    }

    async fn keep(&self, mut stop: Stopping) {
        let mut looked_at = None;
        while !*stop.borrow() {
            let now = self.job.clock().now();
            let nothing = looked_at.is_some_and(|then| self.firings_after(then).next().is_none_or(|next| next > now));
            let mut wait = LOOK_EVERY;
            if !nothing {
                let fired = tokio::select! {
                    fired = self.fire_what_is_due(now, &stop) => fired,
                    () = long_told(&stop) => return,
                };
                if fired.is_ok() {
                    looked_at = Some(now);
                } else {
                    wait = TRY_AGAIN_AFTER;
                }
                say_failure("firing by schedule", fired);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Fires what has come due by `now` and was not fired, the oldest first; what fails is due again, and what follows it.
    pub async fn fire_what_is_due(&self, now: DateTime<Utc>, stop: &Stopping) -> anyhow::Result<()> {
        let name = self.job.name();
        let fired_until =
            self.job.records().transaction(move |tx| missed::fired_until(tx, name, now).boxed()).await.context(name)?;
        let due = self.firings_after(fired_until).take_while(|firing| *firing <= now);
        for firing in missed::to_fire(self.job.as_ref(), due) {
            let deadline = Deadline::none().or_when(stop.clone());
            self.job.fire(Firing::new(firing, Trigger::Schedule), deadline).await.context(name)?;
        }
        Ok(())
    }
}
