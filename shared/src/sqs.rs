//! The SQS edge: one wrapper between Lambda's batch of messages and a job that knows one message at a time.
//!
//! Each record is parsed and handled by itself, in a task and a span of its own. A panic, a time-out or an error in one
//! record is that record's failure and nobody else's. The answer lists exactly the records that are to come again.

pub mod answer;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage, SqsMessageAttribute};
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;
use tokio::{sync::watch, task::JoinSet, time::Instant};
use tracing::{Instrument, Span, field};

use crate::{
    counters::{Counter, Counters, count},
    panics::caught,
    queue::TRACE,
    trace::TraceId,
};

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It will never be done, and trying again is no use. The job has recorded why.
    Skip {
        /// Why not.
        reason: String,
    },
    /// It is to be tried again.
    Retry {
        /// What went wrong, without personal data.
        cause: String,
    },
    /// It waits; the job has recorded until when, and the keeper sends a fresh message then. So neither receive counts
    /// nor the queue's limits on delays and visibility are used up by waiting.
    Later {
        /// What it waits for.
        reason: String,
    },
}

/// A message as a job sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// What the queue calls it; empty where it gave no id.
    pub id: String,
    /// The name of the queue that it was received from.
    pub queue: String,
    /// What it says.
    pub body: String,
    /// What its sender wrote beside the body, as far as it is text.
    pub attributes: BTreeMap<String, String>,
    /// How often it has been received, this time included.
    pub receives: u32,
}

impl Message {
    /// A message of which nothing matters but its body.
    pub fn saying(body: impl Into<String>) -> Self {
        Self { body: body.into(), receives: 1, ..Self::default() }
    }

    fn of(record: SqsMessage) -> Self {
        let receives = record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
        let text = |(name, attribute): (String, SqsMessageAttribute)| Some((name, attribute.string_value?));
        Self {
            id: record.message_id.unwrap_or_default(),
            queue: record.event_source_arn.as_deref().map_or("", queue_name).to_owned(),
            body: record.body.unwrap_or_default(),
            attributes: record.message_attributes.into_iter().filter_map(text).collect(),
            receives: receives.unwrap_or(1),
        }
    }
}

/// `arn:aws:sqs:eu-west-3:123456789012:almanac-invitations` is the queue `almanac-invitations`.
fn queue_name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

/// A job that handles one message at a time.
#[async_trait]
pub trait RecordHandler: Send + Sync + 'static {
    /// Handles the message. What must be done by `deadline` is stopped before it.
    async fn handle(&self, message: &Message, deadline: Deadline) -> anyhow::Result<Outcome>;

    /// Hears that a try of the message failed, and why; gives whether the job itself sees to what comes next, so that
    /// this message is finished with. Otherwise the message goes its queue's own way: it comes again after the
    /// visibility time-out, and after too many receives to the dead letters.
    async fn failed(&self, _: &Message, _: &str) -> anyhow::Result<bool> {
        Ok(false)
    }
}

/// When a worker must have answered, or that it is being stopped. Nothing new is begun then; only where the instance
/// itself ends soon after, what is under way is stopped by force.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: Option<Instant>,
    /// When what is still under way is stopped by force.
    force: Option<Instant>,
    stop: Option<watch::Receiver<bool>>,
}

/// What is kept back before Lambda's own deadline, to answer in.
const RESERVE: Duration = Duration::from_secs(2);

/// How long after Lambda's deadline, less the reserve, a record is stopped by force that did not stop by itself.
const LATE: Duration = Duration::from_secs(1);

/// What is kept back of Lambda's time when everything else was too slow: to say so.
const LAST_RESERVE: Duration = Duration::from_millis(500);

impl Deadline {
    /// No deadline: one machine's own worker.
    pub fn none() -> Self {
        Self { at: None, force: None, stop: None }
    }

    /// A deadline so far away from now, after which nothing new is begun. What is under way then may take its time: the
    /// process that it is in goes on.
    pub fn within(time: Duration) -> Self {
        Self { at: Some(Instant::now() + time), ..Self::none() }
    }

