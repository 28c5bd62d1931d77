//! Wires both monitors to Lambda.

use cost_tracking::{JOB, Rules};
use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    config::MonitorSettings,
    firing::Firing,
    hackathon::{Criterion, hub::Hub},
    lambda::{Function, Invocation},
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let settings: MonitorSettings = function.values().read()?;
    let clock = Clock::system();
    let hub = match &settings.hub {
        Some(hub) => Some(Hub::from_settings(hub, &started.aws).await?),
        None => None,
    };
    let monitors = hub.map(|hub| cost_tracking::monitors(&settings, &started.records, &clock, &hub, Rules::built_in()));
    let fire = async |mut event: Value, invocation: Invocation| {
        let criterion = Criterion::taken_from(&mut event, Criterion::BudgetTracking)?;
        let firing = Firing::from_event(&event, criterion.job(), clock.now())?.traced(invocation.trace);
        let monitor = monitors.iter().flatten().find(|monitor| monitor.name() == criterion.job());
        match monitor {
            Some(monitor) => Ok(serde_json::to_value(monitor.fire(firing, invocation.deadline).await?)?),
            None => Ok(json!({"met": "switched off", "criterion": criterion.as_str()})),
        }
    };
    function.serve(fire).await
}
