//! Metrics in CloudWatch's embedded metric format: one line of JSON on standard output for each invocation.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::counters::Counter;

/// The namespace of every metric.
const NAMESPACE: &str = "Almanac";

/// The level of every line. Lambda makes no exception for metrics: a line of JSON without a level and an RFC 3339 time
/// is `INFO` to it, and lost where less is asked for (Lambda developer guide, "Log-level filtering"). This one is above
/// whatever can be asked for, and no line of the log has it.
const LEVEL: &str = "FATAL";

/// What is measured of one invocation.
#[derive(Debug)]
pub(super) struct Measured<'m> {
    pub(super) job: &'static str,
    pub(super) request: &'m str,
    pub(super) cold_start: bool,
    pub(super) duration: Duration,
    pub(super) records: usize,
    pub(super) counted: &'m BTreeMap<Counter, u64>,
}

impl Measured<'_> {
    /// The line, of that moment. The dimension is the job alone; the request is only for reading.
    pub(super) fn line(&self, now: DateTime<Utc>) -> String {
        let counted = self.counted.iter().map(|(counter, number)| (counter.name(), "Count", json!(number)));
        let metrics = [
            ("ColdStarts", "Count", json!(u8::from(self.cold_start))),
            ("DurationMs", "Milliseconds", json!(self.duration.as_secs_f64() * 1_000.0)),
            ("Records", "Count", json!(self.records)),
        ];
        let (mut definitions, mut line) = (Vec::new(), Map::new());
        for (name, unit, value) in metrics.into_iter().chain(counted) {
            definitions.push(json!({"Name": name, "Unit": unit}));
            line.insert(name.to_owned(), value);
        }
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["job"]], "Metrics": definitions});
        line.insert("_aws".to_owned(), json!({"Timestamp": now.timestamp_millis(), "CloudWatchMetrics": [directive]}));
        line.insert("timestamp".to_owned(), now.to_rfc3339_opts(SecondsFormat::Millis, true).into());
        line.insert("level".to_owned(), LEVEL.into());
        line.insert("job".to_owned(), self.job.into());
        line.insert("request".to_owned(), self.request.into());
        Value::Object(line).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_for_every_metric_its_unit_and_its_value() {
        let counted = BTreeMap::from([(Counter::Sent, 12), (Counter::RecordFailures, 0)]);
        let measured = Measured {
            job: "invitation-worker",
            request: "r-1",
            cold_start: true,
            duration: Duration::from_micros(12_500),
            records: 3,
            counted: &counted,
        };
        let now = "2026-11-05T17:00:00.125Z".parse().expect("a time");
        let line: Value = serde_json::from_str(&measured.line(now)).expect("JSON");
        assert_eq!(
            line,
            json!({
                "_aws": {"Timestamp": 1_793_898_000_125_i64, "CloudWatchMetrics": [{
                    "Namespace": "Almanac", "Dimensions": [["job"]], "Metrics": [
                        {"Name": "ColdStarts", "Unit": "Count"}, {"Name": "DurationMs", "Unit": "Milliseconds"},
                        {"Name": "Records", "Unit": "Count"}, {"Name": "RecordFailures", "Unit": "Count"},
                        {"Name": "Sent", "Unit": "Count"}]}]},
                "timestamp": "2026-11-05T17:00:00.125Z", "level": "FATAL",
                "job": "invitation-worker", "request": "r-1",
                "ColdStarts": 1, "DurationMs": 12.5, "Records": 3, "RecordFailures": 0, "Sent": 12,
            })
        );
    }
}
