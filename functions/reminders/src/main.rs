//! Wires the planner to Lambda.

use lambda_runtime::Error;
use reminders::{JOB, Planner};
use shared::{
    clock::Clock,
    config::{QueueSettings, ReminderSettings},
    firing::Firing,
    lambda::{Function, Invocation},
    ports,
    run::job::Job as _,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let (settings, queue) = function.values().read::<(ReminderSettings, QueueSettings)>()?;
    let clock = Clock::system();
    let planner = Planner {
        queue: ports::invitations(&queue, &started.aws, &started.records).await?,
        records: started.records,
        clock: clock.clone(),
        days: settings.days,
        when_in_doubt: settings.when_in_doubt,
    };
    let fire = async |event, invocation: Invocation| {
        let firing = Firing::from_event(&event, JOB, clock.now())?.traced(invocation.trace);
        planner.fire(firing, invocation.deadline).await
    };
    function.serve(fire).await
}
