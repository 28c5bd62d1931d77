//! The queue of one machine keeps SQS's promises, on every database.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use shared::{
    process::Holder,
    queue::{MAX_RECEIVES, MOST_DEATHS, Queue, Received, RecordsQueue},
};
use tests::{ask::number, databases::TestDatabase};

tests::contract!(
    messages_come_in_the_order_in_which_they_were_sent,
    a_received_message_is_invisible_until_its_time_is_up,
    receivers_at_once_never_get_the_same_message,
    an_old_receipt_neither_deletes_nor_delays,
    a_message_that_was_received_too_often_is_a_dead_letter_and_given_once,
    dead_letters_do_not_hide_the_messages_behind_them,
    a_failed_message_comes_back_later_the_more_often_it_failed,
    what_a_dead_process_held_comes_back_at_once_and_that_receive_does_not_count,
    a_message_that_failed_before_its_process_died_keeps_its_count,
    a_message_that_kills_whoever_takes_it_becomes_a_dead_letter,
    queues_of_different_names_do_not_mix,
    every_call_is_taken_whole,
);

const VISIBILITY: Duration = Duration::from_secs(60);

fn queue(database: &TestDatabase) -> RecordsQueue {
    RecordsQueue::new(database.records().clone(), "test")
}

async fn send(queue: &RecordsQueue, bodies: impl IntoIterator<Item = &str>) {
    let refused = queue.send(bodies.into_iter().map(str::to_owned).collect(), None).await.expect("sent");
    assert!(refused.is_empty());
}

async fn receive(queue: &RecordsQueue, most: usize) -> Vec<Received> {
    queue.receive(&Holder::unwatched(), most, VISIBILITY).await.expect("received")
}

fn bodies(messages: &[Received]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

async fn messages_come_in_the_order_in_which_they_were_sent(database: &TestDatabase) {
    let queue = queue(database);
    assert!(receive(&queue, 10).await.is_empty());
    send(&queue, ["a", "b", "c"]).await;
    send(&queue, ["d", "é🦀"]).await;
    assert_eq!(bodies(&receive(&queue, 3).await), ["a", "b", "c"]);
    assert_eq!(bodies(&receive(&queue, 10).await), ["d", "é🦀"]);
}

async fn a_received_message_is_invisible_until_its_time_is_up(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["a"]).await;
    for expected in 1..=3 {
        let received = receive(&queue, 10).await;
        assert_eq!(received.iter().map(|message| message.receive_count).collect::<Vec<_>>(), [expected]);
        assert!(receive(&queue, 10).await.is_empty());
        database.shift_lease_clock(VISIBILITY - Duration::from_secs(10));
        assert!(receive(&queue, 10).await.is_empty());
        database.shift_lease_clock(Duration::from_secs(11));
    }
    let received = receive(&queue, 10).await;
    queue.delete(received).await.expect("deleted");
    database.shift_lease_clock(VISIBILITY * 2);
    assert!(receive(&queue, 10).await.is_empty());
    assert_eq!(queue.depth().await.expect("counted"), (0, 0));
}

async fn receivers_at_once_never_get_the_same_message(database: &TestDatabase) {
    let queue = queue(database);
    let other_process = RecordsQueue::new(database.another_handle().await, "test");
    for call in 0..12 {
        let bodies: Vec<_> = (0..10).map(|number| format!("{call}.{number}")).collect();
        send(&queue, bodies.iter().map(String::as_str)).await;
    }
    let receivers = (0..8).map(|number| {
        let queue = if number % 2 == 0 { &queue } else { &other_process };
        async move {
            let mut mine = Vec::new();
            loop {
                let received = receive(queue, 7).await;
                if received.is_empty() {
                    return mine;
                }
                mine.extend(received.into_iter().map(|message| message.body));
            }
        }
    });
    let all: Vec<String> = join_all(receivers).await.into_iter().flatten().collect();
    assert_eq!(all.len(), 120);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 120);
}

async fn an_old_receipt_neither_deletes_nor_delays(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["a"]).await;
    let old = receive(&queue, 1).await;
    database.shift_lease_clock(VISIBILITY * 2);
    let new = receive(&queue, 1).await;
    queue.delete(old.clone()).await.expect("no error");
    queue.retry_later(old).await.expect("no error");
    assert_eq!(queue.depth().await.expect("counted"), (1, 0));
    database.shift_lease_clock(VISIBILITY / 2);
    assert!(receive(&queue, 1).await.is_empty(), "the new receiver's time is not cut short");
    queue.delete(new).await.expect("deleted");
    assert_eq!(queue.depth().await.expect("counted"), (0, 0));
}

