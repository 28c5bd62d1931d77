//! A worker from its settings: what Lambda's `main` and the engine of one machine share.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use shared::{
    clock::Clock,
    config::WorkerSettings,
    links::LinkKeys,
    mail::{Mailer, providers, quota::Quota, template::Templates},
    process::Holder,
    records::Records,
};

use crate::{InvitationWorker, WorkerOptions};

/// How long after a worker's time-out its claims keep others away.
const LEASE_GRACE: Duration = Duration::from_secs(60);

impl InvitationWorker {
    /// Builds a worker from its settings: opens its mailers and checks its templates.
    pub async fn from_settings(
        records: Records,
        settings: &WorkerSettings,
        clock: Clock,
        holder: Holder,
    ) -> anyhow::Result<Self> {
        let mailers: Vec<Arc<dyn Mailer>> = providers::mailers(&settings.mail.transports, &settings.mail.from).await?;
        Self::sending_through(mailers, records, settings, clock, holder).await
    }

    /// The same, sending through these mailers whatever the settings name.
    pub async fn sending_through(
        mailers: Vec<Arc<dyn Mailer>>,
        records: Records,
        settings: &WorkerSettings,
        clock: Clock,
        holder: Holder,
    ) -> anyhow::Result<Self> {
        let mail = &settings.mail;
        let templates = match &mail.templates_dir {
            Some(folder) => Templates::load(folder)?,
            None => Templates::embedded(),
        };
        let keys = LinkKeys::of(&records).await.context("reading the keys of links")?;
        let options = WorkerOptions {
            app_base_url: mail.app_base_url.as_str().trim_end_matches('/').to_owned(),
            unsubscribe_base_url: mail.unsubscribe_base_url.as_str().trim_end_matches('/').to_owned(),
            expiration_days: settings.expiration_days.into(),
            rows_per_insert: settings.invitation_batch_size as usize,
            letters_per_call: mail.email_batch_size,
            lease: settings.worker_timeout + LEASE_GRACE,
            quota: Quota::of(&records, mail, &clock)?,
        };
        let worker = Self::new(records, mailers, templates, keys, clock, holder, options)?;
        // Half of the time is there for the batch: no call is begun in which it could be cut off.
        let (given, needed) = (settings.worker_timeout.as_millis(), 2 * worker.longest_call.as_millis());
        anyhow::ensure!(
            given >= needed,
            "SCHEDULER_WORKER_TIMEOUT: {given} milliseconds are too short for EMAIL_TRANSPORTS, a call to which may take \
             half of the expected {needed} or more"
        );
        Ok(worker)
    }

    /// How many batches this worker can usefully have under way at once.
    pub fn batches_at_once(&self) -> usize {
        self.batches.available_permits().max(1)
    }
}
