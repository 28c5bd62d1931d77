//! Amounts of money, exact: what files say in decimals is added up before anything is rounded.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// How many decimal places an [`Amount`] has. The doubles that providers print have up to 17 digits, the small ones of
/// them behind many zeros.
const PLACES: i64 = 24;

/// How many more places that is than a millionth has.
const BELOW_MICROS: i128 = 10_i128.pow(18);

/// An amount is of fewer digits than so many before the point, and 24 behind it.
const MOST_DIGITS: i64 = 12 + PLACES;

/// The most that a sum may come to, so that its millionths fit their column: 9 million million.
const MOST: i128 = 9 * 10_i128.pow(36);

/// An amount of a currency's units, as exact as files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount(i128);

/// Why a text is no amount, or a sum none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It is not written as one.
    #[error("must be a decimal number, such as -12.5 or 1.25E-7")]
    Unreadable,
    /// It is a million million or more.
    #[error("must be less than a million million")]
    TooLarge,
    /// With this one the sum is beyond what can be kept.
    #[error("makes the day's sum more than 9 million million")]
    SumTooLarge,
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads digits with or without a point, a sign and an exponent of ten, and no marks between thousands. What lies
    /// behind the 24th place is rounded.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(AmountError::Unreadable);
        }
        let digits: Vec<u8> =
            whole.bytes().chain(fraction.bytes()).skip_while(|byte| *byte == b'0').map(|byte| byte - b'0').collect();
        // How many of the digits, or zeros after them, are those of the amount in its smallest unit.
        let counted = length(&digits) + PLACES + exponent - length(fraction.as_bytes());
        if digits.is_empty() || counted < 0 {
            return Ok(Self(0));
        }
        if counted > MOST_DIGITS {
            return Err(AmountError::TooLarge);
        }
        let counted = usize::try_from(counted).map_err(|_| AmountError::TooLarge)?;
        let within = digits.iter().copied().chain(std::iter::repeat(0)).take(counted);
        let magnitude = within.fold(0_i128, |sum, digit| 10 * sum + i128::from(digit));
        let rounded = magnitude + i128::from(digits.get(counted).is_some_and(|digit| *digit >= 5));
        Ok(Self(if negative { -rounded } else { rounded }))
    }
}

/// An exponent of ten. One that is longer than any that matters is as good as the longest.
fn read_exponent(text: &str) -> Result<i64, AmountError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::Unreadable);
    }
    let size =
        digits.trim_start_matches('0').get(..9).map_or_else(|| digits.parse(), str::parse).unwrap_or(999_999_999);
    Ok(if text.starts_with('-') { -size } else { size })
}

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX / 2)
}

impl Amount {
    /// The sum of both.
    ///
    /// # Errors
    /// [`AmountError::SumTooLarge`] where it could not be kept.
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        let sum = self.0.checked_add(other.0).filter(|sum| sum.abs() <= MOST);
        sum.map(Self).ok_or(AmountError::SumTooLarge)
    }

    /// The nearest millionth; of two that are as near the one farther from nothing.
    pub fn micros(self) -> Micros {
        let half = BELOW_MICROS / 2 * self.0.signum();
        Micros((self.0 + half) / BELOW_MICROS)
    }
}

/// Millionths of a currency's unit, as they are kept, and sums of them. Shown as a decimal with two places or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Micros(pub i128);

impl Micros {
    /// The amount in two places, for people: `1,234.50`. What is not nothing is never shown as nothing.
    pub fn rounded(self) -> String {
        let cents = (self.0.unsigned_abs() + 5_000) / 10_000;
        let sign = if self.0 < 0 { "−" } else { "" };
        if cents == 0 && self.0 != 0 {
            return format!("{sign}< 0.01");
        }
        let whole = u64::try_from(cents / 100).map_or_else(|_| (cents / 100).to_string(), crate::report::count);
        format!("{sign}{whole}.{:02}", cents % 100)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0.unsigned_abs() / 1_000_000, self.0.unsigned_abs() % 1_000_000);
        let places = format!("{part:06}");
        let (shown, rest) = places.split_at(2);
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}{whole}.{shown}{}", rest.trim_end_matches('0')))
    }
}