async fn a_message_that_was_received_too_often_is_a_dead_letter_and_given_once(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["poison"]).await;
    for _ in 0..MAX_RECEIVES {
        assert_eq!(receive(&queue, 1).await.len(), 1);
        assert!(queue.new_dead_letters().await.expect("asked").is_empty());
        database.shift_lease_clock(VISIBILITY * 2);
    }
    assert!(receive(&queue, 1).await.is_empty());
    assert_eq!(queue.depth().await.expect("counted"), (0, 1));
    let dead = queue.new_dead_letters().await.expect("asked");
    assert_eq!(dead.iter().map(|(_, body)| body.as_str()).collect::<Vec<_>>(), ["poison"]);
    queue.dealt_with(dead[0].0).await.expect("noted");
    assert!(queue.new_dead_letters().await.expect("asked").is_empty());
    assert_eq!(number(database, "SELECT COUNT(*) FROM queue_messages", vec![]).await, 1, "it is kept");
}

async fn dead_letters_do_not_hide_the_messages_behind_them(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["p1", "p2", "p3"]).await;
    for _ in 0..MAX_RECEIVES {
        receive(&queue, 3).await;
        database.shift_lease_clock(VISIBILITY * 2);
    }
    send(&queue, ["good"]).await;
    assert_eq!(bodies(&receive(&queue, 2).await), ["good"]);
    assert_eq!(queue.depth().await.expect("counted"), (1, 3));
}

async fn a_failed_message_comes_back_later_the_more_often_it_failed(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["a"]).await;
    for wait in [2, 4, 8, 16] {
        let failed = receive(&queue, 1).await;
        assert_eq!(failed.len(), 1, "before a wait of {wait} s");
        queue.retry_later(failed).await.expect("noted");
        database.shift_lease_clock(Duration::from_secs(wait - 1));
        assert!(receive(&queue, 1).await.is_empty(), "{wait} s are not over");
        database.shift_lease_clock(Duration::from_secs(2));
    }
}

async fn what_a_dead_process_held_comes_back_at_once_and_that_receive_does_not_count(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["a", "b", "c"]).await;
    let (dead, alive) = (Holder::unwatched(), Holder::unwatched());
    queue.receive(&dead, 2, VISIBILITY).await.expect("received");
    queue.receive(&alive, 1, VISIBILITY).await.expect("received");
    assert_eq!(queue.release_held_by(Vec::new()).await.expect("released"), 0);
    assert_eq!(queue.release_held_by(vec![dead.token().to_owned()]).await.expect("released"), 2);
    let again = receive(&queue, 10).await;
    assert_eq!(bodies(&again), ["a", "b"]);
    assert!(again.iter().all(|message| message.receive_count == 1));
    assert_eq!(queue.release_held_by(vec![dead.token().to_owned()]).await.expect("released"), 0, "once");
}

async fn a_message_that_failed_before_its_process_died_keeps_its_count(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["a"]).await;
    let holder = Holder::unwatched();
    let failed = queue.receive(&holder, 1, VISIBILITY).await.expect("received");
    queue.retry_later(failed).await.expect("noted");
    assert_eq!(queue.release_held_by(vec![holder.token().to_owned()]).await.expect("released"), 0, "it held nothing");
    database.shift_lease_clock(Duration::from_secs(3));
    assert_eq!(receive(&queue, 1).await[0].receive_count, 2);
}

async fn a_message_that_kills_whoever_takes_it_becomes_a_dead_letter(database: &TestDatabase) {
    let queue = queue(database);
    send(&queue, ["poison"]).await;
    let mut deaths = 0;
    loop {
        let holder = Holder::unwatched();
        if queue.receive(&holder, 1, VISIBILITY).await.expect("received").is_empty() {
            break;
        }
        deaths += 1;
        assert_eq!(queue.release_held_by(vec![holder.token().to_owned()]).await.expect("released"), 1);
    }
    assert_eq!(deaths, MOST_DEATHS + MAX_RECEIVES);
    assert_eq!(queue.new_dead_letters().await.expect("read").len(), 1);
}

async fn queues_of_different_names_do_not_mix(database: &TestDatabase) {
    let queue = queue(database);
    let other = RecordsQueue::new(database.records().clone(), "other");
    send(&queue, ["a"]).await;
    assert!(receive(&other, 10).await.is_empty());
    assert_eq!(other.depth().await.expect("counted"), (0, 0));
    assert_eq!(bodies(&receive(&queue, 10).await), ["a"]);
}

async fn every_call_is_taken_whole(database: &TestDatabase) {
    let queue = queue(database);
    let senders = (0..20).map(|call| {
        let queue = &queue;
        async move {
            let bodies: Vec<_> = (0..10).map(|number| format!("{call}.{number}")).collect();
            send(queue, bodies.iter().map(String::as_str)).await;
        }
    });
    join_all(senders).await;
    assert_eq!(queue.depth().await.expect("counted"), (200, 0));
}
