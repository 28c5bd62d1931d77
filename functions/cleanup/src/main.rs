//! Wires the clean-up to Lambda.

use cleanup::{Cleanup, JOB};
use lambda_runtime::Error;
use shared::{
    clock::Clock,
    config::CleanupSettings,
    firing::Firing,
    lambda::{Function, Invocation},
    ports,
    run::job::Job as _,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let settings: CleanupSettings = function.values().read()?;
    let clock = Clock::system();
    let cleanup = Cleanup {
        objects: ports::objects(&settings.objects, &started.aws).await?,
        records: started.records,
        clock: clock.clone(),
        zone: settings.timezone,
        retention_days: settings.expired_retention_days,
        silence_hours: settings.silence_hours,
        history_hours: settings.metrics_retention_hours,
    };
    let fire = async |event, invocation: Invocation| {
        let firing = Firing::from_event(&event, JOB, clock.now())?.traced(invocation.trace);
        cleanup.fire(firing, invocation.deadline).await
    };
    function.serve(fire).await
}
