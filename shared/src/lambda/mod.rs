//! What every Lambda function is: started once, then handed one event after the other.
//!
//! ```no_run
//! # use shared::lambda::Function;
//! # async fn wire() -> Result<(), lambda_runtime::Error> {
//! let (function, started) = Function::start("nightly-report").await?;
//! function.serve(async |event, invocation| Ok(format!("{} from {:?}", event, invocation.trace))).await
//! # }
//! ```
//!
//! An invocation has one span, whose ids stand in each of its log lines, and on Lambda one line of metrics, however it
//! ends. Jobs only [`count`](crate::counters::count).

mod emf;
mod log;

use std::{
    io::Write as _,
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::anyhow;
use aws_lambda_events::sqs::SqsBatchResponse;
use chrono::Utc;
use futures_util::FutureExt;
use lambda_runtime::{
    Context, LambdaEvent, LambdaInvocation, Runtime, Service, service_fn,
    tower::{ServiceExt as _, layer::layer_fn},
};
use serde::Serialize;
use serde_json::Value;
use tokio::{sync::watch, time::Instant};
use tracing::{Instrument, field};

use crate::{
    config::{Host, MemorySettings, Values},
    counters::{Counter, Counters},
    memory::MemoryWatch,
    panics::caught,
    records::Records,
    sqs::{self, Deadline, Limits, RecordHandler},
    startup::{self, Started},
    trace::TraceId,
};

/// How long the records may take to note that a process uses too much memory.
const NOTE_TIME: Duration = Duration::from_secs(1);

/// How long an ending instance waits for what is under way. Lambda ends it by force after half a second.
const ENDING_TIME: Duration = Duration::from_millis(400);

/// A function's process: its job's name, its log and its metrics.
#[derive(Debug)]
pub struct Function {
    job: &'static str,
    values: Values,
    opened: Arc<OnceLock<Opened>>,
    cold: AtomicBool,
    stop: watch::Sender<bool>,
    under_way: watch::Sender<usize>,
    /// Whether it hears when Lambda ends this instance.
    hears_the_end: bool,
}

/// What there is once the records are open.
#[derive(Debug)]
struct Opened {
    records: Records,
    memory_threshold: f64,
    memory: OnceLock<MemoryWatch>,
}

/// What a job is told about an event beside the event itself.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's own name for it.
    pub request: String,
    /// The trace that it belongs to.
    pub trace: Option<TraceId>,
    /// When it must be answered, or that this instance is being ended.
    pub deadline: Deadline,
}

impl Function {
    /// Begins a function: its log is there, nothing is opened yet. For a function that must answer even when its
    /// settings are wrong or its records away; it calls [`Function::open`] itself, whenever it wants.
    pub fn starting(job: &'static str) -> Self {
        log::begin(job);
        let values = Values::from_process();
        for notice in values.notices() {
            tracing::warn!(job, "{notice}");
        }
        Self {
            job,
            values,
            opened: Arc::default(),
            cold: AtomicBool::new(true),
            stop: watch::Sender::new(false),
            under_way: watch::Sender::new(0),
            hears_the_end: false,
        }
    }

    /// Begins a function and opens its records.
    ///
    /// # Errors
    /// As [`Function::open`]. The function must not start then: Lambda reports it, and nothing is half done.
    pub async fn start(job: &'static str) -> anyhow::Result<(Self, Started)> {
        let mut function = Self::starting(job);
        let (started, ()) = tokio::join!(function.open(), function.hear_the_end());
        function.hears_the_end = true;
        if let Err(error) = &started {
            tracing::error!(job, error = format!("{error:#}"), "the function cannot start");
        }
        Ok((function, started?))
    }

    /// Reads the settings and opens the records. They are closed when Lambda ends this instance.
    ///
    /// # Errors
    /// When a setting is missing or wrong (all are named), or the records cannot be opened.
    pub async fn open(&self) -> anyhow::Result<Started> {
        let (started, memory) = (startup::open(&self.values).await?, self.values.read::<MemorySettings>()?);
        let records = started.records.clone();
        let opened = Opened { records, memory_threshold: memory.alert_threshold, memory: OnceLock::new() };
        // Who opens twice keeps the first: the second has the same settings.
        self.opened.set(opened).ok();
        Ok(started)
    }

    /// The settings, for the function's own part of them.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Handles firings and whatever else comes one at a time. What `handler` gives is Lambda's answer.
    ///
    /// # Errors
    /// When Lambda's runtime cannot be reached any more.
    pub async fn serve<A, H>(self, handler: H) -> Result<(), lambda_runtime::Error>
    where
        A: Serialize,
        H: AsyncFn(Value, Invocation) -> anyhow::Result<A>,
    {
        self.serve_events(|_| 1, handler).await
    }

