//! A function with as many instances as its events need: each is a process of its own, which takes one event at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    lambda_host::{Answer, LambdaHost},
    sqs_pump::Function,
};

/// A function's instances.
#[derive(Debug)]
pub struct LambdaFleet {
    function: String,
    binary: String,
    settings: Vec<(String, String)>,
    idle: Mutex<Vec<LambdaHost>>,
}

impl LambdaFleet {
    /// A function that has no instance yet.
    pub fn new(function: &str, binary: &str, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        let settings = settings.into_iter().collect();
        Self { function: function.to_owned(), binary: binary.to_owned(), settings, idle: Mutex::default() }
    }

    /// How many instances are idle: all there are, when no event is under way.
    pub fn idle(&self) -> usize {
        self.hosts().len()
    }

    /// What the idle instances have written until now, one after the other.
    pub fn output(&self) -> String {
        self.hosts().iter_mut().map(LambdaHost::output).collect()
    }

    fn hosts(&self) -> MutexGuard<'_, Vec<LambdaHost>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Function for LambdaFleet {
    /// Hands the event to an instance that is idle, or to a new one.
    async fn invoke(&self, event: Value) -> Answer {
        let idle = self.hosts().pop();
        let mut host = match idle {
            Some(host) => host,
            None => {
                let settings = self.settings.iter().map(|(name, value)| (name, value));
                LambdaHost::start(&self.function, &self.binary, settings).await.expect("the binary starts")
            }
        };
        let answer = host.invoke(event).await;
        self.hosts().push(host);
        answer
    }
}
