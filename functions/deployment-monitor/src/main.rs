//! Wires the monitor to Lambda.

use deployment_monitor::JOB;
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::{MonitorSettings, ProbeSettings},
    hackathon::{Criterion, Monitoring, serve},
    lambda::Function,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, probes): (MonitorSettings, ProbeSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitors = match Monitoring::of(settings, &started.aws, &started.records, &clock).await? {
        Some(monitoring) => deployment_monitor::monitor(&monitoring, &probes)?.into_iter().collect(),
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::DeployedSolution).await
}
