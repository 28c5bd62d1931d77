//! What a job needs that sends letters.

use std::path::PathBuf;

use super::super::kinds::{BaseUrl, SendLogAt};
use super::super::reader::{Group, Reader};
use super::super::table::{
    APP_BASE_URL, EMAIL_BATCH_SIZE, EMAIL_FROM_ADDRESS, EMAIL_FROM_NAME, EMAIL_RATE_LIMIT_PER_MINUTE,
    EMAIL_RATE_LIMIT_PER_SECOND, EMAIL_SEND_LOG, EMAIL_TEMPLATES_DIR, EMAIL_TRANSPORTS, UNSUBSCRIBE_BASE_URL,
};
use crate::mail::providers::{Provider, Sender};

/// What a job needs that sends letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// Who carries letters, tried in order; at least one.
    pub transports: Vec<Provider>,
    /// Whom letters come from.
    pub from: Sender,
    /// Where the application is reached.
    pub app_base_url: BaseUrl,
    /// Where letters can be stopped.
    pub unsubscribe_base_url: BaseUrl,
    /// How many letters go into one call to a provider.
    pub email_batch_size: usize,
    /// How fast letters may go out.
    pub rate: RateLimit,
    /// Where it is counted what all workers together have sent.
    pub send_log: SendLogAt,
    /// A folder of templates to use in place of those built in.
    pub templates_dir: Option<PathBuf>,
}

/// How fast letters of all workers together may go out; both limits hold where both are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The most letters a second.
    pub per_second: Option<u32>,
    /// The most letters a minute.
    pub per_minute: Option<u32>,
}

impl RateLimit {
    /// The stricter of the two, in letters a second; `None` means the provider's own quota.
    pub fn letters_per_second(self) -> Option<f64> {
        let per_minute = self.per_minute.map(|letters| f64::from(letters) / 60.0);
        match (self.per_second.map(f64::from), per_minute) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

impl Group for MailSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let transports = reader.value(&EMAIL_TRANSPORTS);
        let address = reader.value(&EMAIL_FROM_ADDRESS);
        let name = reader.optional(&EMAIL_FROM_NAME);
        let app_base_url = reader.value(&APP_BASE_URL);
        let unsubscribe_base_url = reader.optional(&UNSUBSCRIBE_BASE_URL);
        let batch_size = reader.value(&EMAIL_BATCH_SIZE);
        let per_second = reader.optional(&EMAIL_RATE_LIMIT_PER_SECOND);
        let per_minute = reader.optional(&EMAIL_RATE_LIMIT_PER_MINUTE);
        let send_log = reader.value(&EMAIL_SEND_LOG);
        let templates_dir = reader.optional(&EMAIL_TEMPLATES_DIR);
        Some(Self {
            transports: transports?,
            from: Sender { address: address?, name: name?.unwrap_or_default() },
            unsubscribe_base_url: unsubscribe_base_url?.or_else(|| app_base_url.clone())?,
            app_base_url: app_base_url?,
            email_batch_size: batch_size? as usize,
            rate: RateLimit { per_second: per_second?, per_minute: per_minute? },
            send_log: send_log?,
            templates_dir: templates_dir?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimit;

    #[test]
    fn the_stricter_of_two_limits_holds() {
        let limit = |per_second, per_minute| RateLimit { per_second, per_minute }.letters_per_second();
        assert_eq!(limit(None, None), None);
        assert_eq!(limit(Some(14), None), Some(14.0));
        assert_eq!(limit(None, Some(120)), Some(2.0));
        assert_eq!(limit(Some(14), Some(120)), Some(2.0));
        assert_eq!(limit(Some(1), Some(120)), Some(1.0));
    }
}
