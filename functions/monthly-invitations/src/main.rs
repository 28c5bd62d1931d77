//! Wires the planner to Lambda.

use std::sync::Arc;

use lambda_runtime::Error;
use monthly_invitations::{JOB, Planner};
use shared::{
    clock::Clock,
    config::{KeeperSettings, PlannerSettings},
    firing::Firing,
    lambda::{Function, Invocation},
    queue::RecordsQueue,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, keeper) = function.values().read::<(PlannerSettings, KeeperSettings)>()?;
    let clock = Clock::system();
    let planner = Planner {
        queue: Arc::new(RecordsQueue::invitations(started.records.clone(), keeper.worker_timeout)),
        records: started.records,
        clock: clock.clone(),
        zone: settings.timezone,
        batch_size: settings.batch_size as usize,
    };
    let fire = async |event, invocation: Invocation| {
        let firing = Firing::from_event(&event, clock.now())?.traced(invocation.trace);
        planner.fire(firing, invocation.deadline).await
    };
    function.serve(fire).await
}
