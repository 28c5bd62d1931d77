//! Moments.

use chrono::{DateTime, Utc};

use super::{Kind, Wrong};

/// A moment with its offset from UTC.
#[derive(Debug)]
pub struct Moment;

impl Kind for Moment {
    type Value = DateTime<Utc>;

    fn parse(&self, text: &str) -> Result<DateTime<Utc>, Wrong> {
        let read = DateTime::parse_from_rfc3339(text).map_err(|_| Wrong::of_value("is no moment with its offset"))?;
        Ok(read.to_utc())
    }

    fn expected(&self) -> String {
        "a moment as RFC 3339 has it, such as 2026-11-07T09:00:00+01:00 or 2026-11-07T08:00:00Z".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Moment};

    #[test]
    fn a_moment_says_its_offset() {
        let eight = "2026-11-07T08:00:00Z".parse().expect("a moment");
        for text in ["2026-11-07T08:00:00Z", "2026-11-07T09:00:00+01:00", "2026-11-07 08:00:00.000+00:00"] {
            assert_eq!(Moment.parse(text), Ok(eight), "{text}");
        }
        for wrong in ["2026-11-07", "2026-11-07T08:00:00", "2026-11-07T25:00:00Z", "soon", "1794038400"] {
            assert!(Moment.parse(wrong).is_err(), "{wrong}");
        }
    }
}
