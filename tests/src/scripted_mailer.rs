//! A mailer that answers as a test says, and remembers what it was asked.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use shared::mail::{Answer, Call, Capacity, Letter, Mailer};

use crate::attempts::accepted;

/// What happens during a call, before it is answered: the call's number, from 0.
type During = Box<dyn Fn(usize) -> BoxFuture<'static, ()> + Send + Sync>;

/// What a scripted mailer says of its longest call.
pub const LONGEST_CALL: Duration = Duration::from_secs(40);

/// A mailer by script.
pub struct ScriptedMailer {
    name: &'static str,
    capacity: Capacity,
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    during: During,
    calls: AtomicUsize,
    asked: Mutex<Vec<Asked>>,
}

/// A call as it was made.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The attempt's id.
    pub attempt: String,
    /// Its letters.
    pub letters: Vec<Letter>,
}

impl ScriptedMailer {
    /// A mailer that accepts whatever it is not told to refuse, `claim` letters at a time.
    pub fn new(name: &'static str, claim: usize) -> Self {
        Self {
            name,
            capacity: Capacity { claim, calls: 4, longest_call: LONGEST_CALL },
            answers: Mutex::default(),
            during: Box::new(|_| Box::pin(async {})),
            calls: AtomicUsize::new(0),
            asked: Mutex::default(),
        }
    }

    /// The same, with answers for one address: the first for its first letter, and so on.
    #[must_use]
    pub fn answering(self, email: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        locked(&self.answers).insert(email.to_owned(), answers.into_iter().collect());
        self
    }

    /// The same, with something that happens during each call.
    #[must_use]
    pub fn during(self, during: impl Fn(usize) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self { during: Box::new(during), ..self }
    }

    /// The calls that were made.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.asked).clone()
    }

    /// The addresses of all letters, in ascending order; one that was written to twice is there twice.
    pub fn addresses(&self) -> Vec<String> {
        let asked = locked(&self.asked);
        let mut addresses: Vec<_> =
            asked.iter().flat_map(|call| &call.letters).map(|letter| letter.to.as_str().to_owned()).collect();
        addresses.sort_unstable();
        addresses
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Mailer for ScriptedMailer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    async fn send(&self, call: Call<'_>) -> Vec<Answer> {
        assert!((1..=self.capacity.claim).contains(&call.letters.len()), "{} letters in a call", call.letters.len());
        let letters: Vec<Letter> = call.letters.iter().map(|&letter| letter.clone()).collect();
        locked(&self.asked).push(Asked { attempt: call.attempt.to_owned(), letters });
        (self.during)(self.calls.fetch_add(1, Ordering::Relaxed)).await;
        let mut answers = locked(&self.answers);
        let mut answer = |letter: &Letter| answers.get_mut(letter.to.as_str())?.pop_front();
        call.letters.iter().map(|letter| answer(letter).unwrap_or_else(accepted)).collect()
    }
}
