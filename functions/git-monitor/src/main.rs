//! Wires the monitor to Lambda.

use git_monitor::JOB;
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::{GitHubSettings, MonitorSettings, PageSettings},
    hackathon::{Criterion, Monitoring, serve},
    lambda::Function,
    ports,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, pages, github): (MonitorSettings, PageSettings, GitHubSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitors = match Monitoring::of(settings, &started.aws, &started.records, &clock).await? {
        Some(monitoring) => {
            let monitoring = monitoring.with_workers(ports::pages(&pages, &started.aws).await?);
            git_monitor::monitor(&monitoring, &github, &started.aws).await?.into_iter().collect()
        }
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::CodeRepo).await
}