    /// Handles messages of a queue, each by itself; the answer lists exactly those that are to come again.
    ///
    /// # Errors
    /// When Lambda's runtime cannot be reached any more.
    pub async fn serve_records<H: RecordHandler>(
        self,
        handler: Arc<H>,
        limits: Limits,
    ) -> Result<(), lambda_runtime::Error> {
        self.serve_events(records, async |event, invocation| handle_records(&handler, event, invocation, limits).await)
            .await
    }

    /// Handles messages of a queue like [`Function::serve_records`], and every event that is none like
    /// [`Function::serve`]: for a function that both hands work out and takes it.
    ///
    /// # Errors
    /// When Lambda's runtime cannot be reached any more.
    pub async fn serve_with_records<A, R, H>(
        self,
        worker: Arc<R>,
        limits: Limits,
        handler: H,
    ) -> Result<(), lambda_runtime::Error>
    where
        A: Serialize,
        R: RecordHandler,
        H: AsyncFn(Value, Invocation) -> anyhow::Result<A>,
    {
        let handle = async |event: Value, invocation: Invocation| match event.get("Records") {
            Some(_) => Ok(serde_json::to_value(handle_records(&worker, event, invocation, limits).await?)?),
            None => Ok(serde_json::to_value(handler(event, invocation).await?)?),
        };
        self.serve_events(records, handle).await
    }

    /// Handles events one at a time, each of which has so many records. Whatever JSON comes is an event, so that one that
    /// is not understood fails like any other.
    async fn serve_events<A, H>(
        self,
        records: impl Fn(&Value) -> usize,
        handler: H,
    ) -> Result<(), lambda_runtime::Error>
    where
        A: Serialize,
        H: AsyncFn(Value, Invocation) -> anyhow::Result<A>,
    {
        let function = &Arc::new(self);
        let (records, handler) = (&records, &handler);
        if !function.hears_the_end {
            function.hear_the_end().await;
        }
        let handle = |event: LambdaEvent<Value>| async move {
            let LambdaEvent { payload, context, .. } = event;
            let records = records(&payload);
            let work = async move |invocation| handler(payload, invocation).await;
            function.invoke(&context, records, work).boxed_local().await
        };
        Runtime::new(service_fn(handle)).layer(layer_fn(|service| function.seen_under_way(service))).run().await
    }

    /// Handles one event: in a span of its own, measured, and with its error logged, however it ends.
    async fn invoke<A>(
        &self,
        context: &Context,
        records: usize,
        work: impl AsyncFnOnce(Invocation) -> anyhow::Result<A>,
    ) -> anyhow::Result<A> {
        let begun = Instant::now();
        let cold_start = self.cold.swap(false, Ordering::Relaxed);
        let trace = context.xray_trace_id.as_deref().and_then(TraceId::of_header);
        // Of the gravest level, so that no choice of lines takes the ids from those that are left.
        let span = tracing::error_span!(
            "invocation",
            job = self.job,
            request = context.request_id,
            trace = trace.map(field::display),
            cold_start,
            run = field::Empty,
        );
        let invocation = Invocation {
            request: context.request_id.clone(),
            trace,
            deadline: Deadline::of(context).or_when(self.stop.subscribe()),
        };
        let (counters, last_moment) = (Counters::default(), Deadline::last_moment_of(context));
        let worked = async {
            let outcome = finished(invocation, last_moment, counters.clone(), work).await;
            if let Err(error) = &outcome {
                tracing::error!(error = format!("{error:#}"), "the invocation failed");
            }
            // Before anything else, so that nothing can keep it from being written.
            if self.values.host() == Host::Lambda {
                let mut counted = counters.counted();
                let failures = counted.entry(Counter::RecordFailures).or_default();
                if outcome.is_err() {
                    *failures = records as u64;
                }
                let (request, duration) = (context.request_id.as_str(), begun.elapsed());
                let measured =
                    emf::Measured { job: self.job, request, cold_start, duration, records, counted: &counted };
                write(&measured.line(Utc::now()));
            }
            self.look_at_memory(context, last_moment).await;
            outcome
        };
        let outcome = worked.instrument(span).await;
        // Lambda shows the outermost words only.
        outcome.map_err(|error| anyhow!("{error:#}"))
    }

