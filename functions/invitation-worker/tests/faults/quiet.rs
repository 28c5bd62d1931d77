//! Evenings on which nothing happens to anybody: before the run and after it, so that each of its calls lies between others
//! of which the provider speaks.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, future::join_all};
use shared::firing::{Firing, Trigger};

use crate::{
    bench::{LANES, lane},
    fleet::Fleet,
    world::World,
};

/// The month before.
pub const BEFORE: &str = "2026-10-05T16:00:00Z";

/// The evening after.
pub const AFTER: &str = "2026-11-06T17:00:00Z";

/// How many users there are on such an evening.
const USERS: usize = 8;

/// What a run takes, at most.
const ROUNDS: usize = 100;

/// Lives through an evening of new users.
pub async fn evening(world: &Arc<World>, fleet: &Arc<Fleet>, at: &str) {
    let at: DateTime<Utc> = at.parse().expect("a moment");
    let run = world.plan(Firing::new(at, Trigger::Manual), USERS).boxed().await;
    work(world, fleet, run).boxed().await;
}

/// Has a run worked to its end.
pub async fn work(world: &Arc<World>, fleet: &Arc<Fleet>, run: i64) {
    for _ in 0..ROUNDS {
        if world.is_closed(run).boxed().await {
            return;
        }
        world.end_leases().boxed().await;
        join_all((0..LANES).map(|_| lane(Arc::clone(world), Arc::clone(fleet), None).boxed())).await;
        world.show_messages_again();
    }
    panic!("run {run} does not end: {:?} are left", world.sqs.depth());
}
