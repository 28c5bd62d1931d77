//! How monitors fare, as Prometheus reads it.

use std::{collections::BTreeMap, fmt::Write as _};

use super::health::Health;

/// The content type of [`text`]: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is known of monitors' executions, by job, in Prometheus' text format.
pub fn text(all: &BTreeMap<String, Health>) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: &dyn Fn(&str, &Health) -> Vec<String>| {
        // Nothing that is written to a text fails.
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
        for (job, health) in all {
            for sample in samples(&label(job), health) {
                writeln!(text, "{sample}").ok();
            }
        }
    };
    family("job_executions_total", "counter", "Executions of a job, by what they came to.", &|job, health| {
        [("success", health.succeeded), ("failure", health.failed)]
            .map(|(status, count)| format!("job_executions_total{{job=\"{job}\",status=\"{status}\"}} {count}"))
            .into()
    });
    family("job_duration_seconds", "summary", "How long executions of a job took.", &|job, health| {
        let count = health.succeeded + health.failed;
        vec![
            format!("job_duration_seconds_sum{{job=\"{job}\"}} {}", health.took.as_secs_f64()),
            format!("job_duration_seconds_count{{job=\"{job}\"}} {count}"),
        ]
    });
    family("teams_processed_total", "counter", "Teams that a job has judged.", &|job, health| {
        vec![format!("teams_processed_total{{job=\"{job}\"}} {}", health.teams)]
    });
    family("job_failures_in_row", "gauge", "Executions that failed since the last that went well.", &|job, health| {
        vec![format!("job_failures_in_row{{job=\"{job}\"}} {}", health.failed_in_row)]
    });
    text
}

/// A label's value: backslashes, quotes and line feeds escaped.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_family_has_its_type_and_a_sample_for_each_job() {
        let health = Health {
            succeeded: 3,
            failed: 1,
            failed_in_row: 1,
            took: Duration::from_millis(2_500),
            teams: 40,
            ..Health::default()
        };
        let all = BTreeMap::from([("judge-score".to_owned(), health), ("a\"b".to_owned(), Health::default())]);
        insta::assert_snapshot!(text(&all), @r#"
        # HELP job_executions_total Executions of a job, by what they came to.
        # TYPE job_executions_total counter
        job_executions_total{job="a\"b",status="success"} 0
        job_executions_total{job="a\"b",status="failure"} 0
        job_executions_total{job="judge-score",status="success"} 3
        job_executions_total{job="judge-score",status="failure"} 1
        # HELP job_duration_seconds How long executions of a job took.
        # TYPE job_duration_seconds summary
        job_duration_seconds_sum{job="a\"b"} 0
        job_duration_seconds_count{job="a\"b"} 0
        job_duration_seconds_sum{job="judge-score"} 2.5
        job_duration_seconds_count{job="judge-score"} 4
        # HELP teams_processed_total Teams that a job has judged.
        # TYPE teams_processed_total counter
        teams_processed_total{job="a\"b"} 0
        teams_processed_total{job="judge-score"} 40
        # HELP job_failures_in_row Executions that failed since the last that went well.
        # TYPE job_failures_in_row gauge
        job_failures_in_row{job="a\"b"} 0
        job_failures_in_row{job="judge-score"} 1
        "#);
    }
}
