//! A function that holds monitors, as Lambda runs it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Criterion, PageWorker, PagedJob};
use crate::{
    clock::Clock,
    firing::Firing,
    lambda::{Function, Invocation},
    sqs::Limits,
};

/// A page's teams are measured many at once already, and the function's deadline bounds them all.
const LIMITS: Limits = Limits { at_once: 1, record_timeout: Duration::MAX };

/// Fires of these monitors the one that an event is for; where it does not say which, that of `otherwise`. One that is
/// switched off does nothing, and says so. Messages of the function's queue are pages of their runs' teams.
///
/// # Errors
/// When Lambda's runtime cannot be reached any more.
pub async fn serve(
    function: Function,
    monitors: Vec<Arc<dyn PagedJob>>,
    clock: &Clock,
    otherwise: Criterion,
) -> Result<(), lambda_runtime::Error> {
    let worker = Arc::new(PageWorker::new(monitors.clone()));
    let fire = async |mut event: Value, invocation: Invocation| {
        let criterion = Criterion::taken_from(&mut event, otherwise)?;
        let firing = Firing::from_event(&event, criterion.job(), clock.now())?.traced(invocation.trace);
        match monitors.iter().find(|monitor| monitor.name() == criterion.job()) {
            Some(monitor) => Ok(serde_json::to_value(monitor.fire(firing, invocation.deadline).await?)?),
            None => Ok(json!({"met": "switched off", "criterion": criterion.as_str()})),
        }
    };
    function.serve_with_records(worker, LIMITS, fire).await
}
