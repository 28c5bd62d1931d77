//! What a function declares that its schedule does when clocks change.

use std::{fmt, str::FromStr};

/// What becomes of firings that a clock change skips or shows twice. It is declared, not chosen: there is one value for
/// each thing that EventBridge Scheduler does, and that is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DstPolicy {
    /// A firing in the gap does not happen, one in the overlap happens once.
    SkipGapOnceInOverlap,
}

/// A text that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is nothing that EventBridge Scheduler does; expected {SKIP_GAP_ONCE_IN_OVERLAP}")]
pub struct UnknownPolicy(String);

const SKIP_GAP_ONCE_IN_OVERLAP: &str = "skip-gap-once-in-overlap";

impl fmt::Display for DstPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkipGapOnceInOverlap => f.write_str(SKIP_GAP_ONCE_IN_OVERLAP),
        }
    }
}

impl FromStr for DstPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            SKIP_GAP_ONCE_IN_OVERLAP => Ok(Self::SkipGapOnceInOverlap),
            other => Err(UnknownPolicy(other.to_owned())),
        }
    }
}
