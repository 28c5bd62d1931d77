//! Wires the monitor to Lambda.

use deployment_monitor::JOB;
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::{MonitorSettings, PageSettings, ProbeSettings},
    hackathon::{Criterion, Monitoring, serve},
    lambda::Function,
    ports,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, pages, probes): (MonitorSettings, PageSettings, ProbeSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitors = match Monitoring::of(settings, &started.aws, &started.records, &clock).await? {
        Some(monitoring) => {
            let monitoring = monitoring.with_workers(ports::pages(&pages, &started.aws).await?);
            deployment_monitor::monitor(&monitoring, &probes)?.into_iter().collect()
        }
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::DeployedSolution).await
}
