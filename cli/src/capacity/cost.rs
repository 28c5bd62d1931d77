//! What a run uses of AWS, and what that costs.
//!
//! Only what a run's letters cause: neither the database, whose cost is by the hour, nor what traffic between networks,
//! logs and metrics cost.

use super::{DAY, Micros, Work, micros, prices::Prices, seconds, setup::Setup, simulate::Outcome};

/// What a run uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Letters through SES.
    pub letters: u64,
    /// Invocations of functions.
    pub lambda_requests: u64,
    /// Their memory and time.
    pub lambda_gb_seconds: f64,
    /// Calls of SQS.
    pub sqs_requests: u64,
    /// Events of SES, which it publishes to a topic.
    pub sns_publishes: u64,
    /// Events of ours on the bus.
    pub bus_events: u64,
    /// Objects written.
    pub s3_writes: u64,
    /// How long it takes until everything is taken in that SES says.
    pub heard: Micros,
}

/// What a run costs, by who takes it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// SES.
    pub ses: f64,
    /// Lambda: requests and time.
    pub lambda: f64,
    /// SQS.
    pub sqs: f64,
    /// SNS, EventBridge and S3.
    pub others: f64,
}

/// What SES publishes of a letter that arrives: that it was sent, and that it was delivered. The template's `MailEvents`.
const EVENTS_OF_A_LETTER: u64 = 2;

/// `delivery-feedback`, as the template has it: how many events an invocation takes, how many of them run at once, and the
/// memory. How long ten events take is assumed.
const EVENTS_OF_AN_INVOCATION: u64 = 10;
const FEEDBACK_AT_ONCE: u64 = 3;
const FEEDBACK_S: f64 = 0.2;

/// What planner, keeper and feedback have, in gigabytes.
const SMALL_GB: f64 = 0.25;

/// How long a keeping takes: assumed.
const KEEPING_S: f64 = 0.1;

/// An idle mapping asks its queue with five pollers, each for twenty seconds.
const IDLE_RECEIVES_A_MINUTE: u64 = 15;

/// Messages of one SQS call.
const MESSAGES_OF_A_CALL: u64 = 10;

/// A run's own events and alerts, and its report's pages: a handful.
const OWN_EVENTS: u64 = 4;
const OWN_OBJECTS: u64 = 2;

impl Usage {
    /// What a run that went so has used.
    #[expect(clippy::cast_precision_loss, reason = "counts that are multiplied by prices")]
    pub fn of(setup: &Setup, work: Work, outcome: &Outcome) -> Self {
        let minutes = outcome.finished.div_ceil(micros(60.0));
        let events = work.letters * EVENTS_OF_A_LETTER;
        let heard = events.div_ceil(EVENTS_OF_AN_INVOCATION);
        // A worker takes as many of what it receives in vain as of what it can send.
        let in_vain = outcome.in_vain.div_ceil(setup.mapping.messages.max(1));
        let in_vain_s = in_vain as f64 * 3.0 * setup.database.commit_s;
        let worked_gb = setup.instance.memory_mib as f64 / 1_024.0 * (seconds(outcome.worked) + in_vain_s);
        let small_s = seconds(outcome.planned) + minutes as f64 * KEEPING_S + heard as f64 * FEEDBACK_S;
        let invocations = outcome.invocations + in_vain;
        let sent = outcome.messages + outcome.in_vain;
        Self {
            letters: work.letters,
            lambda_requests: invocations + outcome.plannings + minutes + heard,
            lambda_gb_seconds: worked_gb + SMALL_GB * small_s,
            // Sent by tens; received and deleted by the invocation. What SES says comes one by one.
            sqs_requests: sent.div_ceil(MESSAGES_OF_A_CALL)
                + 2 * invocations
                + minutes * IDLE_RECEIVES_A_MINUTE
                + events
                + 2 * heard,
            sns_publishes: events + 1,
            bus_events: OWN_EVENTS + outcome.plannings - 1,
            s3_writes: OWN_OBJECTS,
            heard: heard * micros(FEEDBACK_S) / FEEDBACK_AT_ONCE,
        }
    }

    /// What it costs.
    #[expect(clippy::cast_precision_loss, reason = "an amount of money is rounded anyway")]
    pub fn cost(&self, prices: &Prices) -> Cost {
        let millions = |count: u64| count as f64 / 1e6;
        Cost {
            ses: prices.letters(self.letters),
            lambda: millions(self.lambda_requests) * prices.lambda_million_requests
                + self.lambda_gb_seconds * prices.lambda_gb_second,
            sqs: millions(self.sqs_requests) * prices.sqs_million_requests,
            others: millions(self.sns_publishes) * prices.sns_million_publishes
                + millions(self.bus_events) * prices.eventbridge_million_events
                + self.s3_writes as f64 / 1_000.0 * prices.s3_thousand_writes,
        }
    }
}

impl Cost {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.ses + self.lambda + self.sqs + self.others
    }
}

/// For how long the queue keeps what SES says: `MessageRetentionPeriod` of the template's `FeedbackQueue`.
const FEEDBACK_KEPT: Micros = 4 * DAY;

/// Whether some of what SES says is lost: what is left to be taken in when the last letter is out takes longer than its
/// queue keeps it.
pub fn heard_too_late(usage: &Usage, outcome: &Outcome) -> bool {
    usage.heard.saturating_sub(outcome.finished) > FEEDBACK_KEPT
}
