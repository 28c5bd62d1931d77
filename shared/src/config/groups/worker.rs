//! What the invitation worker needs.

use std::time::Duration;

use super::super::reader::{Group, Reader};
use super::super::table::{INVITATION_EXPIRATION_DAYS, SCHEDULER_INVITATION_BATCH_SIZE, SCHEDULER_WORKER_TIMEOUT};
use super::mail::MailSettings;

/// What the invitation worker needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Letters and their providers.
    pub mail: MailSettings,
    /// How many invitations are written in one statement.
    pub invitation_batch_size: u32,
    /// For how many days an invitation can be answered.
    pub expiration_days: u32,
    /// How long one batch may take.
    pub worker_timeout: Duration,
}

impl Group for WorkerSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mail = MailSettings::read(reader);
        let invitation_batch_size = reader.value(&SCHEDULER_INVITATION_BATCH_SIZE);
        let expiration_days = reader.value(&INVITATION_EXPIRATION_DAYS);
        let timeout = reader.value(&SCHEDULER_WORKER_TIMEOUT);
        Some(Self {
            mail: mail?,
            invitation_batch_size: invitation_batch_size?,
            expiration_days: expiration_days?,
            worker_timeout: Duration::from_millis(timeout?.into()),
        })
    }
}
