//! When GitHub may be asked again: its limits on how much, as its answers tell of them.
//!
//! The primary limit is so many requests an hour; `x-ratelimit-remaining` and `x-ratelimit-reset` tell of it. Secondary
//! limits are about requests that come too thick; a 403 or 429 with `retry-after` tells of one, or a 403 or 429 that
//! says so in words. ("Rate limits for the REST API" and "Best practices for using the REST API" of GitHub's
//! documentation.)

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Bytes,
    header::{HeaderName, RETRY_AFTER},
};
use shared::{clock::Clock, random};
use tokio::time::Instant;

use crate::facts::Why;

const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How long to wait where an answer says that a limit is reached and not for how long: what GitHub asks for.
const UNSAID: Duration = Duration::from_secs(60);

/// The longest wait that is believed: no limit lasts longer than its hour.
const LONGEST: Duration = Duration::from_secs(3_600);

/// After how many limits in a row, each waited out, nobody waits any more: a run has only minutes.
const PATIENCE_ENDS: u32 = 2;

/// The requests of one token, or of nobody: these share their limits.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    closed: Option<Closed>,
    /// How often it was closed since the last answer that was not a limit's.
    in_a_row: u32,
}

#[derive(Debug, Clone, Copy)]
struct Closed {
    opens: Instant,
    until: DateTime<Utc>,
}

impl Gate {
    /// Waits until a request may go out, unless that is longer than `patience`.
    pub(super) async fn pass(&self, patience: Duration) -> Result<(), Why> {
        let (closed, in_a_row) = {
            let state = self.state();
            (state.closed, state.in_a_row)
        };
        let Some(Closed { opens, until }) = closed else { return Ok(()) };
        let patience = if in_a_row > PATIENCE_ENDS { Duration::ZERO } else { patience };
        match opens.saturating_duration_since(Instant::now()) {
            Duration::ZERO => {}
            left if left > patience => return Err(Why::Limited(until)),
            // Those who wait for the same moment go one after the other.
            left => tokio::time::sleep(left + random::jitter(left.min(Duration::from_secs(1)))).await,
        }
        Ok(())
    }

    /// Notes what an answer says of limits; where one of them is why it is no other answer, until when.
    pub(super) fn note(&self, answer: &Response<Bytes>, clock: &Clock) -> Option<DateTime<Utc>> {
        let refused = [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS].contains(&answer.status());
        let wait = match (refused, asked_wait(answer.headers()), until_reset(answer.headers(), clock)) {
            (true, Some(asked), _) => Some(asked),
            (_, _, Some(reset)) => Some(reset),
            (true, None, None) if tells_of_a_limit(answer) => Some(UNSAID),
            _ => None,
        };
        if !refused {
            self.state().in_a_row = 0;
        }
        let until = self.close(wait?.min(LONGEST), clock);
        refused.then_some(until)
    }

