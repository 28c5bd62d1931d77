//! What the provider says of letters afterwards, and when it is heard.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use delivery_feedback::{DeliveryFeedback, Reading, read_event};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use shared::feedback::Recorded;
use tests::{
    dice::Dice,
    provider_feedback::{at, ses_events_of},
    ses_fake::{SesFake, Taken},
};

/// How many events are taken in side by side.
const AT_ONCE: usize = 4;

/// By how many rounds an event is late, at most.
const LATE: u64 = 6;

/// Whether what the provider says arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// All of it, though late, twice and in any order.
    Works,
    /// Nothing.
    Lost,
}

/// What has been said and not been heard yet.
pub struct Hearsay {
    door: Arc<DeliveryFeedback>,
    feedback: Feedback,
    dice: Dice,
    /// How many calls it has been told of.
    told: usize,
    /// Events, and the round in which each is heard.
    coming: Vec<(u64, Value)>,
    settled: AtomicUsize,
}

impl Hearsay {
    pub fn new(door: DeliveryFeedback, feedback: Feedback, dice: Dice) -> Self {
        Self { door: Arc::new(door), feedback, dice, told: 0, coming: Vec::new(), settled: AtomicUsize::new(0) }
    }

    /// How many letters were in doubt until the provider spoke of them.
    pub fn settled(&self) -> usize {
        self.settled.load(Relaxed)
    }

    /// Hears what has come by that round.
    pub async fn hear(&mut self, ses: &SesFake, round: u64) {
        let taken = ses.taken(self.told);
        self.told += taken.len();
        if self.feedback == Feedback::Lost {
            return;
        }
        for taken in &taken {
            self.expect_events_of(taken, round);
        }
        let (mut now, later) = std::mem::take(&mut self.coming).into_iter().partition(|(due, _)| *due <= round);
        self.coming = later;
        self.shuffle(&mut now);
        let (door, settled) = (&self.door, &self.settled);
        stream::iter(now)
            .for_each_concurrent(AT_ONCE, async |(_, event)| {
                let Ok(Reading::Feedback(said)) = read_event(event.to_string().as_bytes()) else { panic!("{event}") };
                let recorded = door.take(said).await.expect("recorded");
                settled.fetch_add(usize::from(matches!(recorded, Recorded::News { settled: true })), Relaxed);
            })
            .await;
    }

    /// Hears all that has been said.
    pub async fn hear_out(&mut self, ses: &SesFake) {
        self.hear(ses, u64::MAX).await;
    }

    fn expect_events_of(&mut self, taken: &Taken, round: u64) {
        let sent = ses_events_of(taken, "Send", ("send", &json!({})));
        let delivered = ses_events_of(taken, "Delivery", ("delivery", &json!({"timestamp": at(2)})));
        for pair in sent.into_iter().zip(delivered) {
            let events = match self.dice.between(0, 3) {
                0 => vec![pair.0],
                1 => vec![pair.1],
                2 => vec![pair.0, pair.1],
                _ => vec![pair.1.clone(), pair.0, pair.1],
            };
            for event in events {
                let due = round.saturating_add(self.dice.between(0, LATE) as u64);
                self.coming.push((due, event));
            }
        }
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.dice.between(0, last as u64));
        }
    }
}
