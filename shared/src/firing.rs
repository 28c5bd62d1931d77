//! A firing: one job, at one scheduled time, read from whatever event brought it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::trace::TraceId;

/// What fired a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Its schedule. Business deadlines bind only these.
    Schedule,
    /// A person, who decides that it starts now, whatever the scheduled time.
    Manual,
    /// The keeper, to go on with a run that stands still.
    Resume,
}

impl Trigger {
    /// The word that the run history shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Manual => "manual",
            Self::Resume => "resume",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One firing of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// When the job was to run. It decides the month, who is eligible, and the run's key.
    pub scheduled_at: DateTime<Utc>,
    /// What fired it.
    pub trigger: Trigger,
    /// The trace that it belongs to; none on one machine.
    pub trace: Option<TraceId>,
}

/// An event that is no firing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a firing: {field}: {fault}; expected {expected}")]
pub struct InvalidFiring {
    field: &'static str,
    fault: String,
    expected: &'static str,
}

/// The source of the events by which Almanac speaks to itself.
pub(crate) const OWN_SOURCE: &str = "almanac";

/// The one of them that asks for a run, and the version of it that this release understands.
const RUN_REQUESTED: (&str, u64) = ("run-requested", 1);

/// When a request wants its run. A field that is not known is refused: mistyped, it would stand for its default, and a
/// run of another time be fired.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    scheduled_time: Option<String>,
    #[serde(default)]
    resume: bool,
}

impl Firing {
    /// A firing for that time, of no trace.
    pub fn new(scheduled_at: DateTime<Utc>, trigger: Trigger) -> Self {
        Self { scheduled_at, trigger, trace: None }
    }

    /// The same, of that trace.
    #[must_use]
    pub fn traced(self, trace: Option<TraceId>) -> Self {
        Self { trace, ..self }
    }

    /// Reads a firing from an event of one of these shapes:
    ///
    /// - EventBridge Scheduler's input, as the template writes it: `{"scheduled_time": "…", "execution_id": "…"}`
    /// - an EventBridge rule's envelope: `{"detail-type": "Scheduled Event", "time": "…", …}`
    /// - a request on the bus, for this `job`: an envelope with source `almanac`, detail type `run-requested` and detail
    ///   `{"version": 1, "job": "…", "scheduled_time": "…", "resume": false}`
    /// - a manual request: `{"manual": {"scheduled_time": "…"}}`
    ///
    /// A request without a time is for `now`.
    ///
    /// # Errors
    /// When the event has none of these shapes, or is for another job or of another version.
    pub fn from_event(event: &Value, job: &str, now: DateTime<Utc>) -> Result<Self, InvalidFiring> {
        if let Some(manual) = event.get("manual") {
            return Self::from_request(manual.clone(), "manual", now);
        }
        if event.get("source").and_then(Value::as_str) == Some(OWN_SOURCE) {
            return Self::from_request(requested(event, job)?, "detail", now);
        }
        let (field, time) = match (event.get("scheduled_time"), event.get("time")) {
            (Some(time), _) => ("scheduled_time", time),
            (None, Some(time)) => ("time", time),
            (None, None) => {
                return Err(InvalidFiring {
                    field: "scheduled_time",
                    fault: "is missing".to_owned(),
                    expected: "a schedule's input, an EventBridge envelope, or {\"manual\": {}}",
                });
            }
        };
        let text = time.as_str().unwrap_or_default();
        Ok(Self::new(parse_time(field, text)?, Trigger::Schedule))
    }

    fn from_request(request: Value, field: &'static str, now: DateTime<Utc>) -> Result<Self, InvalidFiring> {
        let request: Request = serde_json::from_value(request).map_err(|error| InvalidFiring {
            field,
            fault: error.to_string(),
            expected: "{\"scheduled_time\": \"2026-11-05T17:00:00Z\"} or {}",
        })?;
        let scheduled_at = match &request.scheduled_time {
            Some(text) => parse_time("scheduled_time", text)?,
            None => now,
        };
        Ok(Self::new(scheduled_at, if request.resume { Trigger::Resume } else { Trigger::Manual }))
    }
}

