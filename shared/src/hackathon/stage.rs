//! How far a run of a monitor is, as its checkpoint says.
//!
//! Checkpoints only grow. While teams are measured each of them adds one, whoever measures it, so the keeper sees that a
//! run comes further. What is left to do is never concluded from that number: it is the set of teams without a measurement.

use std::ops::Range;

/// The checkpoint at which the roster is there and nobody is measured.
pub(super) const ROSTER: i64 = 1;

/// The same, when workers have been told of pages of it.
const HANDED_OUT: i64 = 1 << 51;

/// The checkpoint at which all are judged.
pub(super) const JUDGED: i64 = 1 << 52;

/// The checkpoints at which teams are measured, whether workers have been told or not.
pub(super) const MEASURING: Range<i64> = ROSTER..JUDGED;

/// Those at which workers have not been told.
pub(super) const BEFORE_HANDING_OUT: Range<i64> = ROSTER..HANDED_OUT;

/// How far telling them brings a run, however many teams are measured by then.
pub(super) const HANDING_OUT: u64 = (HANDED_OUT - ROSTER) as u64;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has no roster yet.
    Opened,
    /// Its teams are known, and measured by whoever goes on with it.
    Measuring,
    /// They are measured by workers too.
    HandedOut,
    /// They are judged; what is left is to tell the Hub.
    Judged,
}

impl Stage {
    /// What a checkpoint says.
    pub(super) fn of(checkpoint: i64) -> Self {
        match checkpoint {
            ..ROSTER => Self::Opened,
            ROSTER..HANDED_OUT => Self::Measuring,
            HANDED_OUT..JUDGED => Self::HandedOut,
            JUDGED.. => Self::Judged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_grows_from_stage_to_stage_and_with_each_team() {
        let told = |checkpoint: i64| checkpoint + i64::try_from(HANDING_OUT).expect("half of what there is");
        let path = [0, ROSTER, ROSTER + 255, told(ROSTER), told(ROSTER + 255) + 1_000_000, JUDGED];
        assert!(path.is_sorted_by(|one, next| one < next), "{path:?}");
        use Stage::{HandedOut, Judged, Measuring, Opened};
        assert_eq!(path.map(Stage::of), [Opened, Measuring, Measuring, HandedOut, HandedOut, Judged]);
        assert!(path[1..5].iter().all(|checkpoint| MEASURING.contains(checkpoint)));
    }
}
