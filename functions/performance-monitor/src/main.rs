//! Wires the four monitors to Lambda.

use lambda_runtime::Error;
use performance_monitor::FUNCTION;
use shared::{
    clock::Clock,
    config::{LoadTestSettings, MonitorSettings},
    hackathon::{Criterion, hub::Hub, serve},
    lambda::Function,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(FUNCTION).await?;
    let (settings, load_tests): (MonitorSettings, LoadTestSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitors = match &settings.hub {
        Some(hub) => {
            let hub = Hub::from_settings(hub, &started.aws).await?;
            performance_monitor::monitors(&settings, &load_tests, &started.aws, &started.records, &clock, &hub).await?
        }
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::EventSearch).await
}
