//! The invitation worker: takes a batch's message, decides who of its users' contacts is invited, or reminded, and writes
//! to each of them once.

mod addressees;
pub mod eligibility;
pub mod people;
mod prepare;
pub mod reminders;
mod resume;
pub mod selection;
mod sending;
pub mod skips;
pub mod standing;
mod taking;
mod wire;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use futures_util::FutureExt;
use shared::{
    clock::Clock,
    letters::LetterKind,
    links::{LinkKeys, invitation_link},
    mail::{Letter, Mailer, quota::Quota, template::Templates, words::InvitationWords},
    process::Holder,
    records::Records,
    run::{
        self, State,
        batch::{self, Batch, BatchMessage, BatchState, Failed},
        control::Control,
        job::parameters_of,
    },
    sqs::{Deadline, Message, Outcome, RecordHandler},
};
use tokio::sync::Semaphore;

use crate::{
    addressees::{Addressee, Prepared},
    people::User,
    reminders::rules::Rules,
    resume::Still,
    sending::{Sending, Sent},
};

/// The function's name.
pub const JOB: &str = "invitation-worker";

/// What can be set about a worker.
pub struct WorkerOptions {
    /// Where the links of the mails lead, without a slash at the end.
    pub app_base_url: String,
    /// Where the links lead by which letters are stopped, without a slash at the end.
    pub unsubscribe_base_url: String,
    /// For how many days an invitation holds.
    pub expiration_days: i64,
    /// How many invitations one statement writes.
    pub rows_per_insert: usize,
    /// The most letters of one call, within what a provider takes.
    pub letters_per_call: usize,
    /// For how long a claim keeps others away: longer than any call, shorter than the queue's visibility time-out.
    pub lease: Duration,
    /// How many letters all workers together may send; `None` for as many as the mailers take.
    pub quota: Option<Quota>,
}

/// Among how many batches a provider's calls are divided: enough that one waiting for the database leaves others calling.
const BATCHES_AT_ONCE: usize = 4;

/// The worker and what it stands on.
pub struct InvitationWorker {
    records: Records,
    mailers: Vec<Arc<dyn Mailer>>,
    templates: Templates,
    keys: LinkKeys,
    clock: Clock,
    holder: Holder,
    options: WorkerOptions,
    /// How many batches may have calls under way, so that no more is in doubt after a crash than a provider's capacity
    /// says.
    batches: Semaphore,
    /// How many calls of one batch go out together.
    calls_per_volley: usize,
    /// How much time must be left before the deadline for another call to be begun.
    longest_call: Duration,
}

impl InvitationWorker {
    /// Builds a worker. `mailers` are tried in order; there must be at least one.
    pub fn new(
        records: Records,
        mailers: Vec<Arc<dyn Mailer>>,
        templates: Templates,
        keys: LinkKeys,
        clock: Clock,
        holder: Holder,
        options: WorkerOptions,
    ) -> anyhow::Result<Self> {
        let calls = mailers.iter().map(|mailer| mailer.capacity().calls).min().context("no mail transport is set")?;
        let longest_call = mailers.iter().map(|mailer| mailer.capacity().longest_call).max().unwrap_or_default();
        let calls_per_volley = (calls / BATCHES_AT_ONCE).max(1);
        let batches = Semaphore::new((calls / calls_per_volley).max(1));
        Ok(Self { records, mailers, templates, keys, clock, holder, options, batches, calls_per_volley, longest_call })
    }

    async fn work(&self, message: BatchMessage, deadline: Deadline) -> anyhow::Result<Outcome> {
        let Some(batch) = self.find(message.batch).await? else {
            return Ok(Outcome::Skip { reason: format!("there is no batch {}", message.batch) });
        };
        let sent = match self.to_do(&batch) {
            ToDo::Nothing => Sent::All,
            ToDo::Wait => return self.wait(&batch).await,
            ToDo::Cancel => self.cancel(&batch).await?,
            ToDo::Send => {
                // Waiting here holds no claim and no lock.
                let _permit = self.batches.acquire().await?;
                match self.prepared(&batch).await? {
                    Some((batch, prepared)) => Sending::new(self, &batch, prepared).run(deadline).await?,
                    None => return self.look_again(&batch).await,
                }
            }
        };
        match sent {
            Sent::All => {
                if let Some(run) = run::close::try_close(&self.records, &self.clock, batch.run_id).await? {
                    tracing::info!(run = run.id, state = run.state.as_str(), "the run is closed");
                }
                Ok(Outcome::Done)
            }
            Sent::Later(reason) => Ok(Outcome::Later { reason: reason.to_owned() }),
            Sent::Fenced => {
                tracing::info!(batch = batch.id, "another worker has this batch");
                Ok(Outcome::Done)
            }
        }
    }

    fn to_do(&self, batch: &Batch) -> ToDo {
        match (batch.state, batch.run_state, batch.control) {
            (BatchState::Done | BatchState::Parked | BatchState::Cancelled, ..) => ToDo::Nothing,
            (_, State::Open, Control::Run) => ToDo::Send,
            (_, State::Open, Control::Pause | Control::Approval) => ToDo::Wait,
            (_, State::Open, Control::Cancel) => ToDo::Cancel,
            (..) => ToDo::Nothing,
        }
    }

