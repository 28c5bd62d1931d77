//! A function's log, as Lambda asks for it: lines of JSON, each with the ids of the spans that it is in, or text.

use std::io::Write as _;

use chrono::{SecondsFormat, Utc};
use serde_json::Value;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// Begins the log of this process, which does that job.
///
/// Lambda says how by `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL`; `RUST_LOG`, where it is set, chooses the lines
/// instead of the latter, of those that are [`permitted`].
pub(super) fn begin(job: &str) {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let level = level_of(&variable("AWS_LAMBDA_LOG_LEVEL"));
    let filter = chosen(&variable("RUST_LOG")).unwrap_or_else(|| Targets::new().with_default(level));
    if variable("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        tracing_subscriber::registry().with(filter).with(permitted(job)).with(JsonLines).init();
    } else {
        let text = tracing_subscriber::fmt::layer().with_target(false).with_ansi(false).without_time();
        tracing_subscriber::registry().with(filter).with(permitted(job)).with(text).init();
    }
    // Rust's own words would be a line without ids, and may hold what somebody's data made of them.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}

/// The lines that `RUST_LOG` chooses by target and level. Choosing by span or field would take regular expressions into
/// every function.
fn chosen(words: &str) -> Option<Targets> {
    words.parse().ok().filter(|_| !words.is_empty())
}

/// The lines that may be chosen: our own, and others' warnings. Below those, libraries write down what passes through
/// them, events with their addresses first of all; and sqlx, warning of a slow one too, whole statements. Lambda's runtime
/// says each error once more, without ids.
fn permitted(job: &str) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("shared", LevelFilter::TRACE)
        .with_target(job.replace('-', "_"), LevelFilter::TRACE)
        .with_target("sqlx::query", LevelFilter::OFF)
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
}

fn level_of(word: &str) -> LevelFilter {
    match word.to_ascii_uppercase().as_str() {
        // Lambda knows a level above errors.
        "FATAL" => LevelFilter::ERROR,
        word => word.parse().ok().filter(|_| !word.is_empty()).unwrap_or(LevelFilter::INFO),
    }
}

/// Writes a line of JSON for each event: when, how grave, what, then its own fields and those of its spans, flat.
struct JsonLines;

/// The fields of a span or an event, in order.
#[derive(Debug, Clone, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, old)) => *old = value,
            None => self.0.push((field.name(), value)),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(one, _)| *one == name)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        // An inner span knows better than an outer one: a record's trace is that of its run.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                let unknown: Vec<_> = of_span.0.iter().filter(|(name, _)| !fields.has(name)).cloned().collect();
                fields.0.extend(unknown);
            }
        }
        let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = line(&timestamp, *event.metadata().level(), event.metadata().target(), fields);
        let mut out = std::io::stdout().lock();
        // There is nowhere else to say that the log cannot be written.
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).ok();
    }
}

/// The names that every line has, whatever its fields are called.
const OWN: [&str; 4] = ["timestamp", "level", "message", "target"];

fn line(timestamp: &str, level: Level, target: &str, fields: Fields) -> String {
    let message = fields.0.iter().find(|(name, _)| *name == "message").map_or(Value::Null, |(_, words)| words.clone());
    let own = [timestamp.into(), level.as_str().into(), message, target.into()];
    let given = fields.0.into_iter().filter(|(name, _)| !OWN.contains(name));
    let pairs = OWN.into_iter().zip(own).chain(given);
    // Written in this order: a map of serde_json would sort it.
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
    format!("{{{}}}\n", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_s_words_for_levels_are_understood_and_others_mean_info() {
        let levels = ["TRACE", "debug", "WARN", "ERROR", "FATAL", "", "loud"].map(level_of);
        use LevelFilter as L;
        assert_eq!(levels, [L::TRACE, L::DEBUG, L::WARN, L::ERROR, L::ERROR, L::INFO, L::INFO]);
    }

    #[test]
    fn a_job_s_own_lines_are_permitted_and_of_others_only_warnings_and_no_statement() {
        let permitted = permitted("run-keeper");
        for ours in ["run_keeper", "run_keeper::door", "shared::sqs"] {
            assert!(permitted.would_enable(ours, &Level::TRACE), "{ours}");
        }
        for theirs in ["lambda_runtime::layers::api_response", "sqlx::pool", "hyper_util::client"] {
            assert!(permitted.would_enable(theirs, &Level::WARN), "{theirs}");
            assert!(!permitted.would_enable(theirs, &Level::INFO), "{theirs}");
        }
        assert!(!permitted.would_enable("sqlx::query", &Level::ERROR));
    }

    #[test]
    fn a_line_begins_with_when_how_grave_and_what_and_no_field_can_take_their_place() {
        let fields = [("message", "sent \"all\"\n"), ("level", "mine"), ("run", "7")];
        let fields = Fields(fields.map(|(name, value)| (name, value.into())).to_vec());
        assert_eq!(
            line("2026-11-05T17:00:00.000Z", Level::WARN, "shared::sqs", fields),
            "{\"timestamp\":\"2026-11-05T17:00:00.000Z\",\"level\":\"WARN\",\"message\":\"sent \\\"all\\\"\\n\",\
             \"target\":\"shared::sqs\",\"run\":\"7\"}\n"
        );
    }
}
