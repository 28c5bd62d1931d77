//! The stack in the emulator: what infra/emulated_stack.py says of it, and clients for what is in it.

use std::{collections::BTreeMap, env, fs, path::PathBuf, time::Duration};

use aws_smithy_http_client::{
    Builder as HttpClient,
    tls::{Provider, rustls_provider::CryptoMode},
};
use serde_json::Value;
use tests::sqs_pump::Mapping;

/// Signs calls to the emulator, which does not look at it.
const KEY: &str = "proof";

/// The stack.
#[derive(Debug)]
pub struct Stack {
    endpoint: String,
    functions: PathBuf,
    told: Value,
}

/// The configuration of one SDK crate's client for the emulator: each crate has types of its own for the same things.
macro_rules! configuration {
    ($sdk:ident, $stack:expr) => {
        $sdk::Config::builder()
            .behavior_version_latest()
            .http_client(HttpClient::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
            .endpoint_url(&$stack.endpoint)
            .region($sdk::config::Region::new($stack.text("/region").to_owned()))
            .credentials_provider($sdk::config::Credentials::new(KEY, KEY, None, None, KEY))
    };
}

impl Stack {
    /// The stack that `infra/prove` has made.
    pub fn of_the_environment() -> Self {
        let variable = |name| env::var(name).unwrap_or_else(|_| panic!("{name} is not set: infra/prove runs this"));
        let outputs = fs::read_to_string(variable("ALMANAC_TEST_AWS_OUTPUTS")).expect("the stack's outputs");
        Self {
            endpoint: variable("ALMANAC_TEST_AWS_ENDPOINT"),
            functions: variable("ALMANAC_TEST_FUNCTIONS").into(),
            told: serde_json::from_str(&outputs).expect("JSON"),
        }
    }

    /// Where the emulator is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The address of what the template calls `name`.
    pub fn address(&self, name: &str) -> &str {
        self.text(&format!("/addresses/{name}"))
    }

    /// The bus's name.
    pub fn bus(&self) -> &str {
        self.text("/bus")
    }

    /// The queue to which the bus hands what it would hand to that function.
    pub fn fired(&self, job: &str) -> &str {
        self.text(&format!("/fired/{}", self.name_of(job)))
    }

    /// The mapping from the queue that the template calls `queue`, as the emulator knows it.
    pub fn mapping(&self, queue: &str) -> Mapping {
        let url = self.address(queue);
        let said = &self.told["mappings"][url.rsplit('/').next().unwrap_or_default()];
        let number = |name: &str| said[name].as_u64().unwrap_or_else(|| panic!("{name} in {said}"));
        Mapping {
            queue_url: url.to_owned(),
            queue_arn: said["queue_arn"].as_str().expect("an ARN").to_owned(),
            batch_size: usize::try_from(number("batch_size")).expect("a small number"),
            window: Duration::from_secs(number("window_seconds")),
            most_at_once: usize::try_from(number("most_at_once")).expect("a small number"),
        }
    }

    /// The function's own binary.
    pub fn binary(&self, job: &str) -> String {
        self.functions.join(job).display().to_string()
    }

    /// What the template gives the function for its environment, and the way to the emulator. Lambda itself says how to
    /// log, as every function's LoggingConfig has it.
    pub fn environment(&self, job: &str) -> BTreeMap<String, String> {
        let given = &self.told["environments"][self.name_of(job)];
        let given = given.as_object().unwrap_or_else(|| panic!("the environment of {job}"));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut environment: BTreeMap<_, _> = given.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        environment.insert("AWS_LAMBDA_LOG_FORMAT".to_owned(), "JSON".to_owned());
        environment.insert("AWS_ENDPOINT_URL".to_owned(), self.endpoint.clone());
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            environment.insert(name.to_owned(), KEY.to_owned());
        }
        environment
    }

    /// The secrets.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::from_conf(configuration!(aws_sdk_secretsmanager, self).build())
    }

    /// The queues.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::from_conf(configuration!(aws_sdk_sqs, self).build())
    }

    /// The buses.
    pub fn buses(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::from_conf(configuration!(aws_sdk_eventbridge, self).build())
    }

    /// The topics.
    pub fn topics(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::from_conf(configuration!(aws_sdk_sns, self).build())
    }

    /// The buckets. The emulator has no host name for each.
    pub fn buckets(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(configuration!(aws_sdk_s3, self).force_path_style(true).build())
    }

    fn name_of(&self, job: &str) -> String {
        format!("{}-{job}", self.text("/stack"))
    }

    fn text(&self, pointer: &str) -> &str {
        let text = self.told.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("{pointer} is not in the stack's outputs"))
    }
}
