//! A run's life, in rounds: some workers at once, something happens to each, then time passes.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{FutureExt as _, future::join_all};
use tests::{dice::Dice, runs::firing, sqs_pump::receives};

use crate::{
    aftermath,
    count::Count,
    fleet::{Fleet, Invocation, Zombie},
    hearsay::{Feedback, Hearsay},
    peril::{self, Peril},
    quiet,
    world::World,
};

/// How large a bench is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Workers that are killed.
    pub kills: usize,
    /// Workers that stand still and wake up.
    pub freezes: usize,
    /// Deaths of the database.
    pub restarts: usize,
    /// Users of the run.
    pub users: usize,
}

/// How many workers are under way at once.
pub const LANES: usize = 3;

/// No more happens to a message that was received so often: one more and it may be a dead letter, and its batch waits for
/// a person.
const SPARED_RECEIVES: u32 = 4;

/// The most rounds for each peril: more, and the run stands still.
const ROUNDS: u64 = 40;

/// Lives through a run; `None` where there is no MariaDB.
pub async fn live_through(size: Size, feedback: Feedback, mut dice: Dice) -> Option<Count> {
    let world = Arc::new(World::new(dice.for_part(1)).boxed().await?);
    let fleet = Arc::new(Fleet::default());
    quiet::evening(&world, &fleet, quiet::BEFORE).boxed().await;
    world.retire_users().boxed().await;
    let run = world.plan(firing(), size.users).boxed().await;
    let mut hearsay = Hearsay::new(world.door(), feedback, dice.for_part(2));
    let mut perils = peril::all(size, &mut dice);
    let last = ROUNDS * (perils.len() as u64 + 10);
    let mut round = 0;
    while !(world.is_closed(run).boxed().await && fleet.has_no_zombie()) {
        round += 1;
        assert!(round < last, "the run does not end: {:?} are left", world.sqs.depth());
        let wake = dice.happens(50) || perils.is_empty();
        let zombies = if wake { fleet.zombies() } else { Vec::new() };
        let lanes = (0..LANES).map(|_| {
            let (world, fleet, peril) = (Arc::clone(&world), Arc::clone(&fleet), perils.pop_front());
            async move { lane(world, fleet, peril).await }.boxed()
        });
        let (unmet, ..) = tokio::join!(
            join_all(lanes),
            join_all(zombies.into_iter().map(Zombie::wake)),
            hearsay.hear(&world.ses, round).boxed(),
        );
        unmet.into_iter().flatten().for_each(|peril| perils.push_front(peril));
        // A message may come again before the lease of its first worker is over, and after.
        if dice.happens(75) {
            world.show_messages_again();
        }
        if dice.happens(75) {
            world.end_leases().boxed().await;
            // One may wake up before anybody else has gone on with its batch.
            if dice.happens(50) {
                join_all(fleet.zombies().into_iter().map(Zombie::wake)).await;
            }
        }
    }
    assert!(perils.is_empty(), "the run ended before {} of its perils", perils.len());
    quiet::evening(&world, &fleet, quiet::AFTER).boxed().await;
    let not_taken = aftermath::live_on(&world, &fleet, &mut hearsay, run).boxed().await;
    Some(Count::of(&world, &fleet, &hearsay, not_taken, feedback).boxed().await)
}

/// Hands one message to a worker; gives back the peril when it did not come to that.
pub async fn lane(world: Arc<World>, fleet: Arc<Fleet>, peril: Option<Peril>) -> Option<Peril> {
    let messages = world.pump.gather().await;
    if messages.is_empty() {
        return peril;
    }
    let spared = messages.iter().any(|message| receives(message) >= SPARED_RECEIVES);
    let happened = Arc::new(Mutex::new(false));
    let invocation = Invocation {
        world: Arc::clone(&world),
        fleet,
        peril: peril.filter(|_| !spared),
        happened: Arc::clone(&happened),
    };
    world.pump.deliver(messages, &invocation).await;
    let happened = *happened.lock().unwrap_or_else(PoisonError::into_inner);
    // What came too late comes at the first occasion next time.
    peril.filter(|_| !happened).map(|peril| Peril { times: if spared { peril.times } else { 1 }, ..peril })
}