    fn close(&self, wait: Duration, clock: &Clock) -> DateTime<Utc> {
        let until = clock.now() + TimeDelta::from_std(wait).unwrap_or_default();
        let (now, mut state) = (Instant::now(), self.state());
        if state.closed.is_none_or(|closed| closed.opens <= now) {
            // Of those that were under way together, the first.
            state.in_a_row = state.in_a_row.saturating_add(1);
        }
        if state.closed.is_none_or(|closed| closed.opens < now + wait) {
            tracing::warn!(%until, "GitHub's limit is reached");
            state.closed = Some(Closed { opens: now + wait, until });
        }
        until
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long until there are requests again, where none is left.
fn until_reset(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    if number(headers, &REMAINING)? != 0 {
        return None;
    }
    let reset = i64::try_from(number(headers, &RESET)?).ok().and_then(|reset| DateTime::from_timestamp(reset, 0));
    Some(reset.map_or(UNSAID, |reset| (reset - clock.now()).to_std().unwrap_or_default()))
}

fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    number(headers, &RETRY_AFTER).map(Duration::from_secs)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Whether it is a limit, as the only other sign than headers.
fn tells_of_a_limit(answer: &Response<Bytes>) -> bool {
    let said = String::from_utf8_lossy(answer.body()).to_ascii_lowercase();
    answer.status() == StatusCode::TOO_MANY_REQUESTS || said.contains("rate limit") || said.contains("abuse detection")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-08T09:00:00Z";

    fn clock() -> Clock {
        Clock::standing_at(NOW.parse().expect("a moment"))
    }

    fn answer(status: u16, headers: &[(HeaderName, String)], body: &str) -> Response<Bytes> {
        let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        for (name, value) in headers {
            answer.headers_mut().insert(name, value.parse().expect("a value"));
        }
        answer
    }

    fn left(remaining: u64, reset_in: i64) -> Vec<(HeaderName, String)> {
        let reset = clock().now().timestamp() + reset_in;
        vec![(REMAINING, remaining.to_string()), (RESET, reset.to_string())]
    }

    /// For how many seconds a gate is closed after an answer, and whether the answer is the limit's.
    fn closed_by(answer: &Response<Bytes>) -> (u64, bool) {
        let gate = Gate::default();
        let limit = gate.note(answer, &clock()).is_some();
        let closed = gate.state().closed.map(|closed| closed.opens - Instant::now());
        (closed.unwrap_or_default().as_secs(), limit)
    }

    #[tokio::test(start_paused = true)]
    async fn each_sign_of_a_limit_closes_the_gate_for_as_long_as_it_says() {
        let retry = |seconds: &str| vec![(RETRY_AFTER, seconds.to_owned())];
        for (answer, expected) in [
            (answer(200, &left(4_999, 3_600), ""), (0, false)),
            (answer(200, &left(0, 1_800), ""), (1_800, false)),
            (answer(304, &left(0, 60), ""), (60, false)),
            (answer(403, &left(0, 900), ""), (900, true)),
            (answer(429, &left(0, 900), ""), (900, true)),
            (answer(403, &left(0, -5), ""), (0, true)),
            (answer(403, &left(0, 1_000_000), ""), (3_600, true)),
            (answer(403, &[(REMAINING, "0".to_owned())], ""), (0, false)),
            (answer(403, &retry("30"), ""), (30, true)),
            (answer(429, &[retry("30"), left(10, 900)].concat(), ""), (30, true)),
            (answer(200, &retry("30"), ""), (0, false)),
            (answer(429, &[], ""), (60, true)),
            (answer(403, &[], "You have exceeded a secondary rate limit."), (60, true)),
            (answer(403, &left(50, 900), "Resource protected by organization SAML"), (0, false)),
            (answer(403, &retry("soon"), "no"), (0, false)),
        ] {
            assert_eq!(closed_by(&answer), expected, "{answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_wait_is_waited_out_and_a_long_one_is_not() {
        let gate = Gate::default();
        gate.note(&answer(403, &[(RETRY_AFTER, "20".to_owned())], ""), &clock());
        let until = clock().now() + TimeDelta::seconds(20);
        assert_eq!(gate.pass(Duration::from_secs(19)).await, Err(Why::Limited(until)));
        let began = Instant::now();
        assert_eq!(gate.pass(Duration::from_secs(20)).await, Ok(()));
        let waited = began.elapsed().as_millis();
        assert!((20_500..=21_000).contains(&waited), "{waited}");
        assert_eq!(gate.pass(Duration::ZERO).await, Ok(()), "it is over");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_out_two_limits_in_a_row_does_not_wait_for_the_third() {
        let (gate, patience) = (Gate::default(), Duration::from_secs(20));
        let limited = answer(403, &[(RETRY_AFTER, "20".to_owned())], "");
        let until = Err(Why::Limited(clock().now() + TimeDelta::seconds(20)));
        for limit in 1..=3 {
            // Ten were under way together.
            for _ in 0..10 {
                assert!(gate.note(&limited, &clock()).is_some());
            }
            let expected = if limit < 3 { Ok(()) } else { until };
            assert_eq!(gate.pass(patience).await, expected, "{limit}");
        }
        tokio::time::advance(patience).await;
        assert_eq!(gate.pass(patience).await, Ok(()), "it is over");
        assert_eq!(gate.note(&answer(200, &[], ""), &clock()), None);
        gate.note(&limited, &clock());
        assert_eq!(gate.pass(patience).await, Ok(()), "it is the first again");
    }
}
