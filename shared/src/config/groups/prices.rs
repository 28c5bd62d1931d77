//! What a prediction of costs needs.

use std::path::PathBuf;

use super::super::reader::{Group, Reader};
use super::super::table::ALMANAC_PRICES;

/// What a prediction of costs needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSettings {
    /// A file of prices in place of those built in.
    pub file: Option<PathBuf>,
}

impl Group for PriceSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { file: reader.optional(&ALMANAC_PRICES)? })
    }
}
