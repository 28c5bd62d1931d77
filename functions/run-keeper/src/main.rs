//! Wires the keeper to Lambda.

use std::sync::Arc;

use lambda_runtime::Error;
use run_keeper::{JOB, Keeper, RequestRun};
use shared::{
    clock::Clock,
    config::{KeeperSettings, PlannerSettings},
    lambda::Function,
    news::RecordsNews,
    objects::FolderObjects,
    queue::RecordsQueue,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (planner, settings) = function.values().read::<(PlannerSettings, KeeperSettings)>()?;
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
    function.serve(async |_, _| keeper.keep().await).await
}
