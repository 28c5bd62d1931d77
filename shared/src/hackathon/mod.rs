//! Hackathon monitors: what teams have done is measured, judged by a criterion's rule, and reported to the Hub that shows
//! it.
//!
//! Every monitor is one [`Monitor`] around what is its own, a [`Measure`]: the roster of teams comes from the [`hub`], each
//! team is measured, all are judged together, and one bulk update goes to the Hub. Each of these steps is a transaction of
//! the records (`store`), so a run may be cut off anywhere, come twice or run beside itself; and verdicts that the Hub did
//! not take are kept and go out with the next run. Teams beyond a page go to workers, where a queue leads to them
//! ([`PageWorker`]): what they measure is a set in the records, so whoever finds nothing missing in it ends the run.

pub mod board;
pub mod breaker;
pub mod costs;
mod criterion;
pub mod health;
pub mod http;
pub mod hub;
mod measuring;
pub mod metrics;
mod monitor;
mod monitoring;
mod page_worker;
mod pages;
mod report;
mod serving;
mod settling;
mod stage;
pub(crate) mod store;
mod turn;
mod verdict;
mod work;

pub use criterion::{Criterion, UnknownCriterion};
pub use monitor::{Measure, Monitor, WHEN_MISSED};
pub use monitoring::Monitoring;
pub use page_worker::{PageWorker, PagedJob};
pub use pages::PageMessage;
pub use serving::serve;
pub use store::{Past, Reported, Team, Told, history, verdicts_of};
pub use verdict::{Status, UnknownStatus, Verdict};
