//! The trace id that AWS X-Ray gives a firing: it leads from the schedule through messages and log lines to the report.

use std::{fmt, str::FromStr};

/// The root id of an X-Ray trace: `1-5bef4de7-ad49b0e87f6ef6c87fc2e700`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId {
    /// When the trace began, in seconds since 1970.
    seconds: u32,
    /// 96 bits that make it the only one of its second.
    unique: u128,
}

/// How many hexadecimal digits each part has.
const DIGITS: [usize; 2] = [8, 24];

impl TraceId {
    /// The root of a trace header: `Root=1-…;Parent=…;Sampled=1`.
    pub fn of_header(header: &str) -> Option<Self> {
        header.split(';').find_map(|part| part.trim().strip_prefix("Root=")?.parse().ok())
    }
}

impl FromStr for TraceId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (seconds, unique) = text.strip_prefix("1-").and_then(|rest| rest.split_once('-')).ok_or(())?;
        let plain = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if [seconds.len(), unique.len()] != DIGITS || !plain(seconds) || !plain(unique) {
            return Err(());
        }
        let (seconds, unique) = (u32::from_str_radix(seconds, 16), u128::from_str_radix(unique, 16));
        Ok(Self { seconds: seconds.map_err(drop)?, unique: unique.map_err(drop)? })
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1-{:08x}-{:024x}", self.seconds, self.unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_header_is_read_back_as_it_was_written() {
        let root = "1-0bef4de7-0d49b0e87f6ef6c87fc2e700";
        for header in [format!("Root={root}"), format!("Self=1-2-3;Root={root};Parent=53995c3f42cd8ad8;Sampled=0")] {
            assert_eq!(TraceId::of_header(&header).map(|trace| trace.to_string()), Some(root.to_owned()));
        }
    }

    #[test]
    fn what_is_no_trace_id_never_becomes_one() {
        for text in
            ["", "1--", "2-5bef4de7-ad49b0e87f6ef6c87fc2e700", "1-5bef4de7-ad49b0e87f6ef6c87fc2e70", "ada@example.org"]
        {
            assert_eq!(text.parse::<TraceId>(), Err(()), "{text}");
            assert_eq!(TraceId::of_header(text), None);
        }
        for odd in [
            "1-+bef4de7-ad49b0e87f6ef6c87fc2e700",
            "1-5BEF4DE7-ad49b0e87f6ef6c87fc2e700",
            "1-5bef4de7-éd49b0e87f6ef6c87fc2e70",
        ] {
            assert_eq!(odd.parse::<TraceId>(), Err(()), "{odd}");
        }
    }
}
