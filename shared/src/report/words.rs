//! Numbers, spans and moments as people read them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// `104220` as `104,220`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// What share of `whole` `part` is: `5.2 %`. What is not nothing is never shown as 0, nor what is not all as 100.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        percent if percent < 0.1 => "< 0.1 %".to_owned(),
        percent if percent > 99.9 => "> 99.9 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// A rate with as many places as matter: `55.7`, `1,234`.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        rate if rate >= 100.0 => count(rate.round() as u64),
        rate if rate >= 1.0 => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

/// A span: `850 ms`, `12.3 s`, `4 min 12 s`, `1 h 4 min`, `3 d 2 h`.
pub fn span(milliseconds: i64) -> String {
    let seconds = milliseconds / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        ..1 => format!("{milliseconds} ms"),
        1..60 => format!("{:.1} s", (milliseconds / 100) as f64 / 10.0),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A bucket's width: `10 s`, `2 min`, `1 h`.
pub(super) fn width(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// An amount of memory: `85.4 MiB`.
pub(super) fn bytes(number: u64) -> String {
    format!("{:.1} MiB", number as f64 / 1_048_576.0)
}

/// A moment in UTC: `2026-11-05 17:00:00 UTC`.
pub(super) fn utc(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment in a zone: `2026-11-05 18:00:00 CET`.
pub(super) fn local(moment: DateTime<Utc>, zone: Tz) -> String {
    moment.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let shown = [0, 999, 1_000, 104_220, 1_000_000, u64::MAX].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "104,220", "1,000,000", "18,446,744,073,709,551,615"]);
    }

    #[test]
    fn a_share_never_rounds_to_nothing_or_to_all() {
        let shown = [(0, 0), (0, 9), (9, 9), (1, 100_000), (99_999, 100_000), (1, 8)];
        let shown = shown.map(|(part, whole)| share(part, whole));
        assert_eq!(shown, ["–", "0 %", "100 %", "< 0.1 %", "> 99.9 %", "12.5 %"]);
    }

    #[test]
    fn spans_and_rates_have_the_units_that_suit_them() {
        let spans = [0, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, 90_000_000].map(span);
        assert_eq!(spans, ["0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "1 d 1 h"]);
        assert_eq!([1, 10, 120, 7_200, 86_400].map(width), ["1 s", "10 s", "2 min", "2 h", "1 d"]);
        assert_eq!([0.25, 55.7, 1_234.4].map(rate), ["0.25", "55.7", "1,234"]);
    }

    #[test]
    fn a_moment_names_its_zone() {
        let moment = "2026-11-05T17:00:00Z".parse().expect("a moment");
        assert_eq!(utc(moment), "2026-11-05 17:00:00 UTC");
        assert_eq!(local(moment, chrono_tz::Europe::Paris), "2026-11-05 18:00:00 CET");
    }
}
