//! One machine as a run stands on it: the engine of `crate::engine`.

use shared::{mail::providers::Provider, records::Dialect};

use super::{
    Pace,
    setup::{Database, Instance, Mapping, Planner, Setup, VOLLEY},
};

/// How many batches a worker has under way at once, whatever it sends through: `BATCHES_AT_ONCE` of `invitation_worker`.
const BATCHES_AT_ONCE: u64 = 4;

/// How a provider is called.
struct Calls {
    /// The letters of a batch that are under way together.
    volley: u64,
    /// How long they are on the way.
    call_s: f64,
    /// What one of them takes of the machine, its records included: medians of README, "What it takes".
    letter_s: f64,
}

impl Calls {
    fn of(provider: Option<&Provider>, records: Dialect) -> Self {
        match provider {
            // A volley of twelve on 48 connections. What a server takes for a letter is assumed.
            Some(Provider::Smtp(_)) => Self { volley: 12, call_s: 0.1, letter_s: 1.0 / 13_900.0 },
            // Assumed: files are slower than anything that was measured.
            Some(Provider::Dir(_)) => Self { volley: 50, call_s: 0.0, letter_s: 1.0 / 10_000.0 },
            Some(Provider::Ses(_)) => Self { volley: VOLLEY, call_s: 0.5, letter_s: 1.0 / 47_000.0 },
            Some(Provider::Null) | None => {
                let letters_a_second = if records == Dialect::Sqlite { 65_000.0 } else { 54_000.0 };
                Self { volley: VOLLEY, call_s: 0.0, letter_s: 1.0 / letters_a_second }
            }
        }
    }
}

impl Setup {
    /// This machine, sending through that provider, while so much may go out.
    ///
    /// Its processors and its database are one server that does one thing at a time: so they were measured, together.
    pub fn here(provider: Option<&Provider>, records: Dialect, quota: Option<Pace>) -> Self {
        let Calls { volley, call_s, letter_s } = Calls::of(provider, records);
        Self {
            planner: Planner { batches_per_page: 10, page_s: 0.01, works_s: None },
            mapping: Mapping {
                at_first: BATCHES_AT_ONCE,
                more_a_minute: 0,
                most: BATCHES_AT_ONCE,
                messages: 1,
                window_s: 0.0,
            },
            instance: Instance { cold_start_s: 0.0, volley, letter_s: 0.0, connections: 0, memory_mib: 0 },
            call_s,
            call_spread: 0.5,
            database: Database { lanes: 1, letter_s, transaction_s: 0.0, commit_s: 0.0 },
            quota,
            send_log_s: 0.001,
            keeper_every_s: 1.0,
            seed: 1,
        }
    }
}
