//! Wires the four monitors to Lambda.

use lambda_runtime::Error;
use performance_monitor::FUNCTION;
use shared::{
    clock::Clock,
    config::{LoadTestSettings, MonitorSettings, PageSettings},
    hackathon::{Criterion, Monitoring, serve},
    lambda::Function,
    ports,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(FUNCTION).await?;
    let (settings, pages, load_tests): (MonitorSettings, PageSettings, LoadTestSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitors = match Monitoring::of(settings, &started.aws, &started.records, &clock).await? {
        Some(monitoring) => {
            let monitoring = monitoring.with_workers(ports::pages(&pages, &started.aws).await?);
            performance_monitor::monitors(&monitoring, &load_tests, &started.aws).await?
        }
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::EventSearch).await
}
