//! Wires the monitor to Lambda.

use deployment_monitor::JOB;
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::{MonitorSettings, ProbeSettings},
    hackathon::{Criterion, hub::Hub, serve},
    lambda::Function,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, probes): (MonitorSettings, ProbeSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitor = match &settings.hub {
        Some(hub) => {
            let hub = Hub::from_settings(hub, &started.aws).await?;
            deployment_monitor::monitor(&settings, &probes, &started.records, &clock, &hub)?
        }
        None => None,
    };
    serve(function, monitor.into_iter().collect(), &clock, Criterion::DeployedSolution).await
}