    /// The same, and also as soon as `stop` turns true.
    #[must_use]
    pub fn or_when(self, stop: watch::Receiver<bool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// The deadline that Lambda gives with an event, less what is needed to answer. What is still under way a second
    /// later is stopped by force, because the instance ends.
    ///
    /// `cargo lambda watch` sends one that lies near 1970; that is no deadline.
    pub fn of(context: &lambda_runtime::Context) -> Self {
        let deadline = Self::before_lambda_s(context, RESERVE);
        Self { force: deadline.at.map(|at| at + LATE), ..deadline }
    }

    /// The moment after which Lambda may get no answer any more; none where there is no deadline.
    pub(crate) fn last_moment_of(context: &lambda_runtime::Context) -> Option<Instant> {
        Self::before_lambda_s(context, LAST_RESERVE).at
    }

    fn before_lambda_s(context: &lambda_runtime::Context, reserve: Duration) -> Self {
        let deadline = context.deadline();
        match deadline.duration_since(std::time::SystemTime::now()) {
            Ok(left) => Self::within(left.saturating_sub(reserve)),
            Err(_) if deadline < std::time::UNIX_EPOCH + Duration::from_secs(86_400 * 365 * 10) => Self::none(),
            Err(_) => Self::within(Duration::ZERO),
        }
    }

    /// Whether there is less than `time` left, or the worker is being stopped.
    pub fn is_within(&self, time: Duration) -> bool {
        let stopped = self.stop.as_ref().is_some_and(|stop| *stop.borrow());
        stopped || self.at.is_some_and(|deadline| Instant::now() + time >= deadline)
    }

    /// Waits until [`Deadline::is_within`] that time: for ever, where there is no deadline.
    pub async fn near(&self, time: Duration) {
        let at = async {
            match self.at {
                Some(deadline) => tokio::time::sleep_until(deadline.checked_sub(time).unwrap_or(deadline)).await,
                None => std::future::pending().await,
            }
        };
        let stopped = async {
            let Some(mut stop) = self.stop.clone() else { return std::future::pending().await };
            // A sender that is gone can tell nobody to stop any more.
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! { () = at => {}, () = stopped => {} }
    }
}

/// How an event's records are handled.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many records are handled at once.
    pub at_once: usize,
    /// How long one record may take before it is stopped by force; [`Duration::MAX`] for as long as it takes. Lambda's
    /// deadline, by which it hands back what is left, comes first; a record that does not heed it is stopped soon after.
    pub record_timeout: Duration,
}

/// Handles every record of an event; the answer lists exactly those that are to come again.
///
/// # Errors
/// When a record that failed has no message id: then Lambda must be told that the whole event failed.
pub async fn handle_event<H: RecordHandler>(
    handler: Arc<H>,
    event: SqsEvent,
    deadline: Deadline,
    limits: Limits,
) -> anyhow::Result<SqsBatchResponse> {
    let failed: Vec<Option<String>> = futures_util::stream::iter(event.records)
        .map(|record| {
            let (handler, deadline) = (handler.clone(), deadline.clone());
            async move {
                let id = record.message_id.clone().filter(|id| !id.is_empty());
                let done = handle_record(handler, record, &deadline, limits.record_timeout).await;
                (!done).then_some(id)
            }
        })
        .buffer_unordered(limits.at_once.max(1))
        .filter_map(std::future::ready)
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    for id in failed {
        response.add_failure(id.ok_or_else(|| anyhow::anyhow!("a record without a message id failed"))?);
    }
    Ok(response)
}

/// The ids of a message about a part of a run.
#[derive(Default, Deserialize)]
struct Ids {
    run: Option<i64>,
    batch: Option<i64>,
}

/// A record's span: the message, the run and the batch where it names them, and the trace that it was sent with.
/// What a log line says is called `message`, so the message's own id is `message_id`.
fn span_of(message: &Message) -> Span {
    let ids: Ids = serde_json::from_str(&message.body).unwrap_or_default();
    let trace = message.attributes.get(TRACE).and_then(|trace| trace.parse::<TraceId>().ok());
    tracing::error_span!(
        "record",
        message_id = message.id,
        run = ids.run,
        batch = ids.batch,
        trace = trace.map(field::display),
    )
}

/// How long what follows a record's failure may take.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// How long it may go on after the moment at which a record is stopped by force: an answer is due soon after.
const AFTER_FORCE: Duration = Duration::from_millis(250);

/// Handles one record; gives whether it is finished with.
async fn handle_record<H: RecordHandler>(
    handler: Arc<H>,
    record: SqsMessage,
    deadline: &Deadline,
    timeout: Duration,
) -> bool {
    let message = Arc::new(Message::of(record));
    let span = span_of(&message);
    if deadline.is_within(Duration::ZERO) {
        tracing::info!(parent: &span, "given back: the deadline is near");
        return false;
    }
    let work = async {
        let limit = Instant::now().checked_add(timeout).into_iter().chain(deadline.force).min();
        let handling = {
            let (handler, message, deadline) = (handler.clone(), message.clone(), deadline.clone());
            async move { handler.handle(&message, deadline).await }
        };
        let cause = match isolated(handling, limit).await {
            Ok(Outcome::Done) => return true,
            Ok(Outcome::Skip { reason }) => {
                tracing::warn!(reason, "skipped for good");
                return true;
            }
            Ok(Outcome::Later { reason }) => {
                tracing::info!(reason, "waits");
                return true;
            }
            Ok(Outcome::Retry { cause }) | Err(cause) => cause,
        };
        tracing::error!(cause, receives = message.receives, "failed");
        count(Counter::RecordFailures, 1);
        let forced = deadline.force.map(|force| force + AFTER_FORCE);
        let limit = forced.into_iter().chain([Instant::now() + AFTER_FAILURE]).min();
        match isolated(async move { handler.failed(&message, &cause).await }, limit).await {
            Ok(seen_to) => seen_to,
            Err(error) => {
                tracing::error!(error, "the failure could not be recorded");
                false
            }
        }
    };
    work.instrument(span).await
}

/// Does a record's work in a task of its own, so that its panic or its slowness stays its own.
async fn isolated<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
    limit: Option<Instant>,
) -> Result<T, String> {
    let work = async { caught(work).await? }.in_current_span();
    // Whoever gives up waiting takes the task along.
    let mut task = JoinSet::new();
    task.spawn(Counters::current().during(work.boxed()));
    let ended = match limit {
        Some(limit) => tokio::time::timeout_at(limit, task.join_next()).await,
        None => Ok(task.join_next().await),
    };
    match ended {
        Ok(Some(Ok(ended))) => ended.map_err(|error| format!("{error:#}")),
        Ok(Some(Err(_))) => Err("the task was stopped".to_owned()),
        Ok(None) => Err("the task is gone".to_owned()),
        Err(_) => Err("timed out".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Scripted {
        told: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl RecordHandler for Scripted {
        async fn handle(&self, message: &Message, _: Deadline) -> anyhow::Result<Outcome> {
            match message.body.as_str() {
                "good" => Ok(Outcome::Done),
                "skip" => Ok(Outcome::Skip { reason: "no such batch".to_owned() }),
                "later" => Ok(Outcome::Later { reason: "paused".to_owned() }),
                "panic" | "panics twice" => panic!("as scripted"),
                "slow" | "slow twice" => std::future::pending().await,
                "late" => {
                    tokio::time::sleep(Duration::from_secs(3_600)).await;
                    Ok(Outcome::Done)
                }
                other => anyhow::bail!("not a message: {} bytes", other.len()),
            }
        }

        async fn failed(&self, message: &Message, cause: &str) -> anyhow::Result<bool> {
            self.told.lock().expect("nobody panics here").push(format!("{}: {cause}", message.id));
            match message.body.as_str() {
                "seen to" => Ok(true),
                "panics twice" => panic!("as scripted"),
                "slow twice" => std::future::pending().await,
                "unrecorded" => anyhow::bail!("the records are away"),
                _ => Ok(false),
            }
        }
    }

    fn event(records: &[(&str, &str, u32)]) -> SqsEvent {
        let records: Vec<_> = records
            .iter()
            .map(|(id, body, receives)| {
                serde_json::json!({"messageId": id, "body": body, "attributes":
                    {"ApproximateReceiveCount": receives.to_string()}, "eventSource": "aws:sqs"})
            })
            .collect();
        serde_json::from_value(serde_json::json!({ "Records": records })).expect("an SQS event")
    }

    #[test]
    fn a_message_knows_its_queue_its_sender_s_words_and_its_receives() {
        let record = serde_json::json!({
            "messageId": "a", "body": "x", "attributes": {"ApproximateReceiveCount": "3"},
            "messageAttributes": {"trace": {"stringValue": "1-2-3", "dataType": "String"}},
            "eventSourceARN": "arn:aws:sqs:eu-west-3:123456789012:almanac-invitations",
        });
        let message = Message::of(serde_json::from_value(record).expect("a record"));
        assert_eq!((message.queue.as_str(), message.receives), ("almanac-invitations", 3));
        assert_eq!(message.attributes["trace"], "1-2-3");
    }

    async fn failures(records: &[(&str, &str, u32)], deadline: Deadline) -> Vec<String> {
        let limits = Limits { at_once: 4, record_timeout: Duration::from_secs(30) };
        let response =
            handle_event(Arc::new(Scripted::default()), event(records), deadline, limits).await.expect("ids are there");
        let mut failed: Vec<_> = response.batch_item_failures.into_iter().map(|item| item.item_identifier).collect();
        failed.sort();
        failed
    }

    #[tokio::test(start_paused = true)]
    async fn exactly_the_malformed_the_panicking_and_the_slow_record_come_back() {
        let records = [
            ("a", "good", 1),
            ("b", "{malformed", 1),
            ("c", "panic", 1),
            ("d", "slow", 1),
            ("e", "skip", 1),
            ("f", "later", 1),
            ("g", "good", 4),
        ];
        assert_eq!(failures(&records, Deadline::none()).await, ["b", "c", "d"]);
    }

    #[tokio::test]
    async fn a_failed_record_is_finished_with_only_where_the_job_sees_to_what_comes_next() {
        let records = [("a", "seen to", 1), ("b", "unrecorded", 1), ("c", "panic", 5)];
        assert_eq!(failures(&records, Deadline::none()).await, ["b", "c"]);
    }

    #[tokio::test]
    async fn a_job_hears_of_every_failed_try_with_its_cause_and_of_no_other() {
        let scripted = Arc::new(Scripted::default());
        let records = [("a", "good", 1), ("b", "{malformed", 1), ("c", "seen to", 5), ("d", "later", 2)];
        let limits = Limits { at_once: 1, record_timeout: Duration::from_secs(30) };
        handle_event(scripted.clone(), event(&records), Deadline::none(), limits).await.expect("ids are there");
        let told = scripted.told.lock().expect("nobody panics here").clone();
        assert_eq!(told, ["b: not a message: 10 bytes", "c: not a message: 7 bytes"]);
    }

    /// The deadline of an invocation that Lambda ends so long from now, less what is kept back to answer in.
    fn before_lambda_ends(time: Duration) -> Deadline {
        let ends = std::time::SystemTime::now() + time + RESERVE;
        let mut context = lambda_runtime::Context::default();
        context.deadline = ends.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis() as u64;
        Deadline::of(&context)
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_failure_takes_no_other_record_along_and_ends_in_time_for_the_answer() {
        let records = [("a", "panics twice", 1), ("b", "slow twice", 1), ("c", "good", 1)];
        assert_eq!(failures(&records, Deadline::none()).await, ["a", "b"]);
        let (begun, time) = (Instant::now(), Duration::from_secs(20));
        assert_eq!(failures(&records, before_lambda_ends(time)).await, ["a", "b"]);
        assert!(begun.elapsed() < time + RESERVE - LAST_RESERVE);
    }

    #[tokio::test]
    async fn near_the_deadline_nothing_more_is_begun_and_all_comes_back() {
        let records = [("a", "good", 1), ("b", "good", 1)];
        assert_eq!(failures(&records, Deadline::within(Duration::ZERO)).await, ["a", "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_at_the_deadline_is_stopped_by_force_only_where_the_instance_ends() {
        let records = || event(&[("a", "late", 1)]);
        let limits = Limits { at_once: 1, record_timeout: Duration::MAX };
        let failures = async |deadline| {
            let response =
                handle_event(Arc::<Scripted>::default(), records(), deadline, limits).await.expect("an id is there");
            response.batch_item_failures.len()
        };
        assert_eq!(failures(Deadline::within(Duration::from_secs(1))).await, 0, "one machine");
        assert_eq!(failures(before_lambda_ends(Duration::from_secs(60))).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_the_deadline_or_for_a_stop_hears_of_the_first() {
        let (stop, stopped) = watch::channel(false);
        let begun = Instant::now();
        let deadline = Deadline::within(Duration::from_secs(60)).or_when(stopped);
        deadline.near(Duration::from_secs(40)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(20));
        let deadline = Deadline { at: None, ..deadline };
        assert!(deadline.near(Duration::ZERO).now_or_never().is_none());
        stop.send_replace(true);
        deadline.near(Duration::ZERO).await;
    }

    #[tokio::test]
    async fn a_failed_record_without_an_id_fails_the_whole_event() {
        let event = event(&[("", "panic", 1)]);
        let limits = Limits { at_once: 1, record_timeout: Duration::from_secs(30) };
        assert!(handle_event(Arc::new(Scripted::default()), event, Deadline::none(), limits).await.is_err());
    }
}
