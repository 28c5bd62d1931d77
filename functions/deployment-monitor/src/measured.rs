//! What is measured of a team; it is kept in the records, and judged as it was then.

use serde::{Deserialize, Serialize};

use crate::{Fault, Unprobed};

/// What is measured of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// It was not probed.
    Unprobed(Unprobed),
    /// What each probe of the plan came to.
    Probed {
        /// Whether its address is https.
        https: bool,
        /// The probes, in the order of the plan.
        probes: Vec<Answered>,
    },
}

impl Measured {
    /// Whether a server that was to be reached was, whatever it answered; none where there was no such server.
    pub fn was_reached(&self) -> Option<bool> {
        match self {
            Self::Unprobed(Unprobed::Unresolved) => Some(false),
            Self::Unprobed(_) => None,
            Self::Probed { probes, .. } => {
                Some(probes.iter().any(|probe| !matches!(probe.got, Got::Fault(Fault::TimedOut | Fault::Unreachable))))
            }
        }
    }
}

/// What one probe came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Method and path, without the query.
    pub probe: String,
    /// Whether it is among those by which a team passes.
    pub critical: bool,
    /// What came.
    pub got: Got,
    /// How long it took, from the connection's beginning to the answer's end or the fault, in microseconds.
    pub micros: u64,
}

/// What came of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Got {
    /// An answer as expected, with this status.
    Expected(u16),
    /// Another status than expected.
    OtherStatus(u16),
    /// The right status, and a body that is not as expected.
    OtherBody(u16),
    /// No answer.
    Fault(Fault),
}

impl Answered {
    /// Whether it was answered as expected.
    pub fn as_expected(&self) -> bool {
        matches!(self.got, Got::Expected(_))
    }
}
