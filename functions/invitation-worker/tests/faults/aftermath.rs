//! What happens after the run: the nights conclude from silence, and a person has sent again what was not taken.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use futures_util::FutureExt as _;
use shared::{
    clock::Clock,
    run::redrive::{self, Wanted},
};
use tests::cleaning;

use crate::{fleet::Fleet, hearsay::Hearsay, quiet, world::World};

/// More than the hours after which silence counts, and than those of a day, so that every night is another.
const A_NIGHT: TimeDelta = TimeDelta::hours(25);

/// Lives on after a run until a night finds nothing more to conclude; gives how many letters were not taken, as their
/// provider's silence says.
pub async fn live_on(world: &Arc<World>, fleet: &Arc<Fleet>, hearsay: &mut Hearsay, run: i64) -> usize {
    let (mut not_taken, mut last) = (0, run);
    for nights in 1.. {
        hearsay.hear_out(&world.ses).boxed().await;
        let archive = tempfile::tempdir().expect("a folder");
        let (_, done) = cleaning::clean(&world.records, &archive, Utc::now() + A_NIGHT * nights).boxed().await;
        let Some(&settled) = done.get("doubts_settled") else { break };
        not_taken += usize::try_from(settled).expect("a count of a test");
        last = redrive(world, fleet, last).boxed().await;
    }
    not_taken
}

/// Has done again what a run left behind, by workers whom nothing happens to; gives the run that does it.
async fn redrive(world: &Arc<World>, fleet: &Arc<Fleet>, run: i64) -> i64 {
    let opened = redrive::open(&world.records, &Clock::system(), run, &Wanted::default()).await.expect("opened");
    let child = opened.run().id;
    quiet::work(world, fleet, child).await;
    child
}
