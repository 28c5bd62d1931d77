//! Wires the keeper to Lambda.

use std::sync::Arc;

use lambda_runtime::Error;
use run_keeper::{JOB, Keeper, RequestRun};
use shared::{
    clock::Clock,
    config::{DeliverySettings, KeeperSettings, QueueSettings},
    lambda::Function,
    ports,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, queue, delivery) = function.values().read::<(KeeperSettings, QueueSettings, DeliverySettings)>()?;
    let clock = Clock::system();
    let news = ports::news(&delivery.news, &started.aws, &started.records, &clock).await?;
    let keeper = Keeper {
        queue: ports::invitations(&queue, &started.aws, &started.records).await?,
        objects: ports::objects(&delivery.objects, &started.aws).await?,
        door: Arc::new(RequestRun(news.clone())),
        news,
        records: started.records,
        clock,
        zone: settings.timezone,
        longest_run: settings.max_job_duration,
    };
    function.serve(async |_, invocation| keeper.keep(&invocation.deadline).await).await
}
