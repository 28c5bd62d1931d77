//! Expressions as AWS documents them, and firings against a walk over every minute.

mod clocks;
mod days;
mod expressions;
mod minute_walk;
mod oracle;

use chrono::{DateTime, Utc};

use super::Schedule;

/// A schedule that is one.
fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule { expression: expression.parse().expect("an expression"), zone: zone.parse().expect("a zone") }
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

/// The next firings by the zone's clocks.
fn next(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(expression, zone);
    let local = |firing: DateTime<Utc>| firing.with_timezone(&schedule.zone).format("%Y-%m-%d %H:%M %:z").to_string();
    schedule.firings_after(moment(after)).take(count).map(local).collect()
}
