//! How clients are made: the HTTP client, region and credentials once per cold start, and for each service how long a
//! call may take and how often it is tried.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use aws_config::{
    BehaviorVersion, ConfigLoader, Region, SdkConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_sdk_sqs::config::Credentials;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use tokio::{sync::OnceCell, time::Instant};

use crate::random;

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Shorter than a server waits, so that no call goes out on a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Only signs calls to a stand-in, which does not look at it.
const STAND_IN_REGION: &str = "eu-west-1";

/// How long a service may take, and how often it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one try.
    pub per_try: Duration,
    /// For all tries and the waits between them; no try begins later.
    pub per_call: Duration,
    /// How often a call is tried.
    pub tries: u32,
    /// About how long to wait before the second try; later waits are longer.
    pub first_wait: Duration,
}

impl Patience {
    /// For small requests: queue, topic, bus and secret. A keeping has 50 seconds for everything.
    pub const SMALL: Self = Self {
        per_try: Duration::from_secs(5),
        per_call: Duration::from_secs(15),
        tries: 4,
        first_wait: Duration::from_millis(500),
    };

    /// For whole files, or 8 MiB of one.
    pub const FILE: Self = Self { per_try: Duration::from_secs(15), per_call: Duration::from_secs(30), ..Self::SMALL };

    /// How long to wait after `tries` tries of what began at `begun`: between half and the whole of a time that doubles.
    /// `None` when it is not tried again.
    pub(super) fn wait(self, tries: u32, begun: Instant) -> Option<Duration> {
        let wait = random::jitter(self.first_wait.saturating_mul(1 << tries.saturating_sub(1).min(10)));
        (tries < self.tries && begun.elapsed() + wait < self.per_call).then_some(wait)
    }

    fn retries(self) -> RetryConfig {
        RetryConfig::standard().with_max_attempts(self.tries).with_initial_backoff(self.first_wait)
    }

    fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(self.per_try)
            .operation_timeout(self.per_call)
            .build()
    }
}

/// Where clients of AWS come from. Region and credentials are looked up when the first client is wanted, and only once.
#[derive(Debug, Clone, Default)]
pub struct Aws {
    stand_in: Option<String>,
    config: Arc<OnceCell<SdkConfig>>,
}

impl Aws {
    /// As the environment says: `AWS_REGION`, credentials, and `AWS_ENDPOINT_URL` where it is another place than AWS.
    pub fn from_environment() -> Self {
        Self::default()
    }

    /// At another place than AWS, such as `http://127.0.0.1:4566`. Where the environment has no region and credentials,
    /// made-up ones do.
    pub fn stand_in(endpoint: impl Into<String>) -> Self {
        Self { stand_in: Some(endpoint.into()), ..Self::default() }
    }

    /// What a client of that service is made from.
    ///
    /// # Errors
    /// When there is no region.
    pub(super) async fn config(&self, service: &'static str, patience: Patience) -> anyhow::Result<SdkConfig> {
        // Boxed, because this future is large and stands in those of all who open something.
        let load = || Box::pin(async { loader(self.stand_in.as_deref()).load().await });
        let config = self.config.get_or_init(load).await;
        config.region().with_context(|| format!("AWS_REGION is not set, and {service} is a regional service"))?;
        let config = config.to_builder().retry_config(patience.retries()).timeout_config(patience.timeouts());
        Ok(config.build())
    }
}

/// Whether the endpoint is another place than AWS; `variable` is the service's own name for it.
pub(super) fn is_elsewhere(config: &SdkConfig, variable: &str) -> bool {
    config.endpoint_url().is_some() || std::env::var_os(variable).is_some()
}

/// The beginning of every client's configuration. Tries nothing twice and waits for ever, unless told otherwise.
pub(crate) fn loader(stand_in: Option<&str>) -> ConfigLoader {
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(
            aws_smithy_http_client::Builder::new()
                .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
                .pool_idle_timeout(IDLE_TIMEOUT)
                .build_https(),
        )
        .retry_config(RetryConfig::disabled())
        // The time-outs say the same more plainly.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    match stand_in {
        Some(endpoint) => made_up(loader.endpoint_url(endpoint)),
        None => loader,
    }
}

fn made_up(loader: ConfigLoader) -> ConfigLoader {
    let unset = |name| std::env::var_os(name).is_none();
    let loader = if unset("AWS_REGION") && unset("AWS_DEFAULT_REGION") {
        loader.region(Region::from_static(STAND_IN_REGION))
    } else {
        loader
    };
    if unset("AWS_ACCESS_KEY_ID") {
        loader.credentials_provider(Credentials::new("stand-in", "stand-in", None, None, "stand-in"))
    } else {
        loader
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_double_and_end_with_the_tries_and_with_the_time() {
        let first_wait = Duration::from_millis(100);
        let patience = Patience { first_wait, tries: 4, per_call: Duration::from_secs(1), ..Patience::SMALL };
        let begun = Instant::now();
        for (tries, most) in [(1, 100), (2, 200), (3, 400)] {
            let wait = patience.wait(tries, begun).expect("one more").as_millis();
            assert!((most / 2..=most).contains(&wait), "{tries}: {wait}");
        }
        assert_eq!(patience.wait(4, begun), None, "four tries are made");
        tokio::time::advance(Duration::from_millis(960)).await;
        assert_eq!(patience.wait(1, begun), None, "the time would be over");
    }
}
