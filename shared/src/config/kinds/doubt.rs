//! Policies for letters in doubt.

use super::{Kind, Wrong};
use crate::run::doubt::{EXPECTED, WhenInDoubt};

/// Reads a [`WhenInDoubt`].
#[derive(Debug)]
pub struct DoubtPolicy;

impl Kind for DoubtPolicy {
    type Value = WhenInDoubt;

    fn parse(&self, text: &str) -> Result<WhenInDoubt, Wrong> {
        text.parse().map_err(|_| Wrong::of_value("is no policy for letters in doubt"))
    }

    fn expected(&self) -> String {
        EXPECTED.to_owned()
    }
}