    async fn look_at_memory(&self, context: &Context, last_moment: Option<Instant>) {
        let Some(opened) = self.opened.get() else { return };
        let limit_mb = u64::try_from(context.env_config.memory).unwrap_or(0);
        let watch = opened.memory.get_or_init(|| MemoryWatch::new(limit_mb, opened.memory_threshold));
        let limit = Instant::now() + NOTE_TIME;
        let limit = last_moment.map_or(limit, |moment| limit.min(moment));
        match tokio::time::timeout_at(limit, watch.look(&opened.records, self.job)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = %error, "the use of memory could not be noted"),
            Err(_) => tracing::error!("the use of memory could not be noted in time"),
        }
    }

    /// The service, known to be under way from an event's arrival until Lambda has its answer.
    fn seen_under_way<S>(&self, service: S) -> impl Service<LambdaInvocation, Response = (), Error = S::Error>
    where
        S: Service<LambdaInvocation, Response = ()>,
    {
        service.map_future(async |answering| {
            self.under_way.send_modify(|under_way| *under_way += 1);
            let answered = answering.await;
            self.under_way.send_modify(|under_way| *under_way -= 1);
            answered
        })
    }

    /// From now on, hears when Lambda ends this instance: nothing more is begun, what is under way ends or is handed
    /// back, and the records are closed.
    async fn hear_the_end(&self) {
        let (job, stop, under_way) = (self.job, self.stop.clone(), self.under_way.clone());
        let opened = Arc::clone(&self.opened);
        let end = move || async move { end(job, &stop, &under_way, &opened).await };
        let ending = lambda_runtime::spawn_graceful_shutdown_handler(end);
        // A host without extensions, such as some emulators, ends its instances without a word.
        if AssertUnwindSafe(ending).catch_unwind().await.is_err() {
            tracing::warn!(job = self.job, "this host does not say when it ends an instance");
        }
    }
}

/// How many records an event has; one that is no queue's stands for itself.
fn records(event: &Value) -> usize {
    event["Records"].as_array().map_or(1, Vec::len)
}

/// Handles the records of a queue's event.
async fn handle_records<H: RecordHandler>(
    handler: &Arc<H>,
    event: Value,
    invocation: Invocation,
    limits: Limits,
) -> anyhow::Result<SqsBatchResponse> {
    // What is wrong with it is not told: it may be what somebody's data is.
    let event = serde_json::from_value(event).map_err(|_| anyhow!("not a queue's event; expected \"Records\""))?;
    sqs::handle_event(Arc::clone(handler), event, invocation.deadline, limits).await
}

/// Has whatever is under way end or be handed back, and closes the records.
async fn end(job: &str, stop: &watch::Sender<bool>, under_way: &watch::Sender<usize>, opened: &OnceLock<Opened>) {
    stop.send_replace(true);
    let ended = async {
        under_way.subscribe().wait_for(|under_way| *under_way == 0).await.ok();
        if let Some(opened) = opened.get() {
            opened.records.close().await;
        }
    };
    match tokio::time::timeout(ENDING_TIME, ended).await {
        Ok(()) => tracing::info!(job, "the instance ends"),
        Err(_) => tracing::warn!(job, "the instance ends with an invocation under way"),
    }
}

/// Works until the end, a panic or the last moment.
async fn finished<A>(
    invocation: Invocation,
    last_moment: Option<Instant>,
    counters: Counters,
    work: impl AsyncFnOnce(Invocation) -> anyhow::Result<A>,
) -> anyhow::Result<A> {
    let too_late = async {
        match last_moment {
            Some(moment) => tokio::time::sleep_until(moment).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = caught(counters.during(work(invocation))) => outcome?,
        () = too_late => Err(anyhow!("not done at the deadline")),
    }
}

/// Writes a line on standard output. There is nowhere else to say that this failed.
fn write(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Database, records::ConnectOptions};

    fn function(opened: Opened) -> Function {
        Function {
            job: "test",
            values: Values::gather(Vec::<(String, String)>::new(), None),
            opened: Arc::new(OnceLock::from(opened)),
            hears_the_end: false,
            cold: AtomicBool::new(true),
            stop: watch::Sender::new(false),
            under_way: watch::Sender::new(0),
        }
    }

    #[tokio::test]
    async fn noting_the_use_of_memory_ends_at_the_last_moment_whatever_the_records_do() {
        let home = tempfile::tempdir().expect("a folder");
        let database = Database::Sqlite(home.path().join("almanac.db"));
        let options = ConnectOptions { connections: 1, patience: Duration::ZERO };
        let records = Records::connect(&database, options).await.expect("a new file");
        let (begun, mut begins) = watch::channel(false);
        let endless = records.clone();
        tokio::spawn(async move {
            let working = endless.transaction(move |_| {
                begun.send_replace(true);
                std::future::pending::<crate::records::Result<()>>().boxed()
            });
            working.await
        });
        begins.wait_for(|begun| *begun).await.expect("it begins");

        let opened = Opened { records, memory_threshold: 0.5, memory: OnceLock::new() };
        let function = function(opened);
        tokio::time::pause();
        for (left, taken) in [(Some(300), 300), (Some(0), 0), (Some(60_000), 1_000), (None, 1_000)] {
            let begun = Instant::now();
            let last_moment = left.map(|left| begun + Duration::from_millis(left));
            function.look_at_memory(&Context::default(), last_moment).await;
            // tokio's clock goes by whole milliseconds.
            assert!((taken..=taken + 1).contains(&begun.elapsed().as_millis()), "{left:?}: {:?}", begun.elapsed());
        }
    }
}
