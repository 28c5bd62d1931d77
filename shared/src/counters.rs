//! What a job counts while it works. Whoever invoked it makes metrics of the counts; where nobody does, as on one
//! machine, counting does nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What can be counted, by its metric's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Records of an event, or firings, that failed.
    RecordFailures,
    /// Letters that a provider accepted.
    Sent,
    /// Letters that a call took along without a result.
    InDoubt,
    /// Runs that take longer than they should.
    StuckRuns,
    /// Letters that came back.
    Bounces,
    /// Letters that were reported as spam.
    Complaints,
    /// Letters in doubt of which their provider has said what became of them.
    DoubtsSettled,
    /// Contacts that asked for no more letters.
    Unsubscribes,
    /// Contacts that changed their mind.
    Resubscribes,
}

impl Counter {
    /// The metric's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RecordFailures => "RecordFailures",
            Self::Sent => "Sent",
            Self::InDoubt => "InDoubt",
            Self::StuckRuns => "StuckRuns",
            Self::Bounces => "Bounces",
            Self::Complaints => "Complaints",
            Self::DoubtsSettled => "DoubtsSettled",
            Self::Unsubscribes => "Unsubscribes",
            Self::Resubscribes => "Resubscribes",
        }
    }
}

/// The counts of one invocation; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Mutex<BTreeMap<Counter, u64>>>);

tokio::task_local! {
    static CURRENT: Counters;
}

/// Counts for the invocation that this is part of. Counting 0 says that there was something to count and none was found.
pub fn count(counter: Counter, number: usize) {
    // Nobody asks for counts on one machine.
    CURRENT.try_with(|counters| counters.add(counter, number as u64)).ok();
}

impl Counters {
    /// Those of the invocation that this is part of, to take along into a task of its own.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Works with these as the invocation's counts.
    pub async fn during<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// What has been counted until now.
    pub fn counted(&self) -> BTreeMap<Counter, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, counter: Counter, number: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(counter).or_default() += number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_task_counts_is_its_invocation_s_and_nobody_else_s() {
        let (one, other) = (Counters::default(), Counters::default());
        let work = async {
            count(Counter::Sent, 2);
            count(Counter::InDoubt, 0);
            tokio::spawn(Counters::current().during(async { count(Counter::Sent, 3) })).await
        };
        one.clone().during(work).await.expect("no panic");
        count(Counter::Sent, 100);
        assert_eq!(one.counted(), BTreeMap::from([(Counter::Sent, 5), (Counter::InDoubt, 0)]));
        assert_eq!(other.counted(), BTreeMap::new());
    }
}