/// What an event on the bus that asks for a run of this job says beyond that.
fn requested(event: &Value, job: &str) -> Result<Value, InvalidFiring> {
    let (name, version) = RUN_REQUESTED;
    let mut detail = event.get("detail").cloned().unwrap_or_default();
    for (field, found, wanted, expected) in [
        ("detail-type", event.get("detail-type"), Value::from(name), "\"run-requested\""),
        ("detail.version", detail.get("version"), Value::from(version), "1"),
        ("detail.job", detail.get("job"), Value::from(job), "the job whose planner this is"),
    ] {
        let fault = match found {
            Some(found) if *found == wanted => continue,
            Some(found) => format!("is {found}"),
            None => "is missing".to_owned(),
        };
        return Err(InvalidFiring { field, fault, expected });
    }
    if let Some(fields) = detail.as_object_mut() {
        fields.retain(|field, _| field != "version" && field != "job");
    }
    Ok(detail)
}

fn parse_time(field: &'static str, text: &str) -> Result<DateTime<Utc>, InvalidFiring> {
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|error| InvalidFiring {
        field,
        fault: format!("{text:?} is not a time: {error}"),
        expected: "RFC 3339, such as 2026-11-05T17:00:00Z",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JOB: &str = "monthly-invitations";

    fn requested(detail: Value) -> Value {
        json!({"source": "almanac", "detail-type": "run-requested", "detail": detail})
    }

    fn at(text: &str) -> DateTime<Utc> {
        parse_time("test", text).expect("RFC 3339")
    }

    #[test]
    fn every_door_leads_to_the_same_scheduled_time() {
        let now = at("2026-11-05T17:00:42Z");
        let scheduled = at("2026-11-05T17:00:00Z");
        for (event, trigger) in [
            (json!({"scheduled_time": "2026-11-05T17:00:00Z", "execution_id": "a1"}), Trigger::Schedule),
            (
                json!({"version": "0", "id": "x", "detail-type": "Scheduled Event", "source": "aws.events",
                       "time": "2026-11-05T17:00:00Z", "detail": {}}),
                Trigger::Schedule,
            ),
            (json!({"manual": {"scheduled_time": "2026-11-05T18:00:00+01:00"}}), Trigger::Manual),
            (
                json!({"source": "almanac", "detail-type": "run-requested", "time": "2026-11-06T00:00:00Z",
                       "detail": {"version": 1, "job": "monthly-invitations",
                                  "scheduled_time": "2026-11-05T17:00:00Z", "resume": true}}),
                Trigger::Resume,
            ),
        ] {
            assert_eq!(Firing::from_event(&event, JOB, now), Ok(Firing::new(scheduled, trigger)), "{event}");
        }
        assert_eq!(Firing::from_event(&json!({"manual": {}}), JOB, now).map(|firing| firing.scheduled_at), Ok(now));
    }

    #[test]
    fn what_is_no_firing_is_refused_with_the_field_and_what_was_expected() {
        let now = at("2026-11-05T17:00:42Z");
        for (event, words) in [
            (json!({}), "scheduled_time: is missing"),
            (json!({"scheduled_time": "yesterday"}), "\"yesterday\" is not a time"),
            (json!({"manual": {"scheduled_time": 5}}), "manual: invalid type"),
            (json!({"manual": {"scheduledTime": "2026-11-05T17:00:00Z"}}), "manual: unknown field `scheduledTime`"),
            (json!({"manual": {"job": "reminders"}}), "manual: unknown field `job`"),
            (
                json!({"source": "almanac", "detail-type": "job-completed"}),
                "detail-type: is \"job-completed\"; expected",
            ),
            (requested(json!({"job": JOB})), "detail.version: is missing; expected 1"),
            (requested(json!({"version": 2, "job": JOB})), "detail.version: is 2; expected 1"),
            (requested(json!({"version": 1, "job": "reminders"})), "detail.job: is \"reminders\"; expected the job"),
            (requested(json!({"version": 1})), "detail.job: is missing"),
            (requested(json!({"version": 1, "job": JOB, "scheduled_time": 5})), "detail: invalid type"),
            (
                requested(json!({"version": 1, "job": JOB, "scheduled-time": ""})),
                "detail: unknown field `scheduled-time`",
            ),
        ] {
            let error = Firing::from_event(&event, JOB, now).expect_err("no firing").to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
