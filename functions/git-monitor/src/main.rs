//! Wires the monitor to Lambda.

use git_monitor::JOB;
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::{GitHubSettings, MonitorSettings},
    hackathon::{Criterion, Monitoring, serve},
    lambda::Function,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, github): (MonitorSettings, GitHubSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitors = match Monitoring::of(settings, &started.aws, &started.records, &clock).await? {
        Some(monitoring) => git_monitor::monitor(&monitoring, &github, &started.aws).await?.into_iter().collect(),
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::CodeRepo).await
}
