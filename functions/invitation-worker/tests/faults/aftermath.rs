//! What happens after the run: the nights conclude from silence, and a person has sent again what was not taken.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use futures_util::{FutureExt as _, future::join_all};
use shared::{
    clock::Clock,
    run::redrive::{self, Wanted},
};
use tests::cleaning;

use crate::{
    bench::{LANES, lane},
    fleet::Fleet,
    hearsay::Hearsay,
    world::World,
};

/// More than the hours after which silence counts, and than those of a day, so that every night is another.
const A_NIGHT: TimeDelta = TimeDelta::hours(25);

/// What a redrive takes, at most, until all that was not taken is sent.
const ROUNDS: usize = 100;

/// What came afterwards.
#[derive(Debug)]
pub struct Aftermath {
    /// The run, and its redrives.
    pub runs: Vec<i64>,
    /// How many letters were not taken, as their provider's silence says.
    pub not_taken: usize,
}

/// Lives on until a night finds nothing more to conclude.
pub async fn live_on(world: &Arc<World>, fleet: &Arc<Fleet>, hearsay: &mut Hearsay) -> Aftermath {
    let mut after = Aftermath { runs: vec![world.run], not_taken: 0 };
    for nights in 1.. {
        hearsay.hear_out(&world.ses).boxed().await;
        let archive = tempfile::tempdir().expect("a folder");
        let (_, done) = cleaning::clean(&world.records, &archive, Utc::now() + A_NIGHT * nights).boxed().await;
        let Some(&settled) = done.get("doubts_settled") else { break };
        after.not_taken += usize::try_from(settled).expect("a count of a test");
        let left = after.runs[after.runs.len() - 1];
        after.runs.push(redrive(world, fleet, left).boxed().await);
    }
    after
}

/// Has done again what a run left behind, by workers whom nothing happens to; gives the run that does it.
async fn redrive(world: &Arc<World>, fleet: &Arc<Fleet>, run: i64) -> i64 {
    let opened = redrive::open(&world.records, &Clock::system(), run, &Wanted::default()).await.expect("opened");
    let child = opened.run().id;
    for _ in 0..ROUNDS {
        if world.is_closed(child).boxed().await {
            return child;
        }
        world.end_leases().boxed().await;
        join_all((0..LANES).map(|_| lane(Arc::clone(world), Arc::clone(fleet), None).boxed())).await;
        world.show_messages_again();
    }
    panic!("redrive {child} does not end: {:?} are left", world.sqs.depth());
}
