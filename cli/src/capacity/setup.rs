//! What a run stands on: the deployed stack, or one machine.

use anyhow::Context as _;
use shared::template::{Given, Template, text};

use super::Pace;

/// What a run stands on. Times are seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Who divides the work.
    pub planner: Planner,
    /// How the queue's messages come to workers.
    pub mapping: Mapping,
    /// A worker.
    pub instance: Instance,
    /// How long a call to the provider takes, on average.
    pub call_s: f64,
    /// How much of that a call takes more or less, evenly: half, where it takes half as long to half as much again.
    pub call_spread: f64,
    /// Where the records are.
    pub database: Database,
    /// How many letters may go out; `None` where nothing limits them.
    pub quota: Option<Pace>,
    /// How long the send log takes to grant a volley: one at a time.
    pub send_log_s: f64,
    /// How often the keeper looks.
    pub keeper_every_s: f64,
    /// From what latencies are drawn.
    pub seed: u64,
}

/// The planner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planner {
    /// How many batches a page holds.
    pub batches_per_page: u64,
    /// How long a page takes: it is read, written, and its messages are sent.
    pub page_s: f64,
    /// For how long it works before the keeper has to start it again; `None` for as long as it takes.
    pub works_s: Option<f64>,
}

/// How the queue's messages come to workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    /// How many invocations there are at first.
    pub at_first: u64,
    /// How many more there may be a minute later, while messages wait.
    pub more_a_minute: u64,
    /// The most.
    pub most: u64,
    /// How many messages an invocation takes.
    pub messages: u64,
    /// For how long fewer messages are held back until there are as many.
    pub window_s: f64,
}

/// A worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instance {
    /// How long its first invocation waits for it.
    pub cold_start_s: f64,
    /// How many letters a volley of calls holds.
    pub volley: u64,
    /// Its own processor time for a letter, on its share of a processor.
    pub letter_s: f64,
    /// How many connections to the database it holds.
    pub connections: u64,
    /// How much memory it is billed for, in MiB.
    pub memory_mib: u64,
}

/// Where the records are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Database {
    /// How many transactions it works on at once: its processors, or the one writer of a file.
    pub lanes: u64,
    /// How long it works for a letter in all: its row is written, and updated once.
    pub letter_s: f64,
    /// How long it works for a transaction, whatever it holds.
    pub transaction_s: f64,
    /// How long a commit is under way besides, which costs the database nothing.
    pub commit_s: f64,
}

/// How many calls a worker has under way for one batch, and letters in a call of SES: `Capacity` of `shared::mail::ses`
/// among four batches.
pub(super) const VOLLEY: u64 = 4 * 50;

/// How many connections an instance of a function holds: `shared::startup`.
const CONNECTIONS: u64 = 2;

/// One processor's worth of Lambda's memory, in MiB ("At 1,769 MB, a function has the equivalent of one vCPU", Lambda's
/// developer guide, "Configure Lambda function memory").
const MIB_OF_A_PROCESSOR: f64 = 1_769.0;

/// A worker's processor time for a letter: measured, 1.81 s for 100,000 over SES (README, "What it takes").
const LETTER_S: f64 = 18.1e-6;

/// MariaDB's: measured too. 100,000 letters over SES took 2.2 s in 700 transactions, over SMTP 5.9 s in 8,600.
const TRANSACTION_S: f64 = 0.46e-3;
const RECORD_S: f64 = 19e-6;

/// How many capacity units of Aurora Serverless v2 are a processor's worth: a unit is 2 GiB of memory with the processor that
/// goes with it, and an instance of that class has 8 GiB for each (Aurora's user guide, "How Aurora Serverless v2 works").
pub(super) const UNITS_OF_A_PROCESSOR: u64 = 4;

impl Setup {
    /// The stack that a template declares, with `given` in place of its parameters' defaults, while its account has `quota`.
    ///
    /// # Errors
    /// When the template has no worker that a queue fires, or says no number where one is needed.
    pub fn deployed(template: &Template, given: &Given<'_>, quota: Option<Pace>, seed: u64) -> anyhow::Result<Self> {
        let parameter = |name: &str| number(template, given, &serde_json::json!({"Ref": name}));
        let worker = &template.section("Resources")["InvitationWorkerFunction"]["Properties"];
        let batches = &worker["Events"]["Batches"]["Properties"];
        let of = |value: &serde_json::Value, what: &str| {
            number(template, given, value).with_context(|| format!("InvitationWorkerFunction: {what}"))
        };
        let memory_mib = of(&worker["MemorySize"], "MemorySize")?;
        let send_log = template.resolve(&worker["Environment"]["Variables"]["EMAIL_SEND_LOG"], given)?;
        let in_records = text(&send_log).is_none_or(|place| place.starts_with("records"));
        let units = parameter("DatabaseMaxCapacity")?;
        let planner = &template.section("Resources")["MonthlyInvitationsFunction"]["Properties"];
        Ok(Self {
            planner: Planner {
                // `monthly_invitations`: BATCHES_PER_PAGE.
                batches_per_page: 10,
                // Assumed: three statements and a commit of 500 users, and one SQS call.
                page_s: 0.05,
                // It stops two seconds before its deadline: `Deadline::of`.
                works_s: Some(whole(number(template, given, &planner["Timeout"])?) - 2.0),
            },
            // "Lambda starts processing five batches at a time … up to 300 more instances per minute" (Lambda's developer
            // guide, "Configuring scaling behavior for SQS event source mappings"), up to MaximumConcurrency.
            mapping: Mapping {
                at_first: 5,
                more_a_minute: 300,
                most: of(&batches["ScalingConfig"]["MaximumConcurrency"], "MaximumConcurrency")?,
                messages: of(&batches["BatchSize"], "BatchSize")?,
                window_s: whole(of(&batches["MaximumBatchingWindowInSeconds"], "MaximumBatchingWindowInSeconds")?),
            },
            instance: Instance {
                // Assumed: the start is measured (9 ms), its connections to AWS and the secret's call are not.
                cold_start_s: 0.5,
                volley: VOLLEY,
                letter_s: LETTER_S / (whole(memory_mib) / MIB_OF_A_PROCESSOR).min(1.0),
                connections: CONNECTIONS,
                memory_mib,
            },
            // Assumed for a SendBulkEmail of 50 letters; `--call-ms` says otherwise.
            call_s: 0.5,
            // Assumed.
            call_spread: 0.5,
            database: Database {
                lanes: (units / UNITS_OF_A_PROCESSOR).max(1),
                letter_s: RECORD_S,
                transaction_s: TRANSACTION_S,
                // Assumed: a write that four of six copies in three zones have.
                commit_s: 0.005,
            },
            quota,
            // A transaction on one row, which is locked until its commit; a script of Redis in the same zone.
            send_log_s: if in_records { 0.005 } else { 0.000_7 },
            keeper_every_s: 60.0,
            seed,
        })
    }

    /// The same with as many workers.
    #[must_use]
    pub fn with_workers(mut self, workers: u64) -> Self {
        self.mapping.most = workers;
        self
    }
}

fn number(template: &Template, given: &Given<'_>, value: &serde_json::Value) -> anyhow::Result<u64> {
    let resolved = template.resolve_text(value, given)?;
    resolved.parse().with_context(|| format!("{value} comes to {resolved}, which is no whole number"))
}

#[expect(clippy::cast_precision_loss, reason = "a number of a template")]
fn whole(number: u64) -> f64 {
    number as f64
}