/// A text, because a number would be read as a double.
impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::ops::AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, AmountError> {
        text.parse::<Amount>().map(|amount| amount.micros().to_string())
    }

    #[test]
    fn decimals_are_read_with_sign_point_and_exponent() {
        for (text, micros) in [
            ("0", "0.00"),
            ("-0.0", "0.00"),
            ("12.34", "12.34"),
            ("+7", "7.00"),
            (".5", "0.50"),
            ("5.", "5.00"),
            ("-100.2", "-100.20"),
            ("1.25E-7", "0.00"),
            ("5e-7", "0.000001"),
            ("4.9999999999e-7", "0.00"),
            ("-5E-7", "-0.000001"),
            ("35.2E+3", "35200.00"),
            ("0.0000123", "0.000012"),
            ("1.234567890123456789E1", "12.345679"),
            ("999999999999.999999", "999999999999.999999"),
            ("1e-999999999999999999999", "0.00"),
            ("0e999999999999999999999", "0.00"),
            ("000000000000000000000000000000000000000000001", "1.00"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in
            ["", "-", ".", "1,5", "1 000", "1e", "e5", "1e5.5", "--1", "0x1f", "NaN", "inf", "12 €", "1.2.3", "١"]
        {
            assert_eq!(read(text), Err(AmountError::Unreadable), "{text}");
        }
        for text in ["1000000000000", "1e12", "-1e12", "1e999999999999999999999"] {
            assert_eq!(read(text), Err(AmountError::TooLarge), "{text}");
        }
    }

    #[test]
    fn a_sum_that_could_not_be_kept_is_refused() {
        let most: Amount = "999999999999".parse().expect("an amount");
        let nine = (0..9).try_fold(Amount::default(), |sum, _| sum.plus(most)).expect("it is below");
        assert_eq!(nine.plus(most), Err(AmountError::SumTooLarge));
        assert!(i64::try_from(nine.micros().0).is_ok());
    }

    #[test]
    fn people_are_shown_two_places_and_never_nothing_for_something() {
        let shown = [0, 1, -1, 4_999, 5_000, 1_234_567_890, -20_000_000].map(|micros| Micros(micros).rounded());
        assert_eq!(shown, ["0.00", "< 0.01", "−< 0.01", "< 0.01", "0.01", "1,234.57", "−20.00"]);
    }

    proptest! {
        #[test]
        fn a_sum_is_that_of_whole_numbers_in_any_order(
            parts in proptest::collection::vec(
                (any::<bool>(), 0..100_000_000_u64, 0..10_u64.pow(18), 0..=18_usize, -6..4_i32), 1..60,
            ),
        ) {
            let mut amounts = Vec::new();
            let mut expected = 0_i128;
            for (negative, whole, digits, places, exponent) in parts {
                let fraction = format!("{digits:018}")[..places].to_owned();
                let text = format!("{}{whole}.{fraction}E{exponent}", if negative { "-" } else { "" });
                let written: i128 = format!("{whole}{fraction}").parse().expect("digits");
                let power = u32::try_from(24 - places as i32 + exponent).expect("no less than nothing");
                expected += written * 10_i128.pow(power) * if negative { -1 } else { 1 };
                amounts.push(text.parse::<Amount>().expect("an amount"));
            }
            let forwards = amounts.iter().try_fold(Amount::default(), |sum, part| sum.plus(*part));
            let backwards = amounts.iter().rev().try_fold(Amount::default(), |sum, part| sum.plus(*part));
            prop_assert_eq!(forwards, Ok(Amount(expected)));
            prop_assert_eq!(backwards, forwards);
        }

        #[test]
        fn no_text_is_more_than_refused(text in "[-+.0-9eE ]{0,40}") {
            if let Ok(amount) = text.parse::<Amount>() {
                prop_assert!(amount.0.abs() <= 10_i128.pow(36));
            }
        }
    }
}
