//! Random numbers that can be had again.

use std::env;

use shared::random;

/// Numbers that look random and follow from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice with a seed of this run's own, which is printed; `ALMANAC_TEST_SEED` throws an earlier run's again.
    pub fn thrown() -> Self {
        let seed = env::var("ALMANAC_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from_le_bytes(random::bytes()));
        println!("ALMANAC_TEST_SEED={seed}");
        Self(seed)
    }

    /// Dice of their own for a part of a test, such as one call by its number: they fall the same in whatever order parts
    /// happen.
    pub fn for_part(&self, part: u64) -> Self {
        let mut part = Self(self.0 ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        part.between(0, 1);
        part
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub fn happens(&mut self, percent: u64) -> bool {
        self.between(1, 100) as u64 <= percent
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: u64, most: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let number = least + (mixed ^ (mixed >> 31)) % (most - least + 1);
        usize::try_from(number).expect("tests throw small numbers")
    }
}
