//! The provider of a simulated year. It takes every letter, delivers it to whoever lives there, and remembers by itself
//! what was sent to whom: what is proved of the year is proved from this memory, not from the records.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use shared::{
    claims::evidence::AttemptId,
    clock::Clock,
    email_address::EmailAddress,
    feedback::LetterName,
    letters::LetterKind,
    links::LinkKeys,
    mail::{Answer, Call, Capacity, Letter, Mailer, null::NullMailer},
    month::Month,
};

use super::fate::{self, Act};

/// Takes letters.
pub struct Letterbox {
    clock: Clock,
    zone: Tz,
    seed: u64,
    keys: LinkKeys,
    memory: Mutex<Memory>,
}

/// Something that will happen because of a letter.
#[derive(Debug, Clone)]
pub struct Coming {
    /// What.
    pub act: Act,
    /// Of which letter.
    pub letter: LetterName,
    /// The attempt that brought it.
    pub attempt: AttemptId,
    /// The contact that it went to.
    pub contact: i64,
    /// The contact's address.
    pub address: EmailAddress,
}

/// What the letterbox remembers.
#[derive(Debug, Default)]
pub struct Memory {
    /// What is still to happen, by when, in the order in which it was drawn.
    pub coming: BTreeMap<(DateTime<Utc>, u64), Coming>,
    /// How many invitations each contact was sent, by month.
    pub invited: HashMap<(i64, Month), u32>,
    /// How often each reminder was sent, by its name.
    pub reminded: HashMap<String, u32>,
    /// Contacts that want no more letters, or whose address is gone.
    pub stopped: BTreeSet<i64>,
    /// Contacts one of whose letters came back.
    pub bounced: BTreeSet<i64>,
    /// The invitations, by their numbers, that were answered.
    pub answered: BTreeSet<i64>,
    /// What was sent on each day.
    pub days: BTreeMap<NaiveDate, Day>,
    /// Letters to contacts that had stopped before.
    pub to_stopped: u64,
    /// Reminders of invitations that had been answered before.
    pub after_answers: u64,
    /// How many things were drawn.
    drawn: u64,
}

/// What happened on a day of the year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Invitations that were sent.
    pub invitations: u64,
    /// Reminders that were sent.
    pub reminders: u64,
    /// Answers that came.
    pub answers: u64,
    /// Letters that came back.
    pub bounces: u64,
    /// Contacts that left or complained.
    pub leaving: u64,
}

impl Letterbox {
    /// An empty letterbox, whose days are those of `zone`.
    pub fn new(clock: Clock, zone: Tz, seed: u64, keys: LinkKeys) -> Self {
        Self { clock, zone, seed, keys, memory: Mutex::default() }
    }

    /// What it remembers.
    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The day on which a moment lies.
    pub fn day_of(&self, moment: DateTime<Utc>) -> NaiveDate {
        moment.with_timezone(&self.zone).date_naive()
    }

    fn take(&self, attempt: &AttemptId, letter: &Letter) {
        let now = self.clock.now();
        let name: LetterName = letter.message.parse().expect("a letter is called as its message is");
        // The contact is known by its own link to leave, as it is to whoever gets the letter.
        let token = letter.unsubscribe_url().rsplit('/').next().unwrap_or_default();
        let contact = self.keys.read_unsubscribe(token).expect("every letter has a link to leave");
        let mut memory = self.memory();
        memory.to_stopped += u64::from(memory.stopped.contains(&contact));
        let day = memory.days.entry(self.day_of(now)).or_default();
        if name.kind == LetterKind::Invitation {
            day.invitations += 1;
            *memory.invited.entry((contact, Month::of(now, self.zone))).or_default() += 1;
        } else {
            day.reminders += 1;
            memory.after_answers += u64::from(memory.answered.contains(&name.invitation.0));
            *memory.reminded.entry(letter.message.clone()).or_default() += 1;
        }
        for (after, act) in fate::of(self.seed, &letter.message, name.kind) {
            let coming = Coming { act, letter: name, attempt: attempt.clone(), contact, address: letter.to.clone() };
            memory.drawn += 1;
            let place = (now + after, memory.drawn);
            memory.coming.insert(place, coming);
        }
    }
}

#[async_trait]
impl Mailer for Letterbox {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn capacity(&self) -> Capacity {
        NullMailer.capacity()
    }

    async fn send(&self, call: Call<'_>) -> Vec<Answer> {
        let attempt: AttemptId = call.attempt.parse().expect("an attempt's id");
        for letter in call.letters {
            self.take(&attempt, letter);
        }
        let provider_id = |at: usize| format!("simulated-{}-{at}", call.attempt);
        (0..call.letters.len()).map(|at| Answer::Accepted { provider_id: provider_id(at) }).collect()
    }
}
