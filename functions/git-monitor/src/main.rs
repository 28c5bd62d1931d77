//! Wires the monitor to Lambda.

use git_monitor::JOB;
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::{GitHubSettings, MonitorSettings},
    hackathon::{Criterion, hub::Hub, serve},
    lambda::Function,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, github): (MonitorSettings, GitHubSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitor = match &settings.hub {
        Some(at) => {
            let hub = Hub::from_settings(at, &started.aws).await?;
            git_monitor::monitor(&settings, &github, &started.aws, &started.records, &clock, &hub).await?
        }
        None => None,
    };
    serve(function, monitor.into_iter().collect(), &clock, Criterion::CodeRepo).await
}
