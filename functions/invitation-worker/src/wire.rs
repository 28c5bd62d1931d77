//! A worker from its settings: what Lambda's `main` and the engine of one machine share.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use shared::{
    clock::Clock,
    config::WorkerSettings,
    links::LinkKeys,
    mail::{Mailer, providers, rate::RateLimit, template::Templates},
    process::Holder,
    records::Records,
};

use crate::{InvitationWorker, WorkerOptions};

/// How long a call can take: an SMTP letter three times its command time-out.
const LONGEST_CALL: Duration = Duration::from_secs(90);

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
        let mail = &settings.mail;
        let templates = match &mail.templates_dir {
            Some(folder) => Templates::load(folder)?,
            None => Templates::embedded(),
        };
        let mailers: Vec<Arc<dyn Mailer>> = providers::mailers(&mail.transports, &mail.from).await?;
        let keys = LinkKeys::of(&records).await.context("reading the keys of links")?;
        let options = WorkerOptions {
            app_base_url: mail.app_base_url.as_str().trim_end_matches('/').to_owned(),
            expiration_days: settings.expiration_days.into(),
            rows_per_insert: settings.invitation_batch_size as usize,
            letters_per_call: mail.email_batch_size,
            call_time: (settings.worker_timeout / 3).min(LONGEST_CALL),
            lease: settings.worker_timeout + LEASE_GRACE,
            rate: RateLimit::new(mail.rate.letters_per_second()),
        };
        Self::new(records, mailers, templates, keys, clock, holder, options)
    }

    /// How many batches this worker can usefully have under way at once.
    pub fn batches_at_once(&self) -> usize {
        self.batches.available_permits().max(1)
    }
}
