//! Chance that falls the same way every time.

/// The seed of every demo.
const SEED: u64 = 0x000a_1ac0_2026_0005;

/// A sequence of numbers that look random and depend on the person's number alone (SplitMix64).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The sequence of person `number`.
    pub(super) fn of(number: u32) -> Self {
        let mut dice = Self(SEED ^ (u64::from(number) << 32));
        // Neighbours begin alike; one step parts them.
        Self(dice.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to but without `bound`.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let high = ((self.next() >> 32) * u64::from(bound)) >> 32;
        u32::try_from(high).unwrap_or(0)
    }

    /// True so often in a hundred throws.
    pub(super) fn percent(&mut self, share: u32) -> bool {
        self.below(100) < share
    }

    /// One of `choices`, which are not empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let place = self.below(u32::try_from(choices.len()).unwrap_or(u32::MAX));
        choices[place as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_person_throws_the_same_every_time_and_not_as_the_next_one_does() {
        let throws = |number| {
            let mut dice = Dice::of(number);
            [(); 20].map(|()| dice.below(1_000))
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        assert!(throws(7).iter().all(|&throw| throw < 1_000));
    }
}
