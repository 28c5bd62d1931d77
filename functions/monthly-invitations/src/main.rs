//! Wires the planner to Lambda.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use monthly_invitations::{JOB, Planner};
use serde_json::Value;
use shared::{
    clock::Clock,
    config::{KeeperSettings, PlannerSettings, QueueSettings},
    firing::Firing,
    ports,
    sqs::Deadline,
    startup,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let started = startup::start().await?;
    let (settings, keeper, queue) = started.values.read::<(PlannerSettings, KeeperSettings, QueueSettings)>()?;
    let clock = Clock::system();
    let planner = Planner {
        queue: ports::invitations(&queue, &started.aws, &started.records, keeper.worker_timeout).await?,
        records: started.records,
        clock: clock.clone(),
        zone: settings.timezone,
        batch_size: settings.batch_size as usize,
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let firing = Firing::from_event(&event.payload, JOB, clock.now())?;
        planner.fire(firing, Deadline::of(&event.context)).await
    }))
    .await
}