    /// Prepares the batch, or comes back to it; `None` when another worker has it.
    async fn prepared(&self, batch: &Batch) -> anyhow::Result<Option<(Batch, Prepared)>> {
        let now = self.clock.now();
        let still = match batch.kind {
            LetterKind::Invitation => Still::Invited(now),
            LetterKind::Reminder(kind) => {
                Still::Reminded(Rules::new(kind, parameters_of(batch.run_id, &batch.parameters)?, now))
            }
        };
        if batch.state != BatchState::Planned {
            return Ok(resume::resume(&self.records, batch, still, now).await?);
        }
        let (records, options) = (&self.records, &self.options);
        let prepared = match still {
            Still::Invited(_) => {
                let cycle = parameters_of(batch.run_id, &batch.parameters)?;
                prepare::prepare(records, batch, cycle, now, options).await?
            }
            Still::Reminded(rules) => reminders::prepare(records, batch, rules, now, options).await?,
        };
        Ok(prepared.map(|prepared| (batch.clone(), prepared)))
    }

    async fn find(&self, batch_id: i64) -> anyhow::Result<Option<Batch>> {
        Ok(self.records.read(move |tx| async move { Batch::find(tx, batch_id).await }.boxed()).await?)
    }

    /// Leaves a paused run's batch to the keeper, which queues it again when the run goes on.
    async fn wait(&self, batch: &Batch) -> anyhow::Result<Outcome> {
        let batch_id = batch.id;
        self.records
            .transaction(move |tx| {
                async move { batch::postpone(tx, batch_id, Duration::ZERO, "the run is paused").await }.boxed()
            })
            .await?;
        Ok(Outcome::Later { reason: "the run is paused".to_owned() })
    }

    /// Leaves a batch that another worker has. That one may be dead and this message the only one, so a fresh message
    /// will look again; where the other has locked the batch's row, and may stand still with it, this message itself.
    async fn look_again(&self, batch: &Batch) -> anyhow::Result<Outcome> {
        let (batch_id, cause) = (batch.id, "another worker has it");
        let postponed = self.records.transaction(move |tx| {
            async move {
                let is_free = batch::lock_if_free(tx, batch_id).await?;
                if is_free {
                    batch::postpone(tx, batch_id, sending::UNFINISHED_WAIT, cause).await?;
                }
                Ok(is_free)
            }
            .boxed()
        });
        Ok(match postponed.await? {
            true => Outcome::Later { reason: cause.to_owned() },
            false => Outcome::Retry { cause: cause.to_owned() },
        })
    }

    async fn cancel(&self, batch: &Batch) -> anyhow::Result<Sent> {
        let batch_id = batch.id;
        let cancelled =
            self.records.transaction(move |tx| async move { batch::cancel(tx, batch_id).await }.boxed()).await?;
        Ok(if cancelled { Sent::All } else { Sent::Later("a call is under way") })
    }

    /// The letter of that kind to an addressee.
    fn letter(&self, kind: LetterKind, addressee: &Addressee, user: &User) -> Letter {
        let id = addressee.invitation;
        let base = self.options.app_base_url.as_str();
        let words = InvitationWords {
            first_name: &addressee.first_name,
            sender_name: &user.name,
            custom_message: &user.custom_message,
            link: invitation_link(base, id, &addressee.token),
            short_code: self.keys.short_code(id),
            expires_on: addressee.expires_at.date_naive(),
            unsubscribe_url: self.keys.unsubscribe_link(&self.options.unsubscribe_base_url, addressee.contact_id),
        };
        Letter { message: kind.message(id), to: addressee.email.clone(), values: words.values(user.locale) }
    }
}

/// What a message asks of a worker, as things stand.
enum ToDo {
    Nothing,
    Send,
    Wait,
    Cancel,
}

#[async_trait]
impl RecordHandler for InvitationWorker {
    async fn handle(&self, message: &Message, deadline: Deadline) -> anyhow::Result<Outcome> {
        let message: BatchMessage =
            serde_json::from_str(&message.body).context("the message is not {\"run\":…,\"batch\":…}")?;
        self.work(message, deadline).await
    }

    async fn failed(&self, message: &Message, cause: &str) -> anyhow::Result<bool> {
        let Ok(message) = serde_json::from_str::<BatchMessage>(&message.body) else { return Ok(false) };
        let cause: Arc<str> = cause.into();
        let failed = self.records.transaction(move |tx| {
            let cause = cause.clone();
            async move { batch::fail(tx, message.batch, &cause).await }.boxed()
        });
        match failed.await? {
            Failed::Waits(wait) => tracing::info!(next_try_in_s = wait.as_secs(), "a fresh message will come"),
            Failed::Parked => {
                tracing::error!("given up: the batch is parked");
                run::close::try_close(&self.records, &self.clock, message.run).await?;
            }
            Failed::Nothing => return Ok(false),
        }
        Ok(true)
    }
}
