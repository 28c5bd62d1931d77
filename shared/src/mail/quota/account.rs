//! What Amazon SES lets an account send, by its own word.

use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_sesv2::{
    Client,
    config::timeout::TimeoutConfig,
    error::{DisplayErrorContext, SdkError},
};

use crate::{aws::client, mail::ses::SesSettings};

/// For the whole call: letters wait for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// What SES answers to `GetAccount`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Account {
    /// The most letters a second.
    pub(super) per_second: f64,
    /// The most letters in any 24 hours; `None` where SES sets no limit.
    pub(super) per_day: Option<u64>,
    /// How many have gone out in the last 24 hours, by whoever sends with this account.
    pub(super) sent: u64,
    /// Whether SES takes letters from it at all.
    pub(super) may_send: bool,
}

/// Asks SES. The client is made for it: one worker asks, once in some minutes, and the others need none.
pub(super) async fn ask(settings: &SesSettings) -> anyhow::Result<Account> {
    let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
    let config = client::loader(settings.endpoint()).timeout_config(timeouts).load().await;
    let answer = Client::new(&config).get_account().send().await.map_err(|error| match &error {
        SdkError::ServiceError(_) => anyhow::anyhow!("{}", code(&error)),
        _ => anyhow::anyhow!("{}", DisplayErrorContext(&error)),
    })?;
    let quota = answer.send_quota().context("the answer holds no quota")?;
    anyhow::ensure!(quota.max_send_rate() > 0.0, "the answer holds no rate");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, as SES writes numbers")]
    let whole = |number: f64| number.max(0.0) as u64;
    Ok(Account {
        per_second: quota.max_send_rate(),
        per_day: (quota.max24_hour_send() >= 0.0).then(|| whole(quota.max24_hour_send())),
        sent: whole(quota.sent_last24_hours()),
        may_send: answer.sending_enabled() && answer.enforcement_status() != Some("SHUTDOWN"),
    })
}

/// An error's code, such as `AccessDeniedException`: its text names the account.
fn code(error: &impl aws_sdk_sesv2::error::ProvideErrorMetadata) -> String {
    error.code().unwrap_or("an error without a code").to_owned()
}
