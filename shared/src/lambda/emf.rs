//! Metrics in CloudWatch's embedded metric format: one line of JSON on standard output for each invocation.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use crate::counters::Counter;

/// The namespace of every metric.
const NAMESPACE: &str = "Almanac";

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
    /// The line, dated so many milliseconds after 1970. The dimension is the job alone; the request is only for reading.
    pub(super) fn line(&self, timestamp_ms: i64) -> String {
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
        line.insert("_aws".to_owned(), json!({"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}));
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
        let line: Value = serde_json::from_str(&measured.line(1_793_898_000_000)).expect("JSON");
        assert_eq!(
            line,
            json!({
                "_aws": {"Timestamp": 1_793_898_000_000_i64, "CloudWatchMetrics": [{
                    "Namespace": "Almanac", "Dimensions": [["job"]], "Metrics": [
                        {"Name": "ColdStarts", "Unit": "Count"}, {"Name": "DurationMs", "Unit": "Milliseconds"},
                        {"Name": "Records", "Unit": "Count"}, {"Name": "RecordFailures", "Unit": "Count"},
                        {"Name": "Sent", "Unit": "Count"}]}]},
                "job": "invitation-worker", "request": "r-1",
                "ColdStarts": 1, "DurationMs": 12.5, "Records": 3, "RecordFailures": 0, "Sent": 12,
            })
        );
    }
}
