//! What a send log promises, wherever it is.

use std::time::Duration;

use futures_util::future::join_all;
use shared::mail::quota::{Reservation, SendLog};

use crate::stores::{Store, granted, limits};

macro_rules! on_every_store {
    ($($promise:ident),+ $(,)?) => {
        on_every_store!(@in sqlite; $($promise),+);
        on_every_store!(@in mysql; $($promise),+);
        on_every_store!(@in redis; $($promise),+);
    };
    (@in $store:ident; $($promise:ident),+) => {
        mod $store {
            use crate::stores::Store;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(&Store::$store().await).await;
                }
            )+
        }
    };
}

on_every_store!(
    a_log_without_a_memory_grants_nothing_until_it_is_told,
    workers_at_once_never_start_more_than_a_second_s_letters_in_any_second,
    a_grant_is_cut_to_what_has_room_and_waits_its_turn,
    what_would_come_too_late_costs_nothing,
    a_restart_keeps_the_count_of_the_day,
    a_day_is_24_hours_and_its_letters_come_free_as_they_grow_older,
    what_others_have_sent_counts_as_it_was_last_told,
    a_log_that_lost_its_memory_takes_the_own_letters_it_is_told_of,
    nothing_starts_while_the_provider_asks_for_a_slower_pace,
);

const SECOND: i64 = 1_000_000;

async fn seeded(store: &Store, others: u64) -> Box<dyn SendLog> {
    let log = store.log();
    log.seed(0, Some(others)).await.expect("told");
    log
}

/// How many letters of a day are granted until nothing more is.
async fn drained(log: &dyn SendLog, per_day: u64) -> u32 {
    let mut letters = 0;
    while let Some((more, _)) = granted(log, limits(1_000.0, Some(per_day)), 400).await {
        letters += more;
    }
    letters
}

async fn a_log_without_a_memory_grants_nothing_until_it_is_told(store: &Store) {
    let log = store.log();
    let ask = || log.reserve(limits(14.0, None), 5, Duration::ZERO);
    assert_eq!(ask().await.expect("there"), Reservation::Unseeded);
    log.hold(Duration::ZERO).await.expect("told");
    assert_eq!(ask().await.expect("there"), Reservation::Unseeded);
    log.seed(0, Some(0)).await.expect("told");
    assert!(matches!(ask().await.expect("there"), Reservation::Granted { letters: 5, .. }));
    store.forget().await;
    assert_eq!(ask().await.expect("there"), Reservation::Unseeded);
}

async fn workers_at_once_never_start_more_than_a_second_s_letters_in_any_second(store: &Store) {
    seeded(store, 0).await;
    let worker = |number: u32| async move {
        let (log, mut grants) = (store.another().await, Vec::new());
        for round in 0..6 {
            grants.extend(granted(&*log, limits(50.0, None), 1 + (number * 7 + round * 11) % 60).await);
        }
        grants
    };
    let mut grants: Vec<_> = join_all((0..8).map(worker)).await.concat();
    grants.sort_by_key(|(_, at)| *at);
    assert!(grants.len() > 20, "{} grants", grants.len());
    for (_, from) in &grants {
        let within = grants.iter().filter(|(_, at)| (*from..from + SECOND).contains(at));
        assert!(within.map(|(letters, _)| letters).sum::<u32>() <= 50, "{grants:?}");
    }
    let letters: u32 = grants.iter().map(|(letters, _)| letters).sum();
    let taken = grants[grants.len() - 1].1 - grants[0].1;
    assert!(i64::from(letters) * SECOND >= taken * 25, "{letters} letters in {taken} µs: half the rate, at the least");
}

