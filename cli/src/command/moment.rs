//! `--at`: a moment, as it is typed.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use shared::schedule::WallTime;

use crate::exit::Misused;

/// Reads a time by the clocks of a zone: `2026-11-05T18:00`, with seconds or an offset if wanted.
pub(super) fn at(text: &str, zone: Tz) -> Result<DateTime<Utc>, Misused> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let local =
        local.ok_or_else(|| Misused(format!("--at {text:?} is not a time: expected one such as 2026-11-05T18:00")))?;
    // Of a time that comes twice, the one at which a schedule fires.
    let moment = WallTime::of(local, zone).firing();
    moment.ok_or_else(|| Misused(format!("--at {text} does not exist in {zone}: the clocks go forward over it")))
}

#[cfg(test)]
mod tests {
    use super::at;
    use chrono_tz::Europe::Paris;

    #[test]
    fn a_time_is_read_in_the_schedules_zone_unless_it_says_its_own() {
        let utc = |text| at(text, Paris).expect("a time").to_rfc3339();
        assert_eq!(utc("2026-11-05T18:00"), "2026-11-05T17:00:00+00:00");
        assert_eq!(utc("2026-07-05T18:00:30"), "2026-07-05T16:00:30+00:00");
        assert_eq!(utc("2026-11-05T18:00:00Z"), "2026-11-05T18:00:00+00:00");
        assert_eq!(utc("2026-10-25T02:30"), "2026-10-25T00:30:00+00:00");
    }

    #[test]
    fn a_time_that_is_none_or_does_not_exist_is_refused() {
        for (text, words) in [("tomorrow", "is not a time"), ("2026-03-29T02:30", "does not exist in Europe/Paris")] {
            let error = at(text, Paris).expect_err("no time").to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
