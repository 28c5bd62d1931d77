//! Queues that do as a test says.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use shared::{
    queue::{MESSAGES_PER_CALL, Queue},
    run::batch::BatchMessage,
};

/// What a scripted queue answers to a call: the call's number, from 0, and the messages.
type Script<M> = Box<dyn Fn(usize, Vec<M>) -> BoxFuture<'static, anyhow::Result<Vec<usize>>> + Send + Sync>;

/// A queue of batches' messages that remembers what it took, and answers by a script.
pub type ScriptedQueue = Scripted<BatchMessage>;

/// A queue of messages of one kind that remembers what it took, and answers by a script.
pub struct Scripted<M> {
    script: Script<M>,
    calls: AtomicUsize,
    taken: Mutex<Vec<M>>,
    traces: Mutex<Vec<Option<String>>>,
}

impl<M: Clone> Scripted<M> {
    /// A queue that takes every message.
    pub fn taking_all() -> Self {
        Self::answering(|_, _| Box::pin(async { Ok(Vec::new()) }))
    }

    /// A queue that answers as `script` does: the indexes of refused messages, or the whole call's failure.
    pub fn answering(
        script: impl Fn(usize, Vec<M>) -> BoxFuture<'static, anyhow::Result<Vec<usize>>> + Send + Sync + 'static,
    ) -> Self {
        Self { script: Box::new(script), calls: AtomicUsize::new(0), taken: Mutex::default(), traces: Mutex::default() }
    }

    /// The traces of its calls, in their order.
    pub fn traces(&self) -> Vec<Option<String>> {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The messages that it took, in their order.
    pub fn messages(&self) -> Vec<M> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ScriptedQueue {
    /// The batches of the messages that it took, in ascending order.
    pub fn taken(&self) -> Vec<i64> {
        let mut batches: Vec<_> = self.messages().iter().map(|message| message.batch).collect();
        batches.sort_unstable();
        batches
    }
}

#[async_trait]
impl<M: DeserializeOwned + Clone + Send> Queue for Scripted<M> {
    async fn send(&self, bodies: Vec<String>, trace: Option<&str>) -> anyhow::Result<Vec<usize>> {
        assert!((1..=MESSAGES_PER_CALL).contains(&bodies.len()), "{} messages in one call", bodies.len());
        self.traces.lock().unwrap_or_else(PoisonError::into_inner).push(trace.map(str::to_owned));
        let messages: Vec<M> = bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?;
        let refused = (self.script)(self.calls.fetch_add(1, Ordering::Relaxed), messages.clone()).await?;
        let taken = messages.into_iter().enumerate().filter(|(index, _)| !refused.contains(index));
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).extend(taken.map(|(_, message)| message));
        Ok(refused)
    }
}
