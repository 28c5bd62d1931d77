//! Alerts to an SNS topic.

use anyhow::Context as _;
use async_trait::async_trait;
use aws_sdk_sns::Client;
use futures_util::future::join_all;

use super::{Aws, client::Patience, fault::Fault};
use crate::news::{News, Notice};

/// The longest subject of a message.
const SUBJECT: usize = 100;

/// What stands before the subject, so that a reader of mail knows whose alert it is.
const WHOSE: &str = "Almanac: ";

/// An SNS topic: a notice's subject is the message's, its body the message.
#[derive(Debug, Clone)]
pub struct SnsNews {
    client: Client,
    topic: String,
    setting: &'static str,
}

impl SnsNews {
    /// The topic with that ARN, which the setting of that name gave.
    pub async fn new(aws: &Aws, topic: &str, setting: &'static str, patience: Patience) -> anyhow::Result<Self> {
        let config = aws.config("SNS", patience).await?;
        Ok(Self { client: Client::new(&config), topic: topic.to_owned(), setting })
    }

    async fn tell(&self, notice: &Notice) -> anyhow::Result<()> {
        let message = self.client.publish().topic_arn(&self.topic).subject(subject(&notice.subject));
        let told = message.message(&notice.body).send().await.map(drop);
        told.map_err(|error| Fault::of(&error))
            .with_context(|| format!("SNS, at the topic that {} names", self.setting))
    }
}

#[async_trait]
impl News for SnsNews {
    /// Alerts are rare, so each is a call of its own; all at once, so that a silent topic is waited for once.
    async fn publish(&self, notices: &[Notice]) -> Vec<anyhow::Result<()>> {
        join_all(notices.iter().map(|notice| self.tell(notice))).await
    }
}

/// SNS takes at most 100 ASCII characters, none of which ends a line.
fn subject(about: &str) -> String {
    let plain = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    format!("{WHOSE}{about}").chars().map(plain).take(SUBJECT).collect()
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn a_subject_is_one_short_line_of_ascii() {
        assert_eq!(subject("job-failed"), "Almanac: job-failed");
        assert_eq!(subject("é\nx"), "Almanac: ??x");
        assert_eq!(subject(&"x".repeat(200)).len(), 100);
    }
}
