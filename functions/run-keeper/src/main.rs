//! Wires the keeper to Lambda.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use run_keeper::{Keeper, RequestRun};
use serde_json::Value;
use shared::{
    clock::Clock,
    config::{DeliverySettings, KeeperSettings, PlannerSettings, QueueSettings},
    ports, startup,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let started = startup::start().await?;
    let (planner, settings, queue, delivery) =
        started.values.read::<(PlannerSettings, KeeperSettings, QueueSettings, DeliverySettings)>()?;
    let clock = Clock::system();
    let news = ports::news(&delivery.news, &started.aws, &started.records, &clock).await?;
    let keeper = Keeper {
        queue: ports::invitations(&queue, &started.aws, &started.records, settings.worker_timeout).await?,
        objects: ports::objects(&delivery, &started.aws).await?,
        door: Arc::new(RequestRun(news.clone())),
        news,
        records: started.records,
        clock,
        zone: planner.timezone,
        longest_run: settings.max_job_duration,
    };
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| keeper.keep().await)).await
}
