//! Amazon SES v2: one `SendBulkEmail` with an inline template for up to 50 letters.
//!
//! SES takes no idempotency key, so nothing here tries twice: a call is answered with what is known about it, and the
//! attempt's id goes along as a tag of each letter, by which the provider's events can settle what stayed unknown.

pub(super) mod bulk;
mod settings;
mod verdict;

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use bytes::Bytes;

pub use self::settings::SesSettings;
use super::message::from_value;
use super::providers::Sender;
use super::{Answer, Call, Capacity, Letter, Mailer, Refusal};
use crate::aws::client;

/// Sends through Amazon SES.
pub struct SesMailer {
    client: Client,
    from: String,
    configuration_set: Option<String>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For the whole call. What has no reply by then is in doubt, so it is generous; the claim's lease is longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

impl SesMailer {
    /// A mailer through SES. Region and credentials come from the environment; for another endpoint than AWS made-up
    /// ones do where there are none.
    pub async fn new(settings: &SesSettings, sender: &Sender) -> anyhow::Result<Self> {
        anyhow::ensure!(sender.address.as_str().is_ascii(), "SES takes only ASCII in the sender's address");
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(CALL_TIMEOUT);
        // The loader's own: nothing is tried twice.
        let config = client::loader(settings.endpoint.as_deref()).timeout_config(timeouts.build()).load().await;
        config.region().context("AWS_REGION is not set, and SES is a regional service")?;
        Ok(Self {
            client: Client::new(&config),
            from: from_value(sender),
            configuration_set: settings.configuration_set.clone(),
        })
    }

    async fn send_bulk(&self, call: Call<'_>, letters: &[&Letter]) -> Vec<Answer> {
        let body = Bytes::from(bulk::body(call, letters, &self.from, self.configuration_set.as_deref()));
        // The SDK builds an empty request, which gets its body before it is signed.
        let sent = self.client.send_bulk_email().customize().mutate_request(move |request| {
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = body.clone().into();
        });
        let sent = sent.send().await;
        match sent {
            Ok(output) => {
                let mut answers: Vec<_> = output.bulk_email_entry_results().iter().map(verdict::of_entry).collect();
                // Fewer results than letters must never shift an answer onto another letter.
                answers.resize(letters.len(), Answer::Unknown { cause: "SES gave no result for it".to_owned() });
                answers
            }
            Err(error) => vec![verdict::of_call(&error); letters.len()],
        }
    }
}

#[async_trait]
impl Mailer for SesMailer {
    fn name(&self) -> &'static str {
        "ses"
    }

    fn capacity(&self) -> Capacity {
        bulk::CAPACITY
    }

    async fn send(&self, call: Call<'_>) -> Vec<Answer> {
        // One bad address would have the whole call refused.
        let fits = |letter: &Letter| letter.to.as_str().is_ascii();
        let letters: Vec<&Letter> = call.letters.iter().copied().filter(|letter| fits(letter)).collect();
        let mut answers =
            if letters.is_empty() { Vec::new() } else { self.send_bulk(call, &letters).await }.into_iter();
        let unfit =
            || Answer::Refused { refusal: Refusal::Permanent, cause: "SES takes only ASCII addresses".to_owned() };
        call.letters
            .iter()
            .map(|letter| if fits(letter) { answers.next() } else { None })
            .map(|answer| answer.unwrap_or_else(unfit))
            .collect()
    }
}