async fn a_grant_is_cut_to_what_has_room_and_waits_its_turn(store: &Store) {
    let log = seeded(store, 0).await;
    let mut grants = Vec::new();
    for wanted in [5, 14, 50, 3] {
        grants.push(granted(&*log, limits(14.0, None), wanted).await.expect("in time"));
    }
    let begun = grants[0].1;
    let letters: Vec<_> = grants.iter().map(|(letters, _)| *letters).collect();
    let waits: Vec<_> = grants.iter().map(|(_, at)| (at - begun) / SECOND).collect();
    // The third waits until half of what it wants has room, which is when the second's have passed.
    assert_eq!((&letters[..2], &waits[..2]), (&[5, 9][..], &[0, 0][..]));
    assert_eq!((letters[2], waits[2]), (14, 1));
    assert_eq!((letters[3], waits[3]), (3, 2));
}

async fn what_would_come_too_late_costs_nothing(store: &Store) {
    let log = seeded(store, 0).await;
    granted(&*log, limits(0.01, None), 1).await.expect("the first needs no wait");
    for _ in 0..3 {
        let refused = log.reserve(limits(0.01, None), 1, Duration::from_secs(20)).await.expect("there");
        let Reservation::Later(wait) = refused else { panic!("{refused:?}") };
        assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(100), "{wait:?}");
    }
    store.pass(Duration::from_secs(100));
    granted(&*log, limits(0.01, None), 1).await.expect("those who were refused took no turn");
}

async fn a_restart_keeps_the_count_of_the_day(store: &Store) {
    let log = seeded(store, 0).await;
    let before = granted(&*log, limits(100.0, Some(70)), 60).await.expect("in time");
    drop(log);
    let after = store.another().await;
    assert_eq!((before.0, drained(&*after, 70).await), (60, 10));
}

async fn a_day_is_24_hours_and_its_letters_come_free_as_they_grow_older(store: &Store) {
    let log = seeded(store, 0).await;
    let ask = || granted(&*log, limits(100.0, Some(100)), 40);
    assert_eq!(ask().await.map(|(letters, _)| letters), Some(40));
    store.pass(Duration::from_hours(12));
    assert_eq!(drained(&*log, 100).await, 60);
    store.pass(Duration::from_mins(11 * 60 + 59));
    assert_eq!(ask().await, None);
    store.pass(Duration::from_mins(1));
    assert_eq!(drained(&*log, 100).await, 40, "those of the first hour, and not those of the twelfth");
}

async fn what_others_have_sent_counts_as_it_was_last_told(store: &Store) {
    let log = seeded(store, 0).await;
    granted(&*log, limits(100.0, Some(100)), 30).await.expect("in time");
    log.seed(1_000, Some(60)).await.expect("told");
    assert_eq!(drained(&*log, 100).await, 10, "and it remembers its own");
    log.seed(1_000, Some(20)).await.expect("told");
    assert_eq!(drained(&*log, 100).await, 40);
    log.seed(0, Some(1_000)).await.expect("told");
    log.seed(0, None).await.expect("told");
    assert_eq!(granted(&*log, limits(100.0, Some(100)), 1).await, None);
}

async fn nothing_starts_while_the_provider_asks_for_a_slower_pace(store: &Store) {
    let log = seeded(store, 0).await;
    let (_, before) = granted(&*log, limits(100.0, None), 1).await.expect("in time");
    log.hold(Duration::from_secs(10)).await.expect("told");
    log.hold(Duration::from_secs(1)).await.expect("told");
    let (_, after) = granted(&*log, limits(100.0, None), 1).await.expect("in time");
    assert!(after >= before + 10 * SECOND, "a shorter time does not end a longer one");
}

async fn a_log_that_lost_its_memory_takes_the_own_letters_it_is_told_of(store: &Store) {
    let log = seeded(store, 0).await;
    granted(&*log, limits(100.0, Some(100)), 60).await.expect("in time");
    store.forget().await;
    log.seed(60, None).await.expect("told");
    log.seed(60, Some(15)).await.expect("told");
    assert_eq!(drained(&*log, 100).await, 25);
    log.seed(60, Some(0)).await.expect("told");
    assert_eq!(drained(&*log, 100).await, 15, "the own are not told of twice");
}
