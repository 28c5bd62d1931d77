//! Wires both monitors to Lambda.

use cost_tracking::{JOB, Rules};
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::MonitorSettings,
    hackathon::{Criterion, hub::Hub, serve},
    lambda::Function,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let settings: MonitorSettings = function.values().read()?;
    let clock = Clock::system();
    let monitors = match &settings.hub {
        Some(hub) => {
            let hub = Hub::from_settings(hub, &started.aws).await?;
            cost_tracking::monitors(&settings, &started.records, &clock, &hub, Rules::built_in())
        }
        None => Vec::new(),
    };
    serve(function, monitors, &clock, Criterion::BudgetTracking).await
}
