//! Wires the planner to Lambda.

use lambda_runtime::Error;
use monthly_invitations::{JOB, Planner};
use shared::{
    clock::Clock,
    config::{PlannerSettings, QueueSettings},
    firing::Firing,
    lambda::{Function, Invocation},
    ports,
    run::job::Job as _,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, queue) = function.values().read::<(PlannerSettings, QueueSettings)>()?;
    let clock = Clock::system();
    let planner = Planner {
        queue: ports::invitations(&queue, &started.aws, &started.records).await?,
        records: started.records,
        clock: clock.clone(),
        zone: settings.timezone,
        batch_size: settings.batch_size as usize,
        deadline: settings.deadline,
        when_in_doubt: settings.when_in_doubt,
    };
    let fire = async |event, invocation: Invocation| {
        let firing = Firing::from_event(&event, JOB, clock.now())?.traced(invocation.trace);
        planner.fire(firing, invocation.deadline).await
    };
    function.serve(fire).await
}
