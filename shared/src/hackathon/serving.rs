//! A function that holds monitors, as Lambda runs it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Criterion;
use crate::{
    clock::Clock,
    firing::Firing,
    lambda::{Function, Invocation},
    run::job::Job,
};

/// Fires of these monitors the one that an event is for; where it does not say which, that of `otherwise`. One that is
/// switched off does nothing, and says so.
///
/// # Errors
/// When Lambda's runtime cannot be reached any more.
pub async fn serve(
    function: Function,
    monitors: Vec<Arc<dyn Job>>,
    clock: &Clock,
    otherwise: Criterion,
) -> Result<(), lambda_runtime::Error> {
    let fire = async |mut event: Value, invocation: Invocation| {
        let criterion = Criterion::taken_from(&mut event, otherwise)?;
        let firing = Firing::from_event(&event, criterion.job(), clock.now())?.traced(invocation.trace);
        match monitors.iter().find(|monitor| monitor.name() == criterion.job()) {
            Some(monitor) => Ok(serde_json::to_value(monitor.fire(firing, invocation.deadline).await?)?),
            None => Ok(json!({"met": "switched off", "criterion": criterion.as_str()})),
        }
    };
    function.serve(fire).await
}
