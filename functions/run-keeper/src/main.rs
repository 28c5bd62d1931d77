//! Wires the keeper to Lambda.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use run_keeper::{Keeper, RequestRun};
use serde_json::Value;
use shared::{
    clock::Clock,
    config::{KeeperSettings, PlannerSettings},
    news::RecordsNews,
    objects::FolderObjects,
    queue::RecordsQueue,
    startup,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let started = startup::start().await?;
    let (planner, settings) = started.values.read::<(PlannerSettings, KeeperSettings)>()?;
    let clock = Clock::system();
    let news = Arc::new(RecordsNews::new(started.records.clone(), clock.clone()));
    let keeper = Keeper {
        queue: Arc::new(RecordsQueue::invitations(started.records.clone(), settings.worker_timeout)),
        objects: Arc::new(FolderObjects::new(started.engine.home.join("objects"))?),
        door: Arc::new(RequestRun(news.clone())),
        news,
        records: started.records,
        clock,
        zone: planner.timezone,
        longest_run: settings.max_job_duration,
    };
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| keeper.keep().await)).await
}
