//! Wires both monitors to Lambda.

use cost_tracking::JOB;
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::{CostSettings, MonitorSettings},
    hackathon::{Criterion, Monitoring, serve},
    lambda::Function,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, costs): (MonitorSettings, CostSettings) = function.values().read()?;
    let clock = Clock::system();
    let monitors = match Monitoring::of(settings, &started.aws, &started.records, &clock).await? {
        Some(monitoring) => cost_tracking::monitors(&monitoring, &costs)?,
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::BudgetTracking).await
}
